//! What happened, as data: who follows something tells it once, and any number of readers make of it what they
//! show.

use std::fmt;
use std::time::Duration;

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
    /// A resource of a stack, or the stack itself (`is_stack`), changed its status.
    Resource {
        logical_id: String,
        resource_type: String,
        status: String,
        reason: Option<String>,
        phase: Phase,
        is_stack: bool,
    },
    /// Many things are done from now on until [`What::Over`]: a screen shows those in work together.
    Begun(Whole),
    Over,
    /// One of them is in work: a stack, or something else that is made.
    InWork,
    /// How it stands at this moment, in a few words; with the subject of the whole, how all of it stands.
    State(String),
    /// It is done with. `changed`: something was done for it.
    Reached {
        changed: bool,
        failed: bool,
    },
    /// An action of a pipeline execution changed its status.
    Action {
        action: String,
        status: String,
        detail: Option<String>,
    },
    /// A build left a phase.
    BuildPhase {
        name: String,
        status: String,
    },
    /// A line of a build's log.
    BuildLog(String),
    /// A lifecycle event of a deployment changed its status.
    Lifecycle {
        name: String,
        status: String,
        diagnostics: Option<String>,
    },
    /// The production traffic's weights changed: label, percent, running tasks.
    Traffic(Vec<(String, f64, i64)>),
    /// A task ended.
    StoppedTask {
        reason: String,
    },
    /// Anything else worth a line.
    Text(String),
}

/// Where a resource, or a stack, stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// It will change its status again, and nothing has gone wrong.
    OnTheWay,
    /// It is on its way back.
    RollsBack,
    Done,
    Failed,
    /// It was ended because another failed.
    Cancelled,
}

/// What is done together.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Whole {
    /// What the subjects in work begin with, and need not be shown.
    pub prefix: String,
    /// How many there are; 0 where that is not known.
    pub count: usize,
    /// How long it will take, where earlier runs tell.
    pub expected: Option<Expected>,
}

/// A prediction.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Expected {
    pub duration: Duration,
    /// Of all that is to be done it is known how long it takes; else it takes at least so long.
    pub is_complete: bool,
    /// What waits for each other, first to last, for so long.
    pub path: Vec<String>,
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let about = if self.is_complete { "about" } else { "at least" };
        write!(f, "{about} {}", took(self.duration))
    }
}

/// `4:12`, `1:04:12`.
pub(crate) fn clock(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match hours {
        0 => format!("{minutes}:{seconds:02}"),
        _ => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

/// How long something took that is over: `0.4 s`, `4:12`.
pub(super) fn took(duration: Duration) -> String {
    match duration.as_secs() {
        0..60 => format!("{:.1} s", duration.as_secs_f64()),
        _ => clock(duration),
    }
}

/// The time from one moment to another; none where clocks disagree on which is first.
pub(super) fn between(began: Timestamp, ended: Timestamp) -> Duration {
    ended.duration_since(began).try_into().unwrap_or_default()
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
            Self::Begun(Whole { expected: Some(expected), .. }) => {
                write!(f, "critical path, by earlier runs: {expected} ({})", expected.path.join(", "))
            }
            // For screens alone.
            Self::Begun(_) | Self::Over | Self::InWork | Self::State(_) | Self::Reached { .. } => Ok(()),
            Self::Text(text) => f.write_str(text),
        }
    }
}
