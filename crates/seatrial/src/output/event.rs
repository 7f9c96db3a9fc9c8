//! What happened, as data: who follows something tells it once, and any number of readers make of it what they
//! show.

use std::fmt;

use jiff::Timestamp;

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Event {
    /// When, by AWS's clock where AWS says so, else by this machine's.
    pub time: Timestamp,
    /// What it is about: a stack, a stage, a command.
    pub subject: String,
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum What {
    /// A resource of a stack, or the stack itself, changed its status. `on_the_way`: it will change it again, and nothing
    /// has gone wrong.
    Resource {
        logical_id: String,
        resource_type: String,
        status: String,
        reason: Option<String>,
        on_the_way: bool,
    },
    /// An action of a pipeline execution changed its status.
    Action { action: String, status: String, detail: Option<String> },
    /// A build left a phase.
    BuildPhase { name: String, status: String },
    /// A line of a build's log.
    BuildLog(String),
    /// A lifecycle event of a deployment changed its status.
    Lifecycle { name: String, status: String, diagnostics: Option<String> },
    /// The production traffic's weights changed: label, percent, running tasks.
    Traffic(Vec<(String, f64, i64)>),
    /// A task ended.
    StoppedTask { reason: String },
    /// Anything else worth a line.
    Text(String),
}

impl Event {
    /// An event at AWS's time, or now where AWS gives none.
    pub(crate) fn new(time: Option<Timestamp>, subject: impl Into<String>, what: What) -> Self {
        Self { time: time.unwrap_or_else(Timestamp::now), subject: subject.into(), what }
    }

    /// A line about something that this program did or saw.
    pub(crate) fn text(subject: impl Into<String>, text: impl fmt::Display) -> Self {
        Self::new(None, subject, What::Text(text.to_string()))
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let because = |reason: &Option<String>| reason.as_ref().map(|r| format!(": {r}")).unwrap_or_default();
        match self {
            Self::Resource { logical_id, resource_type, status, reason, .. } => {
                write!(f, "{status} {logical_id} ({resource_type}){}", because(reason))
            }
            Self::Action { action, status, detail } => {
                let detail = detail.as_ref().map(|detail| format!(" ({detail})")).unwrap_or_default();
                write!(f, "{action} {status}{detail}")
            }
            Self::BuildPhase { name, status } => write!(f, "{name} {status}"),
            Self::BuildLog(line) => write!(f, "| {line}"),
            Self::Lifecycle { name, status, diagnostics } => {
                write!(f, "{name} {status}{}", because(diagnostics))
            }
            Self::Traffic(sets) => {
                let set = |(label, weight, running): &(String, f64, i64)| {
                    format!("{label} {weight} % ({running} running)")
                };
                write!(f, "traffic: {}", sets.iter().map(set).collect::<Vec<_>>().join(", "))
            }
            Self::StoppedTask { reason } => write!(f, "task stopped: {reason}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}
