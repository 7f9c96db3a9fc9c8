//! Calls that outlast throttling, as those of AWS's own services and SDKs do.

use std::time::Duration;

use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::Operation;
use crate::principal::Principal;

/// Calls are tried so many times again, with pauses (real time) from 100 ms that double.
const TRIES: u32 = 6;

/// [`Cloud::call`], again while AWS's SDKs would try again.
pub(crate) async fn call<O: Operation + Clone>(
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

fn is_transient(error: &ServiceError) -> bool {
    error.code.contains("Throttling") || (error.status >= 500 && error.status != 501)
}

async fn pause(tries: &mut u32) {
    tokio::time::sleep(Duration::from_millis(100 << *tries)).await;
    *tries += 1;
}
