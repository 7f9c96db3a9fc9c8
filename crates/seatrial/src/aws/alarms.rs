//! CodeDeploy: whether alarms stop the deployments of a group.

use aws_sdk_codedeploy::types as sdk;

use super::Aws;
use super::error::{Attempt as _, AwsError};

const SERVICE: &str = "CodeDeploy";

/// Which alarms stop a deployment, and whether they do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AlarmSettings {
    pub enabled: bool,
    pub names: Vec<String>,
    /// Whether a deployment goes on where the alarms cannot be read.
    pub ignores_unread: bool,
}

impl Aws {
    /// The alarms of a deployment group; `None` without the group.
    pub(crate) async fn alarm_settings(
        &self,
        (application, group): (&str, &str),
    ) -> Result<Option<AlarmSettings>, AwsError> {
        let info = self.deployment_group(application, group).await?;
        Ok(info.map(|info| {
            let found = info.alarm_configuration;
            let names = found.iter().flat_map(|found| found.alarms.iter().flatten());
            AlarmSettings {
                enabled: found.as_ref().is_some_and(|found| found.enabled),
                names: names.filter_map(|alarm| alarm.name.clone()).collect(),
                ignores_unread: found.as_ref().is_some_and(|found| found.ignore_poll_alarm_failure),
            }
        }))
    }

    /// Sets them; everything else of the group stays as it is (CodeDeploy API, UpdateDeploymentGroup).
    pub(crate) async fn set_alarms(
        &self,
        (application, group): (&str, &str),
        settings: &AlarmSettings,
    ) -> Result<(), AwsError> {
        let alarms = settings.names.iter().map(|name| sdk::Alarm::builder().name(name).build()).collect();
        let configuration = sdk::AlarmConfiguration::builder()
            .enabled(settings.enabled)
            .ignore_poll_alarm_failure(settings.ignores_unread)
            .set_alarms(Some(alarms))
            .build();
        let request = self.codedeploy().update_deployment_group().application_name(application);
        let request = request.current_deployment_group_name(group).alarm_configuration(configuration);
        let attempt = || format!("update the alarms of deployment group `{application}/{group}`");
        request.send().await.attempt(SERVICE, attempt)?;
        Ok(())
    }
}
