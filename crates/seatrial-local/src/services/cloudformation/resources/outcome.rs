//! What handlers answer: attributes, and errors that are none, because what should be gone is gone or what
//! should be made was made before.

use serde_json::Value;

use super::resource::{Attributes, ResourceContext};
use crate::error::ServiceError;

/// The outcome of a deletion: `missing`, the service's code for "there is none", counts as deleted.
pub(crate) fn gone<T>(result: Result<T, ServiceError>, missing: &str) -> Result<(), ServiceError> {
    match result {
        Err(error) if error.code != missing => Err(error),
        _ => Ok(()),
    }
}

impl ResourceContext {
    /// The same on every try to make this resource, and unlike that of any other: for services that find what
    /// they made before by a client token.
    pub(crate) fn client_token(&self) -> String {
        format!("{}/{}/{}", self.stack_id, self.logical_id, self.token)
    }

    /// The outcome of a creation under a fixed name: after an earlier try, `exists`, the service's code for
    /// "there is one already", counts as made. `None`: then there is no answer.
    pub(crate) fn made<T>(
        &self,
        result: Result<T, ServiceError>,
        exists: &str,
    ) -> Result<Option<T>, ServiceError> {
        match result {
            Ok(made) => Ok(Some(made)),
            Err(error) if self.retried && error.code == exists => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Attributes by name.
pub(crate) fn attributes<const N: usize>(values: [(&str, Value); N]) -> Attributes {
    values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
