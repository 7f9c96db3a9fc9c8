//! A rollout that waits for somebody's word before traffic moves: the word is given where it was asked for, else it is told
//! who is waited for, and for how long.

use std::time::Duration;

use crate::aws::{ActionRun, AwsError};
use crate::output::clock;
use crate::rollout::{RolloutId, Strategy};

/// The action that asks the new tasks, beside the rollout, which waits for its word: what it does is told of the rollout.
pub(crate) const CHECK_ACTION: &str = "Check";

/// What is done where a rollout waits for somebody's word.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gate {
    /// The word is given.
    pub opens: bool,
    /// What to type to give it; `None` where checks give it, a step of the pipeline.
    pub command: Option<String>,
    /// How long AWS waits, where the local cloud waits less.
    pub on_aws: Option<Duration>,
}

impl Gate {
    /// Meets a rollout that waits; `left` says for how long it still does. What there is to tell: nothing where somebody else
    /// was faster, or nobody fast enough.
    pub(super) async fn meet<S: Strategy>(
        &self,
        strategy: &S,
        (id, left): (&RolloutId, Option<String>),
    ) -> Result<Option<String>, AwsError> {
        if self.opens {
            let went_on = strategy.go_on(id).await?;
            return Ok(went_on.then(|| "goes on: traffic moves".to_owned()));
        }
        let Some(command) = &self.command else {
            return Ok(Some("ready: the checks are asked before traffic moves".to_owned()));
        };
        let shown = match strategy.preview().await? {
            Some(url) => format!("waits for you: the new revision answers at {url}; "),
            None => "waits for you: ".to_owned(),
        };
        let left = left.map(|left| format!("; {left}")).unwrap_or_default();
        let on_aws = self.on_aws.map(|whole| format!(" (AWS waits {})", clock(whole))).unwrap_or_default();
        Ok(Some(format!("{shown}`{command}` moves traffic{left}{on_aws}")))
    }
}

/// What the newest run of a provider's action has of its own, the checks' passed over.
pub(super) fn newest(actions: &[ActionRun], provider: &str) -> Option<String> {
    let is_it = |run: &&ActionRun| run.provider == provider && run.action != CHECK_ACTION;
    actions.iter().rfind(is_it)?.external_id.clone()
}
