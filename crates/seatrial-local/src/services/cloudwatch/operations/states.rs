//! Operations on the states of alarms and on their actions.

use serde::Deserialize;

use super::super::store::{Alarms, SERVICE, alarm_arn};
use super::Nothing;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};

/// Sets an alarm's state. On AWS the next evaluation of its metric sets it back; here it stays.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct SetAlarmState {
    pub alarm_name: String,
    pub state_value: String,
    pub state_reason: String,
}

impl Operation for SetAlarmState {
    type Output = Nothing;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "SetAlarmState";

    fn resource(&self, cloud: &Cloud) -> String {
        alarm_arn(cloud, &self.alarm_name)
    }

    async fn handle(self, call: &Call) -> Result<Nothing, ServiceError> {
        let now = call.cloud.clock().now();
        let set = call.cloud.part::<Alarms>().alarms.update(&self.alarm_name, |alarm| {
            if alarm.state_value != self.state_value {
                alarm.state_transitioned_timestamp = Some(now);
            }
            alarm.state_value = self.state_value;
            alarm.state_reason = self.state_reason;
            alarm.state_updated_timestamp = Some(now);
        })?;
        set.ok_or_else(|| ServiceError::new("ResourceNotFound", "The alarm does not exist."))?;
        Ok(Nothing {})
    }
}

fn set_actions(cloud: &Cloud, names: &[String], enabled: bool) -> Result<Nothing, ServiceError> {
    for name in names {
        cloud.part::<Alarms>().alarms.update(name, |alarm| alarm.settings.actions_enabled = Some(enabled))?;
    }
    Ok(Nothing {})
}

#[derive(Deserialize)]
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

#[derive(Deserialize)]
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
