//! Whether a call changed anything: seen at the one place that all calls pass, so that no command can forget it.

use aws_sdk_sts::config::interceptors::{
    BeforeSerializationInterceptorContextRef, FinalizerInterceptorContextRef,
};
use aws_sdk_sts::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::retries::RequestAttempts;
use aws_smithy_types::config_bag::{Storable, StoreReplace};

use crate::session::Changes;

/// How the names of operations begin that only read.
const READING: [&str; 6] = ["BatchGet", "Describe", "Filter", "Get", "Head", "List"];
/// A change set changes nothing before it is executed; whoever makes one and does not execute it deletes it.
const HARMLESS: [&str; 2] = ["CreateChangeSet", "DeleteChangeSet"];

/// Notes every call that does not only read, before it is sent: one that is left may have been carried out. What AWS
/// refuses is taken back.
#[derive(Debug, Clone)]
pub(super) struct NoteChanges(pub Changes);

/// On a call that was noted.
#[derive(Debug)]
struct Noted;

impl Storable for Noted {
    type Storer = StoreReplace<Self>;
}

impl Intercept for NoteChanges {
    fn name(&self) -> &'static str {
        "NoteChanges"
    }

    fn read_before_serialization(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if bag.load::<Metadata>().is_none_or(|metadata| writes(metadata.name())) {
            self.0.note();
            bag.interceptor_state().store_put(Noted);
        }
        Ok(())
    }

    fn read_after_execution(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        // An answer that refuses the only attempt says that nothing was done. Where no answer came, where AWS went wrong
        // itself, or where it was tried again, it may have been.
        let refused = context
            .output_or_error()
            .is_some_and(|result| result.is_err_and(|error| error.is_operation_error()))
            && context.response().is_some_and(|response| response.status().is_client_error())
            && bag.load::<RequestAttempts>().is_none_or(|attempts| attempts.attempts() <= 1);
        if refused && bag.load::<Noted>().is_some() {
            self.0.take_back();
        }
        Ok(())
    }
}

fn writes(operation: &str) -> bool {
    !HARMLESS.contains(&operation) && !READING.iter().any(|start| operation.starts_with(start))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::Notify;

    use super::*;
    use crate::aws::tests::{InProcess, of_account, stub};

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

    #[tokio::test]
    async fn what_aws_refuses_changes_nothing_and_what_it_may_have_done_does() {
        let changes = Changes::default();
        let local = InProcess::start().await;

        of_account(&local.aws, changes.clone()).execute_change_set("arn:none").await.unwrap_err();
        assert!(!changes.any());

        let (aws, _) = stub(|_, _, _| serde_json::json!({ "__type": "InternalFailure" })).await;
        of_account(&aws, changes.clone()).start_execution("p", None).await.unwrap_err();
        assert!(changes.any());
    }

    #[tokio::test]
    async fn a_call_that_is_left_before_its_answer_may_have_changed_something() {
        let (changes, came) = (Changes::default(), Arc::new(Notify::new()));
        let told = Arc::clone(&came);
        let (aws, _) = stub(move |_, _, _| {
            told.notify_one();
            serde_json::json!({ "pipelineExecutionId": "e" })
        })
        .await;
        let aws = of_account(&aws, changes.clone());

        tokio::select! {
            biased;
            () = came.notified() => {}
            _ = aws.start_execution("p", None) => panic!("the answer comes later"),
        }

        assert!(changes.any());
    }
}
