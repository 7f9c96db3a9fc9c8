//! CloudFormation's ways out of an operation that failed, and away from a stack.

use super::Aws;
use super::error::{Attempt as _, AwsError};

const SERVICE: &str = "CloudFormation";

impl Aws {
    /// Deletes a stack; of one whose deletion failed without the resources of these logical IDs. Of any other AWS
    /// takes none (DeleteStack, `RetainResources`).
    pub(crate) async fn delete_stack(&self, name: &str, retained: &[String]) -> Result<(), AwsError> {
        let request = self.cloudformation().delete_stack().stack_name(name);
        let retained = (!retained.is_empty()).then(|| retained.to_vec());
        let answer = request.set_retain_resources(retained).send().await;
        answer.attempt(SERVICE, || format!("delete stack `{name}`"))?;
        Ok(())
    }

    /// Deletes a stack that holds nothing: the CREATE change set it was made for was not executed. That changes as
    /// little as the change set did.
    pub(crate) async fn delete_empty_stack(&self, id: &str) -> Result<(), AwsError> {
        let answer = self.unnoted_cloudformation().delete_stack().stack_name(id).send().await;
        answer.attempt(SERVICE, || format!("delete the empty stack `{id}`"))?;
        Ok(())
    }

    /// Continues the rollback of an update, taking these logical IDs for rolled back as they are. AWS takes only such
    /// as the rollback failed on (ContinueUpdateRollback, `ResourcesToSkip`).
    pub(crate) async fn continue_update_rollback(
        &self,
        name: &str,
        skipped: &[String],
    ) -> Result<(), AwsError> {
        let request = self.cloudformation().continue_update_rollback().stack_name(name);
        let skipped = (!skipped.is_empty()).then(|| skipped.to_vec());
        let answer = request.set_resources_to_skip(skipped).send().await;
        answer.attempt(SERVICE, || format!("continue the rollback of stack `{name}`"))?;
        Ok(())
    }

    /// Rolls back an update that failed with rollback disabled, to the last state that was stable (RollbackStack).
    pub(crate) async fn rollback_stack(&self, name: &str) -> Result<(), AwsError> {
        let answer = self.cloudformation().rollback_stack().stack_name(name).send().await;
        answer.attempt(SERVICE, || format!("roll back stack `{name}`"))?;
        Ok(())
    }
}
