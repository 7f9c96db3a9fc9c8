//! Rotation of keys: what is asked for is kept and answered; no material changes.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::super::refusals::invalid;
use super::super::store::{KeyStore, Rotation};
use super::{Empty, key, operations};
use crate::clock::Epoch;
use crate::error::ServiceError;
use crate::operation::Call;

const DAY: Duration = Duration::from_secs(24 * 3600);

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct EnableKeyRotation {
    pub key_id: String,
    /// 90 to 2560; 365 unless told otherwise.
    #[serde(default)]
    pub rotation_period_in_days: Option<u32>,
}

fn enable(input: EnableKeyRotation, call: &Call) -> Result<Empty, ServiceError> {
    let days = input.rotation_period_in_days;
    if days.is_some_and(|days| !(90..=2560).contains(&days)) {
        return Err(invalid("RotationPeriodInDays must be between 90 and 2560 days (inclusive)."));
    }
    let now = call.cloud.clock().now();
    call.cloud.part::<KeyStore>().change(&call.cloud, &input.key_id, |key| {
        key.usable()?;
        let days = days.or(key.rotation.as_ref().map(|rotation| rotation.days)).unwrap_or(365);
        key.rotation = Some(Rotation { days, next: now.plus(DAY * days) });
        Ok(())
    })?;
    Ok(Empty {})
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DisableKeyRotation {
    pub key_id: String,
}

fn disable(input: DisableKeyRotation, call: &Call) -> Result<Empty, ServiceError> {
    call.cloud.part::<KeyStore>().change(&call.cloud, &input.key_id, |key| {
        key.usable()?;
        key.rotation = None;
        Ok(())
    })?;
    Ok(Empty {})
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetKeyRotationStatus {
    pub key_id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetKeyRotationStatusOutput {
    pub key_id: String,
    pub key_rotation_enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rotation_period_in_days: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_rotation_date: Option<Epoch>,
}

/// "While a KMS key is pending deletion, its key rotation status is false" (`API_GetKeyRotationStatus`).
fn status(input: GetKeyRotationStatus, call: &Call) -> Result<GetKeyRotationStatusOutput, ServiceError> {
    let key = call.cloud.part::<KeyStore>().find_key(&call.cloud, &input.key_id)?;
    let rotation = key.rotation.filter(|_| key.deletion.is_none());
    Ok(GetKeyRotationStatusOutput {
        key_id: key.id,
        key_rotation_enabled: rotation.is_some(),
        rotation_period_in_days: rotation.as_ref().map(|rotation| rotation.days),
        next_rotation_date: rotation.map(|rotation| rotation.next),
    })
}

operations! {
    EnableKeyRotation -> Empty = enable, on key!();
    DisableKeyRotation -> Empty = disable, on key!();
    GetKeyRotationStatus -> GetKeyRotationStatusOutput = status, on key!();
}
