//! An experiment and its parts as they will be run: nothing is open.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One experiment, with every value that a worker needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExperimentSpec {
    /// Unique within the campaign.
    pub name: String,
    /// Backend, e.g. `candle`, `pytorch`, `vllm`.
    pub backend: String,
    /// Model name or path.
    pub model: String,
    /// What configures it, flat: dotted path to the value in force. Backend options carry the backend's name in front,
    /// keys that are not known stand as they were written.
    pub parameters: Map<String, Value>,
    /// Number format of the weights; `None` leaves it to the worker.
    pub precision: Option<String>,
    /// A low-rank adapter on top of the model, by name or path.
    #[serde(default)]
    pub adapter: Option<String>,
    /// Where prompts come from.
    pub prompts: Prompts,
    /// In which order.
    #[serde(default)]
    pub order: PromptOrder,
    /// When requests arrive; `None` for batches, one after the other.
    #[serde(default)]
    pub traffic: Option<Traffic>,
    /// Number of prompts, at least 1.
    pub sample_size: u32,
    /// Prompts are cut at this many tokens.
    pub max_input_tokens: u32,
    /// Answers end at this many tokens.
    pub max_output_tokens: u32,
    /// Answers have at least this many tokens.
    pub min_output_tokens: u32,
    /// What precedes the measurement.
    pub warmup: Warmup,
    /// How the next token is chosen.
    pub decoding: Decoding,
    /// Requests processed together, at least 1.
    pub batch_size: u32,
    /// Whether times of single tokens are wanted.
    pub streaming: bool,
    /// Seed of sampling and of synthetic prompts; `None` takes the campaign's.
    pub random_seed: Option<u64>,
    /// Seconds of idling with the model loaded, before warm-up.
    pub idle_s: f64,
    /// Seconds of idling with the device opened, before the model is loaded.
    #[serde(default)]
    pub context_s: f64,
    /// The GPUs that the experiment asks for, by index; `None` when it does not say.
    pub gpus: Option<Vec<u32>>,
    /// The section of the backend as written, without `batch_size`.
    pub options: Map<String, Value>,
}

/// Where prompts come from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Prompts {
    /// What the worker has.
    #[default]
    Builtin,
    /// A file.
    File {
        /// Its path, with the campaign file's folder in front unless it is absolute.
        path: String,
        /// The field that holds the prompt.
        column: Option<String>,
    },
    /// A dataset that the worker loads by name.
    Dataset {
        /// Alias or hub name.
        name: String,
        /// Subset of the dataset.
        subset: Option<String>,
        /// Split.
        split: Option<String>,
        /// The field that holds the prompt.
        column: Option<String>,
    },
}

impl Prompts {
    /// What `dataset: NAME` means: a prompt file if it has the ending of one, otherwise a dataset.
    pub fn named(name: &str) -> Self {
        let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_lowercase());
        if matches!(ending.as_deref(), Some("txt" | "jsonl" | "csv")) {
            return Self::File { path: name.to_owned(), column: None };
        }
        let name = if name == "ai_energy_score" { "ai-energy-score" } else { name };
        Self::Dataset { name: name.to_owned(), subset: None, split: None, column: None }
    }
}

/// The order of prompts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PromptOrder {
    /// As the data has them.
    #[default]
    Interleaved,
    /// Those of one source after the other.
    Grouped,
    /// Drawn from the seed.
    Shuffled,
}

impl PromptOrder {
    /// The word in campaign files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Interleaved => "interleaved",
            Self::Grouped => "grouped",
            Self::Shuffled => "shuffled",
        }
    }
}

/// When requests arrive.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Traffic {
    /// So many are under way at any time.
    Closed {
        /// At least 1.
        concurrency: u32,
    },
    /// Exponentially distributed gaps.
    Poisson {
        /// Mean rate, more than 0.
        requests_per_s: f64,
    },
    /// Gamma distributed gaps.
    Gamma {
        /// Mean rate, more than 0.
        requests_per_s: f64,
        /// Shape of the distribution, more than 0; 1 is Poisson.
        burstiness: f64,
    },
    /// Equal gaps.
    Constant {
        /// Rate, more than 0.
        requests_per_s: f64,
    },
    /// Times from a file.
    Trace {
        /// Its path, with the campaign file's folder in front unless it is absolute.
        path: String,
    },
}

/// What precedes the measurement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Warmup {
    /// Prompts to run before measuring, the fewest when there is a convergence; 0 for no warm-up.
    pub prompts: u32,
    /// Longest warm-up, in seconds.
    pub timeout_s: f64,
    /// Go on until latencies are stable.
    pub convergence: Option<Convergence>,
}

/// When latencies count as stable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Convergence {
    /// Coefficient of variation (standard deviation by mean), in (0, 1].
    pub cv_threshold: f64,
    /// How many of the latest latencies are looked at.
    pub window: u32,
    /// The most prompts.
    pub max_prompts: u32,
}

