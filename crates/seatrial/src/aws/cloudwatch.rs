//! CloudWatch: the state of an alarm.

use super::Aws;
use super::error::AwsError;
use seatrial_query::{Place, Protocol, Service, form};

const CLOUDWATCH: Service = Service {
    name: "CloudWatch",
    signing_name: "monitoring",
    protocol: Protocol::Query { version: "2010-08-01" },
    place: Place::Regional,
};

impl Aws {
    /// Raises an alarm by hand: it stays so until CloudWatch judges it again.
    pub(crate) async fn raise_alarm(&self, name: &str, reason: &str) -> Result<(), AwsError> {
        let input = form(&[("AlarmName", name), ("StateValue", "ALARM"), ("StateReason", reason)]);
        let attempt = || format!("set the state of alarm `{name}`");
        self.call_rarely(&CLOUDWATCH, ("SetAlarmState", input), attempt).await.map(drop)
    }
}
