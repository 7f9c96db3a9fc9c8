//! Whether a call changed anything: seen at the one place that all calls pass, so that no command can forget it.

use aws_sdk_sts::config::interceptors::FinalizerInterceptorContextRef;
use aws_sdk_sts::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::Metadata;

use crate::session::Changes;

/// How the names of operations begin that only read.
const READING: [&str; 6] = ["BatchGet", "Describe", "Filter", "Get", "Head", "List"];
/// A change set changes nothing before it is executed; whoever makes one and does not execute it deletes it.
const HARMLESS: [&str; 2] = ["CreateChangeSet", "DeleteChangeSet"];

/// Notes every call that was carried out, or may have been, and does not only read.
#[derive(Debug, Clone)]
pub(super) struct NoteChanges(pub Changes);

impl Intercept for NoteChanges {
    fn name(&self) -> &'static str {
        "NoteChanges"
    }

    fn read_after_execution(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let writes = bag.load::<Metadata>().is_none_or(|metadata| writes(metadata.name()));
        // An answer with an error code says that nothing was done. Where no answer came, it may have been.
        let refused = context
            .output_or_error()
            .is_some_and(|result| result.is_err_and(|error| error.is_operation_error()));
        if writes && !refused {
            self.0.note();
        }
        Ok(())
    }
}

fn writes(operation: &str) -> bool {
    !HARMLESS.contains(&operation) && !READING.iter().any(|start| operation.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_reads_and_what_is_never_executed_changes_nothing() {
        for reading in
            ["DescribeStacks", "BatchGetBuilds", "ListTasks", "GetCallerIdentity", "CreateChangeSet"]
        {
            assert!(!writes(reading), "{reading}");
        }
        for writing in
            ["ExecuteChangeSet", "DeleteStack", "PutObject", "StartPipelineExecution", "StopDeployment"]
        {
            assert!(writes(writing), "{writing}");
        }
    }
}
