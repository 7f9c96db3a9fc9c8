//! Security Token Service: who am I, and roles assumed by engines and builds.

mod assume;
mod endpoint;
mod operations;
mod session;

pub(crate) use assume::assume_role;
pub(crate) use endpoint::{ADDRESS as CREDENTIALS, serve as serve_credentials};
pub(crate) use operations::AssumeRole;
pub(crate) use session::{Actor, RoleSession};

use serde_json::Value;

use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::Operations;

pub(crate) fn register(operations: &mut Operations) {
    operations.refuse("sts", malformed);
    operations.add::<AssumeRole>();
    operations.add::<operations::GetCallerIdentity>();
}

/// A role's ARN that is none is told before who asks (recorded: `test_sts_invalid_parameters`).
fn malformed(_cloud: &Cloud, given: &Value) -> Result<(), ServiceError> {
    let Some(arn) = given["RoleArn"].as_str() else { return Ok(()) };
    match arn.splitn(6, ':').collect::<Vec<_>>()[..] {
        ["arn", partition, service, _, _, resource] if ![partition, service, resource].contains(&"") => {
            Ok(())
        }
        _ => Err(ServiceError::validation(format!("{arn} is invalid"))),
    }
}
