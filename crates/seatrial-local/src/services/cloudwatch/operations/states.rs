//! Operations on the states of alarms and on their actions.

use serde::{Deserialize, Serialize};

use super::super::metrics::minute_at;
use super::super::store::{Alarms, SERVICE, alarm_arn};
use super::Nothing;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};

/// Sets an alarm's state, until the next evaluation.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct SetAlarmState {
    pub alarm_name: String,
    pub state_value: String,
    pub state_reason: String,
    pub state_reason_data: Option<String>,
}

impl Operation for SetAlarmState {
    type Output = Nothing;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "SetAlarmState";

    fn resource(&self, cloud: &Cloud) -> String {
        alarm_arn(cloud, &self.alarm_name)
    }

    async fn handle(self, call: &Call) -> Result<Nothing, ServiceError> {
        let (clock, now) = (call.cloud.clock(), call.cloud.clock().now());
        let alarms = call.cloud.part::<Alarms>();
        let unknown = || ServiceError::new("ResourceNotFound", "The alarm does not exist.");
        if !alarms.alarms.contains(&self.alarm_name) {
            return Err(unknown());
        }
        // Before the state is set: what is judged meanwhile does not undo it.
        alarms.metrics.hold(&self.alarm_name, minute_at(clock, now));
        let set = alarms.alarms.update(&self.alarm_name, |alarm| {
            alarm.change_state(&self.state_value, self.state_reason, self.state_reason_data, now);
        })?;
        set.ok_or_else(unknown)?;
        Ok(Nothing {})
    }
}

fn set_actions(cloud: &Cloud, names: &[String], enabled: bool) -> Result<Nothing, ServiceError> {
    for name in names {
        cloud.part::<Alarms>().alarms.update(name, |alarm| alarm.settings.actions_enabled = Some(enabled))?;
    }
    Ok(Nothing {})
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in super::super) struct EnableAlarmActions {
    alarm_names: Vec<String>,
}

impl Operation for EnableAlarmActions {
    type Output = Nothing;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "EnableAlarmActions";

    async fn handle(self, call: &Call) -> Result<Nothing, ServiceError> {
        set_actions(&call.cloud, &self.alarm_names, true)
    }
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in super::super) struct DisableAlarmActions {
    alarm_names: Vec<String>,
}

impl Operation for DisableAlarmActions {
    type Output = Nothing;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "DisableAlarmActions";

    async fn handle(self, call: &Call) -> Result<Nothing, ServiceError> {
        set_actions(&call.cloud, &self.alarm_names, false)
    }
}
