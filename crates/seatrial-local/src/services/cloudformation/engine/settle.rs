//! Bringing all resources of a stack to what its template asks for: what creation and update have in common.

use std::future::Future;
use std::sync::Arc;

use super::super::evaluate::{Output, Scope};
use super::super::status::Status;
use super::super::store::Stack;
use super::run::{Made, Run};
use super::walk::Walk;
use crate::error::ServiceError;

/// How it ended.
pub(super) enum Settled {
    /// A call has given the stack another phase, which goes on from here.
    Overtaken,
    /// Why the template or a resource failed.
    Failed(String),
    /// The stack's outputs.
    Done(Vec<Output>),
}

/// Does `work` for each resource in the order of their needs. `work` answers whether it succeeded; `reason`
/// words what failed.
pub(super) async fn settle<F, W>(
    (run, stack, phase): (&Run, &Stack, Status),
    work: F,
    reason: impl Fn(&[String]) -> String,
) -> Result<Settled, ServiceError>
where
    F: Fn(Run, Arc<Scope>, String) -> W,
    W: Future<Output = bool> + Send + 'static,
{
    let scope = match run.scope(stack, &stack.current) {
        Ok(scope) => Arc::new(scope),
        Err(error) => return Ok(Settled::Failed(error.message)),
    };
    let graph = scope.graph();
    let walk = Walk { run, graph: &graph, stop_at_failure: true, phase };
    let walked = walk.go(|id| work(run.clone(), Arc::clone(&scope), id)).await?;
    if walked.overtaken {
        return Ok(Settled::Overtaken);
    }
    if !walked.failed.is_empty() {
        return Ok(Settled::Failed(reason(&walked.failed)));
    }
    Ok(match scope.outputs(&Made(run)) {
        Ok(outputs) => match run.export_conflict(&run.stack()?, &outputs) {
            Some(conflict) => Settled::Failed(conflict),
            None => Settled::Done(outputs),
        },
        Err(error) => Settled::Failed(error.message),
    })
}
