//! Who the caller is.

use super::Aws;
use super::error::{Attempt as _, AwsError};

/// The caller's identity.
pub(crate) struct Identity {
    pub account: String,
    pub arn: String,
}

impl Aws {
    pub(crate) async fn get_caller_identity(&self) -> Result<Identity, AwsError> {
        let answer = self.sts().get_caller_identity().send().await;
        let answer = answer.attempt("STS", || "get the caller's identity".to_owned())?;
        Ok(Identity { account: answer.account.unwrap_or_default(), arn: answer.arn.unwrap_or_default() })
    }
}
