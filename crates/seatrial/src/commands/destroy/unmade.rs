//! Stacks that hold nothing, because the change set of their creation was never executed: what a killed `provision`
//! leaves.

use crate::aws::Stack;
use crate::commands::deployed::Deployed;
use crate::context::Ctx;
use crate::plan::difference::has_our_tags;

/// Those of the environment: every change set that is left on them has our tags. Without a change set nothing can come
/// of a stack that holds nothing, whoever began it.
pub(super) async fn unmade_stacks(ctx: &Ctx, deployed: &Deployed) -> anyhow::Result<Vec<Stack>> {
    let mut ours = Vec::new();
    for stack in &deployed.unmade {
        if is_ours(ctx, stack).await? {
            ours.push(stack.clone());
        }
    }
    Ok(ours)
}

async fn is_ours(ctx: &Ctx, stack: &Stack) -> anyhow::Result<bool> {
    let short = stack.name.strip_prefix(&ctx.environment.stack_name("")).unwrap_or_default();
    for set in ctx.reading(ctx.aws.list_change_sets(&stack.id)).await? {
        let tags = ctx.reading(ctx.aws.change_set_tags(&set)).await?;
        if !has_our_tags(&tags, &ctx.environment, short) {
            return Ok(false);
        }
    }
    Ok(true)
}
