//! What followers tell.

use std::fmt;

/// Something that happened, told once.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Event {
    /// A resource of a stack, or the stack itself, changed its status.
    Resource {
        stack: String,
        logical_id: String,
        resource_type: String,
        status: String,
        reason: Option<String>,
    },
    /// An action of a pipeline execution changed its status.
    Action { stage: String, action: String, status: String, detail: Option<String> },
    /// A build left a phase.
    BuildPhase { name: String, status: String },
    /// A line of a build's log.
    BuildLog(String),
    /// A lifecycle event of a deployment changed its status.
    Lifecycle { name: String, status: String, diagnostics: Option<String> },
    /// The production traffic's weights changed: label, percent, running tasks.
    Traffic(Vec<(String, f64, i64)>),
    /// A task ended.
    StoppedTask { task: String, reason: String },
    /// Anything else worth a line.
    Note { subject: String, text: String },
}

/// Where events go.
pub(crate) type Sink<'a> = &'a (dyn Fn(Event) + Send + Sync);

impl Event {
    /// What the event is about, in one word or two.
    pub(crate) fn subject(&self) -> String {
        match self {
            Self::Resource { stack, .. } => stack.clone(),
            Self::Action { stage, .. } => stage.clone(),
            Self::BuildPhase { .. } | Self::BuildLog(_) => "Build".to_owned(),
            Self::Lifecycle { .. } | Self::Traffic(_) => "Deploy".to_owned(),
            Self::StoppedTask { task, .. } => {
                task.rsplit('/').next().unwrap_or(task).chars().take(12).collect()
            }
            Self::Note { subject, .. } => subject.clone(),
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resource { logical_id, resource_type, status, reason, .. } => {
                write!(f, "{status} {logical_id} ({resource_type})")?;
                reason.as_ref().map_or(Ok(()), |reason| write!(f, ": {reason}"))
            }
            Self::Action { action, status, detail, .. } => {
                write!(f, "{action} {status}")?;
                detail.as_ref().map_or(Ok(()), |detail| write!(f, " ({detail})"))
            }
            Self::BuildPhase { name, status } => write!(f, "{name} {status}"),
            Self::BuildLog(line) => write!(f, "| {line}"),
            Self::Lifecycle { name, status, diagnostics } => {
                write!(f, "{name} {status}")?;
                diagnostics.as_ref().map_or(Ok(()), |text| write!(f, ": {text}"))
            }
            Self::Traffic(sets) => {
                let set = |(label, weight, running): &(String, f64, i64)| {
                    format!("{label} {weight} % ({running} running)")
                };
                write!(f, "traffic: {}", sets.iter().map(set).collect::<Vec<_>>().join(", "))
            }
            Self::StoppedTask { reason, .. } => write!(f, "task stopped: {reason}"),
            Self::Note { text, .. } => f.write_str(text),
        }
    }
}
