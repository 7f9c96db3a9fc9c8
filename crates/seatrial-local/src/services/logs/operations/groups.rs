//! Log groups.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::super::encryption;
use super::super::store::{Group, LogStore};
use super::{group_name, now, page, stream_arn};
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};

/// The days AWS lets a retention have.
const RETENTIONS: [i64; 22] =
    [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreateLogGroup {
    pub log_group_name: String,
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// An ARN.
    #[serde(default)]
    pub kms_key_id: Option<String>,
}

/// The answer of an operation that answers nothing.
#[derive(Serialize)]
pub(crate) struct Empty {}

impl Operation for CreateLogGroup {
    type Output = Empty;
    const SERVICE: &'static str = "logs";
    const NAME: &'static str = "CreateLogGroup";

    fn resource(&self, cloud: &Cloud) -> String {
        stream_arn(cloud, &self.log_group_name, "")
    }

    async fn handle(self, call: &Call) -> Result<Empty, ServiceError> {
        let store = call.cloud.part::<LogStore>();
        if let Some(key) = self.kms_key_id.as_deref().filter(|_| !store.groups.contains(&self.log_group_name))
        {
            encryption::check(&call.cloud, &self.log_group_name, key)?;
        }
        let group = Group {
            name: self.log_group_name.clone(),
            created: now(&call.cloud),
            retention_in_days: None,
            kms_key_id: self.kms_key_id,
            tags: self.tags,
        };
        if !store.groups.insert_new(&self.log_group_name, &group)? {
            return Err(ServiceError::new(
                "ResourceAlreadyExistsException",
                "The specified log group already exists",
            ));
        }
        Ok(Empty {})
    }
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeleteLogGroup {
    pub log_group_name: String,
}

impl Operation for DeleteLogGroup {
    type Output = Empty;
    const SERVICE: &'static str = "logs";
    const NAME: &'static str = "DeleteLogGroup";

    fn resource(&self, cloud: &Cloud) -> String {
        stream_arn(cloud, &self.log_group_name, "")
    }

    async fn handle(self, call: &Call) -> Result<Empty, ServiceError> {
        let store = call.cloud.part::<LogStore>();
        store.group(&self.log_group_name)?;
        for stream in store.streams_of(&self.log_group_name, "") {
            store.delete_stream(&stream)?;
        }
        store.groups.remove(&self.log_group_name)?;
        Ok(Empty {})
    }
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PutRetentionPolicy {
    pub log_group_name: String,
    pub retention_in_days: i64,
}

impl Operation for PutRetentionPolicy {
    type Output = Empty;
    const SERVICE: &'static str = "logs";
    const NAME: &'static str = "PutRetentionPolicy";

    fn resource(&self, cloud: &Cloud) -> String {
        stream_arn(cloud, &self.log_group_name, "")
    }

    async fn handle(self, call: &Call) -> Result<Empty, ServiceError> {
        if !RETENTIONS.contains(&self.retention_in_days) {
            return Err(ServiceError::new(
                "InvalidParameterException",
                format!(
                    "1 validation error detected: Value '{}' at 'retentionInDays' failed to satisfy constraint",
                    self.retention_in_days
                ),
            ));
        }
        set_retention(call, &self.log_group_name, Some(self.retention_in_days))
    }
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeleteRetentionPolicy {
    pub log_group_name: String,
}

impl Operation for DeleteRetentionPolicy {
    type Output = Empty;
    const SERVICE: &'static str = "logs";
    const NAME: &'static str = "DeleteRetentionPolicy";

    fn resource(&self, cloud: &Cloud) -> String {
        stream_arn(cloud, &self.log_group_name, "")
    }

    async fn handle(self, call: &Call) -> Result<Empty, ServiceError> {
        set_retention(call, &self.log_group_name, None)
    }
}

fn set_retention(call: &Call, name: &str, days: Option<i64>) -> Result<Empty, ServiceError> {
    let store = call.cloud.part::<LogStore>();
    store.group(name)?;
    store.groups.update(name, |group| group.retention_in_days = days)?;
    Ok(Empty {})
}

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct DescribeLogGroups {
    pub log_group_name_prefix: Option<String>,
    pub log_group_name_pattern: Option<String>,
    pub log_group_identifiers: Option<Vec<String>>,
    pub next_token: Option<String>,
    pub limit: Option<usize>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DescribeLogGroupsOutput {
    pub log_groups: Vec<LogGroup>,
    pub next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LogGroup {
    pub log_group_name: String,
    pub creation_time: i64,
    pub retention_in_days: Option<i64>,
    pub kms_key_id: Option<String>,
    pub metric_filter_count: i64,
    /// With `:*` at its end, as `Fn::GetAtt` answers it.
    pub arn: String,
    pub log_group_arn: String,
    pub stored_bytes: i64,
    pub log_group_class: &'static str,
}

impl Operation for DescribeLogGroups {
    type Output = DescribeLogGroupsOutput;
    const SERVICE: &'static str = "logs";
    const NAME: &'static str = "DescribeLogGroups";

    async fn handle(self, call: &Call) -> Result<DescribeLogGroupsOutput, ServiceError> {
        // Recorded: `test_describe_log_groups_prefix_and_pattern_error`.
        if self.log_group_name_prefix.is_some() && self.log_group_name_pattern.is_some() {
            let message = "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.";
            return Err(ServiceError::new("InvalidParameterException", message));
        }
        let store = call.cloud.part::<LogStore>();
        let prefix = self.log_group_name_prefix.as_deref().unwrap_or_default();
        let pattern = self.log_group_name_pattern.as_deref().unwrap_or_default();
        let mut groups: Vec<Group> =
            store.groups.with_prefix(prefix).into_iter().map(|(_, group)| group).collect();
        groups.retain(|group| group.name.contains(pattern));
        if let Some(wanted) = &self.log_group_identifiers {
            let wanted: Vec<String> =
                wanted.iter().filter_map(|one| group_name(Some(one), None).ok()).collect();
            groups.retain(|group| wanted.contains(&group.name));
        }
        let limit = self.limit.unwrap_or(50).min(50);
        let (groups, next_token) = page(groups, self.next_token.as_deref(), limit)?;
        let mut log_groups = Vec::with_capacity(groups.len());
        for group in groups {
            log_groups.push(describe(&call.cloud, &store, group)?);
        }
        Ok(DescribeLogGroupsOutput { log_groups, next_token })
    }
}

fn describe(cloud: &Cloud, store: &LogStore, group: Group) -> Result<LogGroup, ServiceError> {
    let mut stored_bytes = 0;
    for stream in store.streams_of(&group.name, "") {
        stored_bytes += super::super::store::lock(&*store.events(&stream)?).stored_bytes;
    }
    let arn = cloud.arn("logs", &format!("log-group:{}", group.name));
    Ok(LogGroup {
        log_group_name: group.name,
        creation_time: group.created,
        retention_in_days: group.retention_in_days,
        kms_key_id: group.kms_key_id,
        metric_filter_count: 0,
        arn: format!("{arn}:*"),
        log_group_arn: arn,
        stored_bytes,
        log_group_class: "STANDARD",
    })
}