/// How the next token is chosen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decoding {
    /// Sample from the distribution; otherwise the most probable token is taken.
    pub do_sample: bool,
    /// Divides the logits, 0 to 2.
    pub temperature: f64,
    /// Sample among this many most probable tokens; 0 for all.
    pub top_k: u32,
    /// Sample among the most probable tokens whose probabilities add up to this, in (0, 1].
    pub top_p: f64,
    /// Penalty on tokens that occurred, 0.1 to 10; 1 for none.
    pub repetition_penalty: f64,
}

/// The order of runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum Structure {
    /// Each cycle runs all experiments, in the order written.
    #[default]
    Interleaved,
    /// Each cycle runs all experiments, in an order drawn from the seed.
    Shuffled,
    /// All cycles of the first experiment, then all of the second, and so on.
    Grouped,
    /// As interleaved, every second cycle backwards (ABBA), so that a steady drift cancels.
    Reverse,
    /// Each cycle runs a row of a Williams design: every experiment in every place and after every other equally often.
    LatinSquare,
}

impl Structure {
    /// Every order.
    pub const ALL: [Self; 5] =
        [Self::Interleaved, Self::Shuffled, Self::Grouped, Self::Reverse, Self::LatinSquare];

    /// The word in campaign files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Interleaved => "interleaved",
            Self::Shuffled => "shuffled",
            Self::Grouped => "grouped",
            Self::Reverse => "reverse",
            Self::LatinSquare => "latin_square",
        }
    }
}

/// A word that names none of the known structures, runners or the like.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{word:?} is not known; use one of {known}")]
pub struct UnknownWord {
    word: String,
    known: String,
}

impl UnknownWord {
    pub(super) fn new(word: &str, known: String) -> Self {
        Self { word: word.to_owned(), known }
    }
}

impl std::str::FromStr for Structure {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        Self::ALL
            .into_iter()
            .find(|structure| structure.name() == word)
            .ok_or_else(|| UnknownWord::new(word, Self::ALL.map(Self::name).join(", ")))
    }
}

/// What runs a backend's worker.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Runner {
    /// The compose service named after the backend.
    #[default]
    Docker,
    /// A process on this machine.
    Process {
        /// Program and arguments; `None` for the worker that comes with the program.
        command: Option<Vec<String>>,
        /// What runs a worker in Python: a program, or the folder of a virtual environment; `None` leaves it to the
        /// settings.
        #[serde(default)]
        python: Option<String>,
    },
    /// No worker: a server that speaks the `OpenAI` API, which the engine puts under load.
    Openai(Server),
}

/// A server that speaks the `OpenAI` API.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Server {
    /// Where it runs already, as `http://host:8000/v1`; `None` for the compose service named after the backend, which
    /// is started.
    pub url: Option<String>,
    /// The port that it listens on inside its service; `None` for the only one that the service names.
    pub port: Option<u16>,
    /// What it is asked.
    pub api: ServerApi,
    /// The variable of the environment that holds its key. The key itself is never stored.
    pub api_key_env: Option<String>,
    /// It may take so many seconds to become ready.
    pub ready_timeout_s: f64,
}

impl Default for Server {
    fn default() -> Self {
        Self { url: None, port: None, api: ServerApi::Chat, api_key_env: None, ready_timeout_s: 1800.0 }
    }
}

/// What a server is asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServerApi {
    /// `chat/completions`: it applies the model's chat template.
    #[default]
    Chat,
    /// `completions`: the prompt as it is.
    Completions,
}

/// The kinds of [`Runner`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum RunnerKind {
    /// [`Runner::Docker`].
    Docker,
    /// [`Runner::Process`].
    Process,
    /// [`Runner::Openai`].
    Openai,
}

impl RunnerKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Docker, Self::Process, Self::Openai];

    /// The word in campaign files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Process => "process",
            Self::Openai => "openai",
        }
    }

    /// A runner of this kind without further wishes.
    pub fn plain(self) -> Runner {
        match self {
            Self::Docker => Runner::Docker,
            Self::Process => Runner::Process { command: None, python: None },
            Self::Openai => Runner::Openai(Server::default()),
        }
    }
}

impl std::str::FromStr for RunnerKind {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        let known = || Self::ALL.map(Self::name).join(", ");
        Self::ALL.into_iter().find(|kind| kind.name() == word).ok_or_else(|| UnknownWord::new(word, known()))
    }
}

impl Runner {
    /// Which kind this is.
    pub fn kind(&self) -> RunnerKind {
        match self {
            Self::Docker => RunnerKind::Docker,
            Self::Process { .. } => RunnerKind::Process,
            Self::Openai(_) => RunnerKind::Openai,
        }
    }

    /// Whether it needs the compose service named after the backend.
    pub fn needs_service(&self) -> bool {
        match self {
            Self::Docker => true,
            Self::Process { .. } => false,
            Self::Openai(server) => server.url.is_none(),
        }
    }
}
