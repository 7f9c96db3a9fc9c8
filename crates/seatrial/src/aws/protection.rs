//! What keeps a stack and its resources from being deleted: termination protection and stack policies.

use super::Aws;
use super::error::{Attempt as _, AwsError};

const SERVICE: &str = "CloudFormation";

impl Aws {
    /// The stack policy; `None` where none was ever set.
    pub(crate) async fn stack_policy(&self, name: &str) -> Result<Option<String>, AwsError> {
        let answer = self.cloudformation().get_stack_policy().stack_name(name).send().await;
        let answer = answer.attempt(SERVICE, || format!("get the stack policy of `{name}`"))?;
        Ok(answer.stack_policy_body)
    }

    /// Sets the stack policy. It can be changed later, never be removed (user guide, "Prevent updates to stack
    /// resources").
    pub(crate) async fn set_stack_policy(&self, name: &str, policy: &str) -> Result<(), AwsError> {
        let request = self.cloudformation().set_stack_policy().stack_name(name).stack_policy_body(policy);
        request.send().await.attempt(SERVICE, || format!("set the stack policy of `{name}`"))?;
        Ok(())
    }

    /// Enables or disables termination protection.
    pub(crate) async fn set_termination_protection(&self, name: &str, enabled: bool) -> Result<(), AwsError> {
        let request = self.cloudformation().update_termination_protection().stack_name(name);
        let answer = request.enable_termination_protection(enabled).send().await;
        answer.attempt(SERVICE, || format!("set the termination protection of `{name}`"))?;
        Ok(())
    }
}
