//! As whom actions call: the roles assumed, and calls that outlast throttling.

use std::time::Duration;

use serde_json::Value;

use super::super::store::CodePipeline;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::Operation;
use crate::principal::Principal;
use crate::services::sts;

/// A session is not used when it ends sooner than this.
const MARGIN: Duration = Duration::from_secs(300);
/// Throttled calls are tried so many times, with pauses from 100 ms that double.
const TRIES: u32 = 6;

/// The role's session, assumed anew when the last one is about to expire.
pub(super) async fn principal(cloud: &Cloud, role: &str, execution: &str) -> Result<Principal, ServiceError> {
    let part = cloud.part::<CodePipeline>();
    let until = cloud.clock().now().plus(MARGIN);
    if let Some(session) = part.session(role, until) {
        return Ok(session.principal);
    }
    let session = sts::assume_role(cloud, "codepipeline.amazonaws.com", role, execution).await?;
    part.keep_session(role, session.clone());
    Ok(session.principal)
}

/// [`Cloud::call`], again while AWS's SDKs would try again.
pub(super) async fn call<O: Operation + Clone>(
    cloud: &Cloud,
    principal: &Principal,
    input: O,
) -> Result<O::Output, ServiceError> {
    let mut tries = 0;
    loop {
        match cloud.call(principal, input.clone()).await {
            Err(error) if is_transient(&error) && tries < TRIES => pause(&mut tries).await,
            result => return result,
        }
    }
}

/// [`Cloud::dispatch`], again while AWS's SDKs would try again.
pub(super) async fn dispatch(
    cloud: &Cloud,
    principal: &Principal,
    operation: (&str, &str),
    input: Value,
) -> Result<Value, ServiceError> {
    let mut tries = 0;
    loop {
        match cloud.dispatch(principal, operation, input.clone()).await {
            Err(error) if is_transient(&error) && tries < TRIES => pause(&mut tries).await,
            result => return result,
        }
    }
}

fn is_transient(error: &ServiceError) -> bool {
    error.code.contains("Throttling") || (error.status >= 500 && error.status != 501)
}

async fn pause(tries: &mut u32) {
    tokio::time::sleep(Duration::from_millis(100 << *tries)).await;
    *tries += 1;
}
