//! A rollout that waits for somebody's word before traffic moves: the word is given where it was asked for, else it is told
//! once who is waited for, and for how long.

use std::time::Duration;

use jiff::Timestamp;

use super::Follower;
use crate::output::{Event, clock};
use crate::rollout::Strategy;

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

impl<S: Strategy> Follower<'_, S> {
    /// At a rollout that waits, and has no sign against it.
    pub(super) async fn at_gate(&mut self) -> anyhow::Result<()> {
        let waiting = self.rollout.as_ref().filter(|rollout| rollout.awaits_word() && self.sign.is_none());
        let Some(rollout) = waiting.filter(|rollout| self.met.as_ref() != Some(&rollout.id)) else {
            return Ok(());
        };
        let gate = &self.following.gate;
        let told = if gate.opens {
            // Somebody else may have been faster, or nobody fast enough.
            if !self.strategy.go_on(&rollout.id).await? {
                return Ok(());
            }
            "goes on: traffic moves".to_owned()
        } else if let Some(command) = &gate.command {
            let shown = match self.strategy.preview().await? {
                Some(url) => format!("waits for you: the new revision answers at {url}; "),
                None => "waits for you: ".to_owned(),
            };
            let left = self.following.waits.left(rollout, Timestamp::now());
            let left = left.map(|left| format!("; {left}")).unwrap_or_default();
            let on_aws = gate.on_aws.map(|whole| format!(" (AWS waits {})", clock(whole)));
            format!("{shown}`{command}` moves traffic{left}{}", on_aws.unwrap_or_default())
        } else {
            "ready: the checks are asked before traffic moves".to_owned()
        };
        self.met = Some(rollout.id.clone());
        self.watch.session.printer.tell(Event::text("Deploy", told));
        Ok(())
    }
}
