//! What a container costs each run: the Docker backend beside the commands of Docker, with the same image, the same
//! engine and a worker that does nothing.
//!
//! Everything that is made for it is removed again. Deliberately absent: pulling an image; it is made from the `busybox`
//! of this machine.

mod ground;

use std::time::{Duration, Instant};

use lem_backend::docker::{Ephemeral, Lifetime, Persistent};
use lem_backend::{Backend, Start};
use tokio::io::AsyncReadExt as _;

use crate::Outcome;
use crate::report::{Figures, Section};
pub(crate) use ground::Ground;

/// What the worker does, and says, by which a run that did not happen is noticed.
const COMMAND: [&str; 3] = ["/bin/busybox", "echo", "done"];
const SAID: &str = "done\n";

/// A worker of this benchmark needs no time to end.
const GRACE: Duration = Duration::from_secs(5);

/// Rounds for each repetition that is asked for: a round is short.
const ROUNDS: u32 = 2;

/// The rows, in the order of the table.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Ephemeral,
    DockerRun,
    ComposeRun,
    Persistent,
    DockerExec,
}

/// Our backends.
struct Ours {
    ephemeral: Ephemeral,
    persistent: Persistent,
    /// The container of `persistent`.
    warm: String,
}

impl Way {
    const ALL: [Self; 5] =
        [Self::Ephemeral, Self::DockerRun, Self::ComposeRun, Self::Persistent, Self::DockerExec];

    /// Its name, what its time is divided by, and the aim for that.
    fn row(self) -> (&'static str, Option<Self>, &'static str) {
        match self {
            Self::Ephemeral => ("`lem-backend`, a fresh container", Some(Self::DockerRun), "1.1"),
            Self::DockerRun => ("peer: `docker run --rm`", None, "-"),
            Self::ComposeRun => ("peer: `docker-compose run --rm`", Some(Self::DockerRun), "-"),
            Self::Persistent => ("`lem-backend`, a warm container", Some(Self::DockerExec), "1.0"),
            Self::DockerExec => ("peer: `docker exec`", None, "-"),
        }
    }
}

pub(crate) fn measure(ground: &Ground, repeat: u32) -> Outcome<Section> {
    let ours = warm_up(ground)?;
    let rounds = repeat * ROUNDS;
    let figures = measure_rounds(ground, &ours, rounds);
    // Also after a failure: nothing of a benchmark stays.
    ground.runtime.block_on(ours.persistent.tear_down());
    Ok(Section {
        name: "containers",
        title: "A run in a container",
        notes: notes(ground, rounds),
        columns: vec!["what", "time, ms", "times its peer", "aim"],
        rows: rows(&figures?),
    })
}

/// What each way took, in milliseconds. A first round finds caches cold, and is not counted.
fn measure_rounds(ground: &Ground, ours: &Ours, rounds: u32) -> Outcome<[Figures; 5]> {
    let mut figures: [Figures; 5] = Default::default();
    for round in 0..=rounds {
        for (way, figures) in Way::ALL.into_iter().zip(&mut figures) {
            let begun = Instant::now();
            let Some(said) = run(ground, ours, way)? else { continue };
            let taken_ms = begun.elapsed().as_secs_f64() * 1e3;
            if said != SAID {
                return Err(format!("{} said {said:?}, not {SAID:?}", way.row().0).into());
            }
            if round > 0 {
                figures.push(taken_ms);
            }
        }
    }
    Ok(figures)
}

fn warm_up(ground: &Ground) -> Outcome<Ours> {
    let (engine, service) = (&ground.engine, &ground.service);
    let ephemeral =
        Ephemeral { engine: engine.clone(), service: service.clone(), owner: ground::owner(), gpus: None };
    let persistent =
        Persistent::new(engine.clone(), service.clone(), ground::owner(), None, Lifetime::default());
    let warm = ground.runtime.block_on(container_of(&persistent))?;
    Ok(Ours { ephemeral, persistent, warm })
}

/// The container in which every run is executed, made by a first run.
async fn container_of(persistent: &Persistent) -> Outcome<String> {
    let mut session = persistent.start(&start()).await?;
    let container = session.control.container().map(|facts| facts.id.clone());
    session.control.stop(GRACE).await?;
    container.ok_or_else(|| "a run in a container does not tell which".into())
}

fn start() -> Start {
    Start { command: COMMAND.map(str::to_owned).to_vec(), ..Start::default() }
}

/// One run, and what its worker said; `None` for a peer that is not here.
fn run(ground: &Ground, ours: &Ours, way: Way) -> Outcome<Option<String>> {
    let peer = |words: &[&str]| ground.call(&[words, &COMMAND].concat()).map(Some);
    match way {
        Way::Ephemeral => ground.runtime.block_on(run_ours(&ours.ephemeral)).map(Some),
        Way::Persistent => ground.runtime.block_on(run_ours(&ours.persistent)).map(Some),
        Way::DockerRun => peer(&["docker", "run", "--rm", ground::IMAGE]),
        Way::DockerExec => peer(&["docker", "exec", &ours.warm]),
        Way::ComposeRun => match &ground.compose {
            Some(compose) => peer(&[compose.as_slice(), &["run", "--rm", "-T", "worker"]].concat()),
            None => Ok(None),
        },
    }
}

/// As a campaign does it: the output is read to its end, the exit is waited for, and nothing is left.
async fn run_ours(backend: &dyn Backend) -> Outcome<String> {
    let mut session = backend.start(&start()).await?;
    drop(session.stdin);
    let mut said = String::new();
    session.stdout.read_to_string(&mut said).await?;
    let exit = session.control.wait().await?;
    session.control.stop(GRACE).await?;
    if exit.is_success() { Ok(said) } else { Err(format!("the worker ended with {exit}").into()) }
}

fn rows(figures: &[Figures; 5]) -> Vec<Vec<String>> {
    let median_ms = |wanted: Way| {
        let mut all = Way::ALL.into_iter().zip(figures);
        all.find(|(way, _)| *way == wanted).and_then(|(_, figures)| figures.median())
    };
    let row = |(way, figures): (Way, &Figures)| {
        let (name, peer, aim) = way.row();
        let ratio = figures.median().zip(peer.and_then(median_ms)).map(|(own_ms, peer_ms)| own_ms / peer_ms);
        let ratio = ratio.map_or_else(|| "-".into(), |ratio| format!("{ratio:.2}"));
        vec![name.to_owned(), figures.show(0), ratio, aim.to_owned()]
    };
    Way::ALL.into_iter().zip(figures).map(row).collect()
}

fn notes(ground: &Ground, rounds: u32) -> Vec<String> {
    let version = ground.engine.facts().version.as_deref().unwrap_or("of unknown version");
    let mut notes = vec![
        format!("Docker engine {version}; {rounds} rounds, in each of which every row has its turn."),
        "From the start of a run until its output is read, its exit is known and nothing of it is left. The worker is \
         `busybox echo` in an image of nothing else."
            .into(),
        "The backend is part of a process that runs already, as in a campaign; a peer is a program that is started for \
         each run, as in a script."
            .into(),
    ];
    if ground.compose.is_none() {
        notes.push("Neither `docker-compose` nor `docker compose` is here: that peer was left out.".into());
    }
    notes
}
