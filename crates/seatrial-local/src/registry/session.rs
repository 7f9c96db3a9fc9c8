//! A request that is known to be someone's.

use axum::http::request::Parts;

use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::Operation;
use crate::principal::Principal;

/// Who asks, and of which repository.
pub(super) struct Session {
    pub cloud: Cloud,
    pub principal: Principal,
    pub repository: String,
}

impl Session {
    pub(super) async fn call<O: Operation>(&self, input: O) -> Result<O::Output, ServiceError> {
        self.cloud.call(&self.principal, input).await
    }
}

/// The value of a query's member.
pub(super) fn member(parts: &Parts, name: &str) -> Option<String> {
    let query = parts.uri.query().unwrap_or_default();
    form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}
