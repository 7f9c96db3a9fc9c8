//! The protection of an environment's stacks: set once a stack stands, opened for what the user allowed while it is
//! updated, and closed again. ExecuteChangeSet knows no policy for one update, as UpdateStack does.

use serde_json::Value;

use crate::aws::Stack;
use crate::aws::status::{StackPhase, resource_is_held, stack_phase};
use crate::context::Ctx;
use crate::exit::{DeadlinePassed, Interrupted, Refused};
use crate::plan::graph::Graph;
use crate::plan::protection::{LONGEST_POLICY, closed, is_ours, is_same, stack_policy};
use crate::plan::resource_name::{ResourceName, named_of};
use crate::plan::template::StackTemplate;

/// The protection that an environment's stacks are to have, where it is protected.
#[derive(Clone, Copy)]
pub(super) struct Protection<'a> {
    pub ctx: &'a Ctx,
    pub graph: &'a Graph,
    /// What the user allowed to be replaced or removed now.
    pub allowed: &'a [ResourceName],
}

/// What a stack lacks of its protection.
#[derive(Debug, Default)]
pub(super) struct Missing {
    termination: bool,
    /// The policy that it should have.
    policy: Option<Value>,
}

impl Missing {
    pub(super) fn is_any(&self) -> bool {
        self.termination || self.policy.is_some()
    }
}

impl Protection<'_> {
    /// What a stack lacks of the protection that it should have: one call. A policy of somebody else's is theirs, whatever
    /// it says.
    pub(super) async fn missing(&self, template: &StackTemplate, stack: &Stack) -> anyhow::Result<Missing> {
        let ctx = self.ctx;
        if !ctx.environment.protected {
            return Ok(Missing::default());
        }
        let set = ctx.reading(ctx.aws.stack_policy(&stack.id)).await?;
        let wanted = stack_policy(self.graph, template, &[]);
        let lacks_policy = !is_same(set.as_deref(), &wanted) && set.is_none_or(|set| is_ours(&set));
        Ok(Missing { termination: !stack.is_protected, policy: lacks_policy.then_some(wanted) })
    }

    /// Protects a stack that is at rest; whether anything had to be set.
    pub(super) async fn close(&self, template: &StackTemplate, stack: &Stack) -> anyhow::Result<bool> {
        let missing = self.missing(template, stack).await?;
        if missing.termination {
            self.ctx.aws.set_termination_protection(&stack.id, true).await?;
        }
        if let Some(policy) = &missing.policy {
            self.ctx.aws.set_stack_policy(&stack.id, &policy.to_string()).await?;
        }
        Ok(missing.is_any())
    }

    /// # Errors
    /// Refused where a stack has so much to protect that CloudFormation takes no policy of it: half an environment must
    /// not be made before that is seen.
    pub(super) fn check(&self) -> Result<(), Refused> {
        if !self.ctx.environment.protected {
            return Ok(());
        }
        for template in self.graph.stacks() {
            let bytes = stack_policy(self.graph, template, &[]).to_string().len();
            if bytes > LONGEST_POLICY {
                let refused = format!(
                    "the stack policy that protects `{}` would have {bytes} bytes, and CloudFormation takes {LONGEST_POLICY}",
                    template.name
                );
                let hint = "divide the stack, shorten its logical IDs, or set `protected: false`";
                return Err(Refused::new(refused).hint(hint));
            }
        }
        Ok(())
    }

    /// Closes what a run that was killed has left open of a stack at rest, whatever comes of this run: all that the stack
    /// holds now and that is to be protected is so again.
    pub(super) async fn close_left(&self, short: &str, stack: &Stack) -> anyhow::Result<()> {
        let ctx = self.ctx;
        let rests = matches!(stack_phase(&stack.status), StackPhase::Stable | StackPhase::RolledBack);
        if !ctx.environment.protected || !rests {
            return Ok(());
        }
        let set = ctx.reading(ctx.aws.stack_policy(&stack.id)).await?;
        let Some(set) = set.filter(|set| is_ours(set)) else { return Ok(()) };
        let mut held = ctx.reading(ctx.aws.list_stack_resources(&stack.id)).await?;
        held.retain(|resource| resource_is_held(&resource.status));
        let held = held.iter().map(|one| (one.logical_id.as_str(), one.resource_type.as_str()));
        if let Some(policy) = closed(&set, (self.graph, short), held) {
            ctx.aws.set_stack_policy(&stack.id, &policy.to_string()).await?;
            ctx.printer().event(&stack.name, "closed the stack policy, which an earlier run has left open");
        }
        Ok(())
    }

    /// Before an update: what the new template no longer protects, or the user allowed, may go. Answers the policy that
    /// was there, where it was opened. One that was set while the environment was protected counts also where it is so no
    /// more; one of somebody else's stays.
    pub(super) async fn open(&self, template: &StackTemplate, stack: &str) -> anyhow::Result<Option<String>> {
        let (ctx, wanted) = (self.ctx, stack_policy(self.graph, template, self.allowed));
        if !ctx.environment.protected && named_of(self.allowed, &template.name).is_empty() {
            return Ok(None);
        }
        let Some(set) = ctx.reading(ctx.aws.stack_policy(stack)).await?.filter(|set| is_ours(set)) else {
            return Ok(None);
        };
        if is_same(Some(&set), &wanted) {
            return Ok(None);
        }
        ctx.aws.set_stack_policy(stack, &wanted.to_string()).await?;
        Ok(Some(set))
    }

    /// After an update: where it failed, or the environment is protected no more, the policy is again what it was. Where
    /// it goes on in AWS, the next `provision` closes what is open.
    pub(super) async fn close_after(
        &self,
        stack: &str,
        opened: Option<String>,
        failed: Option<&anyhow::Error>,
    ) {
        let goes_on = failed.is_some_and(|error| error.is::<Interrupted>() || error.is::<DeadlinePassed>());
        let Some(before) = opened.filter(|_| !goes_on) else { return };
        if failed.is_none() && self.ctx.environment.protected {
            return;
        }
        if let Err(error) = self.ctx.aws.set_stack_policy(stack, &before).await {
            self.ctx.printer().warning(format_args!("the stack policy stays open: {error:#}"));
        }
    }
}
