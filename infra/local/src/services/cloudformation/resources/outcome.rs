//! Errors that are none for a handler: what should be gone is gone, what should be made was made before.

use super::ResourceContext;
use crate::error::ServiceError;

/// The outcome of a deletion: `missing`, the service's code for "there is none", counts as deleted.
pub(crate) fn gone<T>(result: Result<T, ServiceError>, missing: &str) -> Result<(), ServiceError> {
    match result {
        Err(error) if error.code != missing => Err(error),
        _ => Ok(()),
    }
}

impl ResourceContext {
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
