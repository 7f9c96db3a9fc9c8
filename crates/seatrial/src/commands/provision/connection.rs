//! Which connection is used: the one that project.yml names, the one that the stack uses already, or one that an
//! earlier destroy kept. Only where there is none of them is a new one made, for which a person must do the handshake.
//! Reads only.

use crate::aws::status::{StackPhase, stack_phase};
use crate::aws::{Connection, Stack};
use crate::commands::deployed::find_stack;
use crate::context::Ctx;
use crate::plan::difference::has_our_tags;

/// The stack of the connection.
const STACK: &str = "connection";
/// Its parameter for one that it did not make.
const EXISTING: &str = "ExistingConnectionArn";

/// The connection that the stack is to use without making it, if any.
pub(super) async fn existing(ctx: &Ctx) -> anyhow::Result<Option<String>> {
    let environment = &ctx.environment;
    if environment.source.connection_arn.is_some() || environment.skip.contains(STACK) {
        return Ok(environment.source.connection_arn.clone());
    }
    match find_stack(ctx, STACK).await?.as_ref().and_then(used_by) {
        // What it once took it goes on with: else the next run would ask for a handshake after all.
        Some(used) => Ok(used),
        None => {
            let kept = kept(ctx).await?;
            if let Some(arn) = &kept {
                ctx.printer().event(STACK, format_args!("using the one that is there: {arn}"));
            }
            Ok(kept)
        }
    }
}

/// What a stack that stands uses: a connection that it did not make, or `None` for its own. `None` at all of one that
/// is made yet.
fn used_by(stack: &Stack) -> Option<Option<String>> {
    match stack_phase(&stack.status) {
        StackPhase::Absent | StackPhase::Review | StackPhase::DeleteOnly => None,
        _ => Some(stack.parameters.get(EXISTING).filter(|arn| !arn.is_empty()).cloned()),
    }
}

/// The connection that a stack of this environment made and left when it was deleted.
pub(in crate::commands) async fn kept(ctx: &Ctx) -> anyhow::Result<Option<String>> {
    let mut found = ctx.reading(ctx.aws.list_connections()).await?;
    found.retain(|connection| connection.name == ctx.environment.full_name());
    for connection in by_use(found) {
        let tags = ctx.reading(ctx.aws.connection_tags(&connection.arn)).await?;
        if has_our_tags(&tags, &ctx.environment, STACK) {
            return Ok(Some(connection.arn));
        }
    }
    Ok(None)
}

/// Those that can be used: at once, or after the handshake that is owed still.
fn by_use(connections: Vec<Connection>) -> Vec<Connection> {
    let (mut usable, others): (Vec<_>, Vec<_>) =
        connections.into_iter().partition(|connection| connection.status == "AVAILABLE");
    usable.extend(others.into_iter().filter(|connection| connection.status == "PENDING"));
    usable
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stack(status: &str, existing: &str) -> Stack {
        let parameters = [(EXISTING.to_owned(), existing.to_owned())].into();
        Stack { status: status.to_owned(), parameters, ..Stack::default() }
    }

    #[test]
    fn a_stack_that_stands_goes_on_with_what_it_uses_and_only_one_to_be_made_looks_for_a_kept_one() {
        let arn = "arn:aws:codeconnections:eu-central-1:000000000000:connection/x";
        for status in ["CREATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "UPDATE_IN_PROGRESS"] {
            assert_eq!(used_by(&stack(status, arn)), Some(Some(arn.to_owned())), "{status}");
            assert_eq!(used_by(&stack(status, "")), Some(None), "{status}");
        }
        for status in ["", "REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE", "DELETE_COMPLETE"] {
            assert_eq!(used_by(&stack(status, arn)), None, "{status}");
        }
    }

    #[test]
    fn a_connection_whose_handshake_is_done_goes_before_one_that_waits_for_it_and_a_broken_one_is_none() {
        let one =
            |status: &str| Connection { arn: String::new(), name: String::new(), status: status.to_owned() };
        let order = by_use(["ERROR", "PENDING", "AVAILABLE"].map(one).to_vec());
        let order: Vec<&str> = order.iter().map(|connection| connection.status.as_str()).collect();
        assert_eq!(order, ["AVAILABLE", "PENDING"]);
    }
}
