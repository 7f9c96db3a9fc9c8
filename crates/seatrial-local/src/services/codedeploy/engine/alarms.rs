//! The alarms of a deployment group: one that is active stops a deployment, also one that has not begun.

use std::time::Duration;

use super::turn::{Trouble, Turn};
use crate::error::ServiceError;
use crate::services::cloudwatch::{DescribeAlarms, MetricAlarm};

/// Between two looks at the alarms, of AWS's time: what is set by hand may last no longer than a minute.
const LOOK: Duration = Duration::from_secs(10);
/// In real time at the most.
const LONGEST: Duration = Duration::from_secs(1);

impl Turn<'_> {
    /// Reads the alarms if it is time; a rollback and the end of the original task set go on regardless.
    pub(super) async fn check_alarms(&self) -> Result<(), Trouble> {
        let names = self.row.group.settings.alarms();
        let now = self.cloud.clock().now();
        if names.is_empty() || self.row.is_rollback() || self.row.is_past_return() {
            return Ok(());
        }
        {
            let mut sessions = self.store.sessions();
            let Some(session) = sessions.get_mut(&self.row.info.deployment_id) else { return Ok(()) };
            let pause = self.cloud.clock().scaled(LOOK).min(LONGEST);
            if session.alarms_read.is_some_and(|read| now.since(read) < pause) {
                return Ok(());
            }
            session.alarms_read = Some(now);
        }
        let alarm_names = names.into_iter().map(str::to_owned).collect();
        let input = DescribeAlarms { alarm_names, ..DescribeAlarms::default() };
        let active = match self.cloud.call(&self.principal, input).await {
            Ok(answer) => active(answer.metric_alarms),
            Err(error) => return self.unread(error),
        };
        if active.is_empty() {
            return Ok(());
        }
        Err(Trouble::Stop {
            code: "ALARM_ACTIVE",
            message: format!(
                "One or more alarms have been activated according to the Amazon CloudWatch metrics you selected, \
                 and the affected deployments have been stopped. Activated alarms: {}",
                active.join(", ")
            ),
            event: "DEPLOYMENT_STOP_ON_ALARM",
        })
    }

    /// Alarms that cannot be read stop a deployment, unless the group says otherwise.
    fn unread(&self, error: ServiceError) -> Result<(), Trouble> {
        let configuration = self.row.group.settings.alarm_configuration.as_ref();
        let ignores = configuration.is_some_and(|configuration| configuration.ignore_poll_alarm_failure);
        if ignores {
            return Ok(());
        }
        // The next try reads them at once.
        if let Some(session) = self.store.sessions().get_mut(&self.row.info.deployment_id) {
            session.alarms_read = None;
        }
        Err(super::remote::of_service(error, "INTERNAL_ERROR", |error| {
            format!("The alarms of the deployment group could not be read: {}", error.message)
        }))
    }
}

fn active(alarms: Vec<MetricAlarm>) -> Vec<String> {
    let active = alarms.into_iter().filter(|alarm| alarm.state_value == "ALARM");
    active.map(|alarm| alarm.alarm_name).collect()
}
