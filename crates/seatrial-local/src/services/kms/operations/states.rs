//! What a key may be used for now: enabled, disabled, or waiting for its deletion.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::super::refusals::invalid;
use super::super::store::KeyStore;
use super::{Empty, key, operations};
use crate::clock::Epoch;
use crate::error::ServiceError;
use crate::operation::Call;

const DAY: Duration = Duration::from_secs(24 * 3600);

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct EnableKey {
    pub key_id: String,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DisableKey {
    pub key_id: String,
}

fn set_enabled(call: &Call, key_id: &str, enabled: bool) -> Result<Empty, ServiceError> {
    call.cloud.part::<KeyStore>().change(&call.cloud, key_id, |key| {
        key.kept()?;
        key.enabled = enabled;
        Ok(())
    })?;
    Ok(Empty {})
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ScheduleKeyDeletion {
    pub key_id: String,
    /// 7 to 30.
    #[serde(default)]
    pub pending_window_in_days: Option<u32>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ScheduleKeyDeletionOutput {
    /// The ARN.
    pub key_id: String,
    pub deletion_date: Epoch,
    pub key_state: &'static str,
    pub pending_window_in_days: u32,
}

fn schedule(input: ScheduleKeyDeletion, call: &Call) -> Result<ScheduleKeyDeletionOutput, ServiceError> {
    let days = input.pending_window_in_days.unwrap_or(30);
    if !(7..=30).contains(&days) {
        return Err(invalid("PendingWindowInDays must be between 7 and 30 days (inclusive)."));
    }
    let deletion_date = call.cloud.clock().now().plus(DAY * days);
    let key = call.cloud.part::<KeyStore>().change(&call.cloud, &input.key_id, |key| {
        key.kept()?;
        key.deletion = Some(deletion_date);
        Ok(())
    })?;
    let key_state = key.state().name();
    Ok(ScheduleKeyDeletionOutput { key_id: key.arn, deletion_date, key_state, pending_window_in_days: days })
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CancelKeyDeletion {
    pub key_id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CancelKeyDeletionOutput {
    /// The ARN.
    pub key_id: String,
}

/// The key is disabled then ("To enable the KMS key, use EnableKey": `API_CancelKeyDeletion`).
fn cancel(input: CancelKeyDeletion, call: &Call) -> Result<CancelKeyDeletionOutput, ServiceError> {
    let key = call.cloud.part::<KeyStore>().change(&call.cloud, &input.key_id, |key| {
        if key.deletion.is_none() {
            let message = format!("{} is not pending deletion.", key.arn);
            return Err(ServiceError::new("KMSInvalidStateException", message));
        }
        key.deletion = None;
        key.enabled = false;
        Ok(())
    })?;
    Ok(CancelKeyDeletionOutput { key_id: key.arn })
}

operations! {
    EnableKey -> Empty = |input: EnableKey, call| set_enabled(call, &input.key_id, true), on key!();
    DisableKey -> Empty = |input: DisableKey, call| set_enabled(call, &input.key_id, false), on key!();
    ScheduleKeyDeletion -> ScheduleKeyDeletionOutput = schedule, on key!();
    CancelKeyDeletion -> CancelKeyDeletionOutput = cancel, on key!();
}
