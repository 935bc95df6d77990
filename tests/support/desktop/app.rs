//! The app in its real window, and the words in which a test uses it: by role and name, as a person reads the screen.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use fantoccini::elements::Element;
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Map, Value, json};
use tokio::time::timeout;

use super::stage::{Process, Stage, artifacts};
use crate::beside_the_tests;

/// How long a screen may take; two cores share the window, the driver and the worker.
const PATIENCE: Duration = Duration::from_secs(30);

/// The app, running.
pub struct App {
    client: Client,
    display: String,
    _driver: Process,
}

/// Returns the visible element of a role with a name, or null. The name is what a screen reader says.
const FIND: &str = r"
    const [role, name] = arguments;
    const of = {
        button: 'button, [role=button]', link: 'a[href]', checkbox: 'input[type=checkbox]', textbox: 'input, textarea',
        tab: '[role=tab]', menuitem: '[role=menuitem], [role=menuitemcheckbox]', option: '[role=option]',
        label: 'label', heading: 'h1, h2, h3', any: '*',
    };
    const clean = (text) => (text ?? '').replace(/\s+/g, ' ').trim();
    const named = (e) => clean(e.getAttribute('aria-label') || [...(e.labels ?? [])].map((l) => l.textContent).join(' ')
        || e.textContent || e.title);
    const all = [...document.querySelectorAll(of[role])];
    return all.find((e) => e.getClientRects().length > 0 && !e.closest('[inert]') && named(e) === name) ?? null;
";

/// Whether a click would reach an element: it is enabled, at rest, and nothing lies over it. A driver presses and releases
/// where it was, and says that all is well when it was moving meanwhile.
const TAKES_CLICKS: &str = r"
    const [element] = arguments;
    if (element.disabled) return false;
    const moving = document.getAnimations()
        .some((animation) => animation.playState === 'running' && animation.effect?.target?.contains(element));
    if (moving) return false;
    element.scrollIntoView({ block: 'nearest' });
    const { left, top, width, height } = element.getBoundingClientRect();
    const hit = document.elementFromPoint(left + width / 2, top + height / 2);
    return hit !== null && (element.contains(hit) || hit.contains(element));
";

/// The rows of the table of runs as objects: heading to text.
const ROWS: &str = r"
    const text = (e) => e.textContent.replace(/\s+/g, ' ').trim();
    const table = document.querySelector('[role=table][aria-label=Runs]');
    if (table === null) return [];
    const heads = [...table.querySelectorAll('[role=columnheader]')].map(text);
    return [...table.querySelectorAll('[role=row]:not([aria-busy])')].slice(1).map((row) =>
        Object.fromEntries([...row.querySelectorAll('[role=cell]')].map((cell, i) => [heads[i], text(cell)])));
";

impl App {
    /// Starts the app through its driver, with the folder of a project as its argument.
    pub async fn open(stage: &Stage, project: Option<&Path>) -> Self {
        let [port, native] = free_ports();
        let mut command = stage.command("tauri-driver");
        command.args(["--port", &port.to_string(), "--native-port", &native.to_string()]);
        let driver = Process::start(command.stdout(Stdio::null()).stderr(Stdio::null()));
        let arguments: Vec<String> = project.iter().map(|folder| folder.display().to_string()).collect();
        let application = beside_the_tests("lem-desktop").display().to_string();
        let options = json!({ "application": application, "args": arguments });
        let mut capabilities = Map::from_iter([("tauri:options".to_owned(), options)]);
        capabilities.insert("browserName".into(), "wry".into());
        capabilities.insert("unhandledPromptBehavior".into(), "ignore".into());
        let begun = Instant::now();
        let client = loop {
            let mut builder = ClientBuilder::new(HttpConnector::new());
            builder.capabilities(capabilities.clone());
            // A driver whose app ends at once waits for it for ever.
            match timeout(PATIENCE, builder.connect(&format!("http://127.0.0.1:{port}"))).await {
                Ok(Ok(client)) => break client,
                Ok(Err(_)) if begun.elapsed() < PATIENCE => pause().await,
                failed => panic!("the app does not start: {failed:?}"),
            }
        };
        Self { client, display: stage.display().to_owned(), _driver: driver }
    }

    /// Ends the app as a crash would: nothing is asked.
    pub async fn kill(self) {
        // The driver may have lost the app already.
        let _ = timeout(PATIENCE, self.client.close()).await;
    }

    /// What a script in the page returns.
    pub async fn script(&self, script: &str, arguments: Vec<Value>) -> Value {
        self.ask(script, arguments).await.unwrap_or_else(|error| panic!("{script}: {error}"))
    }

    /// What a script in the page returns, or why it cannot be asked: a driver that has lost its page may be silent.
    async fn ask(&self, script: &str, arguments: Vec<Value>) -> Result<Value, String> {
        let answer = timeout(PATIENCE, self.client.execute(script, arguments)).await;
        answer.map_err(|_| "the driver is silent".to_owned())?.map_err(|error| error.to_string())
    }

    /// What a script passes to its last argument.
    pub async fn script_async(&self, script: &str, arguments: Vec<Value>) -> Value {
        let done = self.client.execute_async(script, arguments).await;
        done.unwrap_or_else(|error| panic!("{script}: {error}"))
    }

