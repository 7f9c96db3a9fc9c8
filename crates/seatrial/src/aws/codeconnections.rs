//! CodeConnections: the handshake with the source's host.

use super::Aws;
use super::error::{Attempt as _, AwsError};

impl Aws {
    /// PENDING, AVAILABLE or ERROR.
    pub(crate) async fn connection_status(&self, arn: &str) -> Result<String, AwsError> {
        let answer = self.codeconnections().get_connection().connection_arn(arn).send().await;
        let answer = answer.attempt("CodeConnections", || format!("get connection `{arn}`"))?;
        let status = answer.connection.and_then(|connection| connection.connection_status);
        Ok(status.map(|status| status.as_str().to_owned()).unwrap_or_default())
    }
}
