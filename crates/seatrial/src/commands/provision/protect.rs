//! The protection of an environment's stacks: set once a stack stands, opened for what the user allowed while it is
//! updated, and closed again. ExecuteChangeSet knows no policy for one update, as UpdateStack does.

use crate::aws::Stack;
use crate::context::Ctx;
use crate::exit::{DeadlinePassed, Interrupted};
use crate::plan::graph::Graph;
use crate::plan::protection::{is_same, stack_policy};
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

impl Protection<'_> {
    /// Whether a stack is not protected as it should be: one call where it has termination protection.
    pub(super) async fn is_missing(&self, template: &StackTemplate, stack: &Stack) -> anyhow::Result<bool> {
        let ctx = self.ctx;
        if !ctx.environment.protected {
            return Ok(false);
        }
        if !stack.is_protected {
            return Ok(true);
        }
        let set = ctx.reading(ctx.aws.stack_policy(&stack.id)).await?;
        Ok(!is_same(set.as_deref(), &stack_policy(self.graph, template, &[])))
    }

    /// Protects a stack that is at rest; whether anything had to be set.
    pub(super) async fn close(&self, template: &StackTemplate, stack: &Stack) -> anyhow::Result<bool> {
        let is_missing = self.is_missing(template, stack).await?;
        if is_missing {
            self.set_policy((template, &stack.id), &[]).await?;
            self.ctx.aws.set_termination_protection(&stack.id, true).await?;
        }
        Ok(is_missing)
    }

    /// Before an update: what this template no longer protects, or the user allowed, may go.
    pub(super) async fn open(&self, template: &StackTemplate, stack: &str) -> anyhow::Result<()> {
        if !self.ctx.environment.protected {
            return Ok(());
        }
        self.set_policy((template, stack), self.allowed).await
    }

    /// After an update that failed: what it was opened for is closed. Where it goes on in AWS, the next `provision` does.
    pub(super) async fn close_after(
        &self,
        (template, stack): (&StackTemplate, &str),
        failed: &anyhow::Error,
    ) {
        let goes_on = failed.is::<Interrupted>() || failed.is::<DeadlinePassed>();
        let was_opened = !named_of(self.allowed, &template.name).is_empty();
        if goes_on || !was_opened || !self.ctx.environment.protected {
            return;
        }
        if let Err(error) = self.set_policy((template, stack), &[]).await {
            self.ctx.printer().warning(format_args!("the stack policy stays open: {error:#}"));
        }
    }

    async fn set_policy(
        &self,
        (template, stack): (&StackTemplate, &str),
        allowed: &[ResourceName],
    ) -> anyhow::Result<()> {
        let policy = stack_policy(self.graph, template, allowed);
        Ok(self.ctx.aws.set_stack_policy(stack, &policy.to_string()).await?)
    }
}