    /// Waits until the screen has its data.
    pub async fn ready(&self, screen: &str) {
        let script = format!("return document.body.dataset.ready === '{screen}'");
        self.until(&format!("the screen {screen}"), PATIENCE, &script).await;
    }

    /// Waits until a script returns true.
    pub async fn until(&self, what: &str, patience: Duration, script: &str) {
        let begun = Instant::now();
        // A page that is being loaded answers with an error.
        while !self.ask(script, Vec::new()).await.is_ok_and(|value| value == json!(true)) {
            if begun.elapsed() > patience {
                self.fail(what).await;
            }
            pause().await;
        }
    }

    /// Waits until the text is on the screen.
    pub async fn see(&self, text: &str) {
        self.see_within(text, PATIENCE).await;
    }

    /// The same with other patience.
    pub async fn see_within(&self, text: &str, patience: Duration) {
        let script =
            format!(r"return document.body.innerText.replace(/\s+/g, ' ').includes({})", Value::from(text));
        self.until(&format!("the text {text:?}"), patience, &script).await;
    }

    /// The element of a role with a name, once it is there.
    pub async fn find(&self, role: &str, name: &str) -> Element {
        let begun = Instant::now();
        loop {
            let found = self.ask(FIND, vec![role.into(), name.into()]).await;
            let id =
                found.ok().and_then(|value| value.as_object()?.values().next()?.as_str().map(str::to_owned));
            if let Some(id) = id {
                return Element::from_element_id(self.client.clone(), id.into());
            }
            if begun.elapsed() > PATIENCE {
                self.fail(&format!("{role} {name:?}")).await;
            }
            pause().await;
        }
    }

    /// Clicks it, once it is there and takes clicks.
    pub async fn click(&self, role: &str, name: &str) {
        let begun = Instant::now();
        loop {
            let element = self.find(role, name).await;
            let reference = serde_json::to_value(&element).expect("a reference to an element");
            let takes_clicks =
                self.ask(TAKES_CLICKS, vec![reference]).await.is_ok_and(|value| value == json!(true));
            if takes_clicks && timeout(PATIENCE, element.click()).await.is_ok_and(|click| click.is_ok()) {
                return;
            }
            // It may be moving, covered for a moment, or not enabled yet.
            if begun.elapsed() > PATIENCE {
                self.fail(&format!("a click on {role} {name:?}")).await;
            }
            pause().await;
        }
    }

    /// Clicks what takes the window away: no driver answers while there is none.
    pub async fn click_and_go(&self, role: &str, name: &str) {
        let element = self.find(role, name).await;
        let element = serde_json::to_value(element).expect("a reference to an element");
        self.script("const [element] = arguments; setTimeout(() => element.click(), 50)", vec![element])
            .await;
    }

    /// Whether it takes clicks.
    pub async fn is_enabled(&self, role: &str, name: &str) -> bool {
        self.find(role, name).await.is_enabled().await.expect("the element is there")
    }

    /// Types into the field with this label in place of what is there, and leaves it.
    pub async fn fill(&self, label: &str, text: &str) {
        self.click("textbox", label).await;
        let field = self.find("textbox", label).await;
        // Control and A, let go of at the end of a call; the text; tab, which leaves the field.
        for keys in ["\u{e009}a", text, "\u{e004}"] {
            field.send_keys(keys).await.unwrap_or_else(|error| panic!("typing into {label}: {error}"));
        }
    }

    /// The rows of the table of runs that are in view: heading to text.
    pub async fn rows(&self) -> Vec<Map<String, Value>> {
        serde_json::from_value(self.script(ROWS, Vec::new()).await).expect("a list of objects")
    }

    /// Goes to another screen by its link in the rail.
    pub async fn go(&self, screen: &str) {
        self.click("link", screen).await;
        self.ready(&screen.to_lowercase()).await;
    }

    /// Loads the page again, as a crash of its process would.
    pub async fn reload(&self) {
        self.client.refresh().await.expect("the page can be loaded again");
    }

    /// The question of the browser that is open.
    pub async fn accept_question(&self) {
        self.client.accept_alert().await.expect("a question is open");
    }

    /// Keeps a picture of the screen, frame and dialogs included: what a person sees.
    pub fn picture(&self, name: &str) {
        // What is on its way in has arrived then.
        crate::pause(350);
        let file = artifacts().join(format!("{name}.png"));
        let status = Command::new("maim").env("DISPLAY", &self.display).arg(&file).status();
        assert!(status.is_ok_and(|status| status.success()), "maim could not take {}", file.display());
    }

    /// Keeps a picture of what is there instead, and fails.
    async fn fail(&self, what: &str) -> ! {
        let text = self.ask("return document.body.innerText", Vec::new()).await;
        let name = std::thread::current().name().unwrap_or("test").replace("::", "-");
        self.picture(&format!("failed-{name}"));
        panic!(
            "still not there: {what}. The page says:\n{}",
            text.map_or_else(|e| e, |text| text.to_string())
        );
    }
}

#[expect(clippy::disallowed_methods, reason = "another process draws in real time")]
async fn pause() {
    tokio::time::sleep(Duration::from_millis(50)).await;
}

/// Two ports that nobody listens on.
fn free_ports() -> [u16; 2] {
    let listeners = [0, 0].map(|port| TcpListener::bind(("127.0.0.1", port)).expect("there are free ports"));
    listeners.map(|listener| listener.local_addr().expect("it is bound").port())
}
