//! Calls to services of which an operation or two are needed, without their SDK crates.

use aws_smithy_runtime_api::client::interceptors::SharedInterceptor;
use seatrial_query::Service;

use super::Aws;
use super::error::{Attempt as _, AwsError};

impl Aws {
    /// Calls an operation with a form, or with the text of an object; answers the text of the answer.
    pub(super) async fn call_rarely(
        &self,
        service: &'static Service,
        call: (&'static str, String),
        attempt: impl FnOnce() -> String,
    ) -> Result<String, AwsError> {
        let noted = SharedInterceptor::new(self.noted());
        seatrial_query::call(self.config(), service, call, Some(noted)).await.attempt(service.name, attempt)
    }
}
