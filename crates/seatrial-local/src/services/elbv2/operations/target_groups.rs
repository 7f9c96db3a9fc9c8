//! Target groups.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::super::rows::TargetGroupRow;
use super::super::shapes::{Attribute, Empty, Matcher, TargetGroup};
use super::super::store::Elb;
use super::super::{attributes, errors, health};
use super::SERVICE;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::id;
use crate::operation::{Call, Operation};
use crate::tags::Tag;

/// Health-check settings as they are given; what is absent takes AWS's default, or stays as it is.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct HealthCheckSettings {
    pub health_check_protocol: Option<String>,
    pub health_check_port: Option<String>,
    pub health_check_enabled: Option<bool>,
    pub health_check_path: Option<String>,
    pub health_check_interval_seconds: Option<i64>,
    pub health_check_timeout_seconds: Option<i64>,
    pub healthy_threshold_count: Option<i64>,
    pub unhealthy_threshold_count: Option<i64>,
    pub matcher: Option<Matcher>,
}

impl HealthCheckSettings {
    fn apply(self, shape: &mut TargetGroup) -> Result<(), ServiceError> {
        fn set<T>(place: &mut T, given: Option<T>) {
            if let Some(value) = given {
                *place = value;
            }
        }
        set(&mut shape.health_check_protocol, self.health_check_protocol);
        set(&mut shape.health_check_port, self.health_check_port);
        set(&mut shape.health_check_enabled, self.health_check_enabled);
        set(&mut shape.health_check_path, self.health_check_path);
        set(&mut shape.health_check_interval_seconds, self.health_check_interval_seconds);
        set(&mut shape.health_check_timeout_seconds, self.health_check_timeout_seconds);
        set(&mut shape.healthy_threshold_count, self.healthy_threshold_count);
        set(&mut shape.unhealthy_threshold_count, self.unhealthy_threshold_count);
        set(&mut shape.matcher, self.matcher);
        check_settings(shape)
    }
}

fn check_settings(shape: &TargetGroup) -> Result<(), ServiceError> {
    let within = |what: &str, value: i64, low: i64, high: i64| {
        if (low..=high).contains(&value) {
            return Ok(());
        }
        Err(ServiceError::validation(format!("{what} must be between {low} and {high}")))
    };
    within("Health check interval", shape.health_check_interval_seconds, 5, 300)?;
    within("Health check timeout", shape.health_check_timeout_seconds, 2, 120)?;
    within("Healthy threshold count", shape.healthy_threshold_count, 2, 10)?;
    within("Unhealthy threshold count", shape.unhealthy_threshold_count, 2, 10)?;
    if shape.health_check_interval_seconds <= shape.health_check_timeout_seconds {
        return Err(ServiceError::validation("Health check interval must be greater than the timeout."));
    }
    if !shape.health_check_path.starts_with('/') {
        let path = &shape.health_check_path;
        return Err(ServiceError::validation(format!(
            "Health check path '{path}' must begin with a '/' character"
        )));
    }
    let port = &shape.health_check_port;
    if port != "traffic-port" && port.parse::<u16>().is_err() {
        return Err(ServiceError::validation(format!("Health check port '{port}' is not valid")));
    }
    if health::parse_codes(&shape.matcher.http_code).is_none() {
        let code = &shape.matcher.http_code;
        let message = format!("Health check matcher HTTP code '{code}' must be within '200-499' inclusive");
        return Err(ServiceError::validation(message));
    }
    Ok(())
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct CreateTargetGroup {
    pub name: String,
    pub protocol: Option<String>,
    pub protocol_version: Option<String>,
    pub port: Option<u16>,
    pub vpc_id: Option<String>,
    /// Only `ip` is served: there are no instances.
    pub target_type: Option<String>,
    pub tags: Vec<Tag>,
    #[serde(flatten)]
    pub health_check: HealthCheckSettings,
}

/// What the operations on target groups answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct TargetGroupsOutput {
    pub target_groups: Vec<TargetGroup>,
}

impl Operation for CreateTargetGroup {
    type Output = TargetGroupsOutput;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "CreateTargetGroup";

    fn resource(&self, cloud: &Cloud) -> String {
        cloud.arn(SERVICE, &format!("targetgroup/{}/*", self.name))
    }

    async fn handle(self, call: &Call) -> Result<TargetGroupsOutput, ServiceError> {
        let elb = call.cloud.part::<Elb>();
        errors::check_name("Target group name", &self.name)?;
        let shape = self.shape(&call.cloud)?;
        let existing = elb.target_groups.find(|row| row.shape.target_group_name == self.name);
        if let Some(row) = existing {
            let arn = row.shape.target_group_arn.clone();
            if row.shape == (TargetGroup { target_group_arn: arn, ..shape }) {
                return Ok(TargetGroupsOutput { target_groups: vec![elb.shown(row)] });
            }
            let message = format!(
                "A target group with the same name '{}' exists, but with different settings",
                self.name
            );
            return Err(ServiceError::new("DuplicateTargetGroupName", message));
        }
        let row = TargetGroupRow { shape, attributes: BTreeMap::new(), tags: self.tags };
        elb.target_groups.put(&row.shape.target_group_arn, &row)?;
        elb.proxies.open_group(&row.shape.target_group_arn);
        Ok(TargetGroupsOutput { target_groups: vec![row.shape] })
    }
}

impl CreateTargetGroup {
    fn shape(&self, cloud: &Cloud) -> Result<TargetGroup, ServiceError> {
        let protocol = self.protocol.clone().unwrap_or_default();
        if protocol != "HTTP" {
            let message =
                format!("target group protocol '{protocol}' is not served by the local cloud: only HTTP");
            return Err(ServiceError::validation(message));
        }
        if self.target_type.as_deref() != Some("ip") {
            let message = "only target groups of target type 'ip' are served by the local cloud";
            return Err(ServiceError::validation(message));
        }
        if self.vpc_id.is_none() {
            return Err(ServiceError::validation("A VPC ID must be specified"));
        }
        let port = self.port.ok_or_else(|| ServiceError::validation("A port must be specified"))?;
        let resource = format!("targetgroup/{}/{}", self.name, id::hex(16));
        let mut shape = TargetGroup {
            target_group_arn: cloud.arn(SERVICE, &resource),
            target_group_name: self.name.clone(),
            port,
            vpc_id: self.vpc_id.clone(),
            health_check_protocol: protocol.clone(),
            protocol,
            health_check_port: "traffic-port".to_owned(),
            health_check_enabled: true,
            health_check_interval_seconds: 30,
            health_check_timeout_seconds: 5,
            healthy_threshold_count: 5,
            unhealthy_threshold_count: 2,
            health_check_path: "/".to_owned(),
            matcher: Matcher { http_code: "200".to_owned() },
            load_balancer_arns: Vec::new(),
            target_type: "ip".to_owned(),
            protocol_version: self.protocol_version.clone().unwrap_or_else(|| "HTTP1".to_owned()),
            ip_address_type: "ipv4".to_owned(),
        };
        self.health_check.clone().apply(&mut shape)?;
        Ok(shape)
    }
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct DescribeTargetGroups {
    pub load_balancer_arn: Option<String>,
    pub target_group_arns: Vec<String>,
    pub names: Vec<String>,
}

impl Operation for DescribeTargetGroups {
    type Output = TargetGroupsOutput;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "DescribeTargetGroups";

    async fn handle(self, call: &Call) -> Result<TargetGroupsOutput, ServiceError> {
        let elb = call.cloud.part::<Elb>();
        let mut groups = Vec::new();
        if !self.names.is_empty() {
            for name in &self.names {
                let row = elb.target_groups.find(|row| row.shape.target_group_name == *name);
                groups.push(elb.shown(row.ok_or_else(|| errors::target_groups_not_found(name))?));
            }
        } else if !self.target_group_arns.is_empty() {
            for arn in &self.target_group_arns {
                let row = elb.target_groups.get(arn);
                groups.push(elb.shown(row.ok_or_else(|| errors::target_groups_not_found(arn))?));
            }
        } else {
            groups.extend(elb.target_groups.values().into_iter().map(|row| elb.shown(row)));
        }
        if let Some(arn) = &self.load_balancer_arn {
            if !elb.load_balancers.contains(arn) {
                return Err(errors::one_load_balancer_not_found(arn));
            }
            groups.retain(|group| group.load_balancer_arns.contains(arn));
        }
        Ok(TargetGroupsOutput { target_groups: groups })
    }
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct ModifyTargetGroup {
    pub target_group_arn: String,
    #[serde(flatten)]
    pub health_check: HealthCheckSettings,
}

impl Operation for ModifyTargetGroup {
    type Output = TargetGroupsOutput;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "ModifyTargetGroup";

    fn resource(&self, _cloud: &Cloud) -> String {
        self.target_group_arn.clone()
    }

    async fn handle(self, call: &Call) -> Result<TargetGroupsOutput, ServiceError> {
        let elb = call.cloud.part::<Elb>();
        let row = elb.target_groups.try_update(&self.target_group_arn, |row| {
            self.health_check.clone().apply(&mut row.shape)?;
            Ok::<_, ServiceError>(row.clone())
        })?;
        let row = row.ok_or_else(|| errors::target_group_not_found(&self.target_group_arn))?;
        health::wake(&call.cloud, &elb, &self.target_group_arn);
        Ok(TargetGroupsOutput { target_groups: vec![elb.shown(row)] })
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DeleteTargetGroup {
    pub target_group_arn: String,
}

impl Operation for DeleteTargetGroup {
    type Output = Empty;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "DeleteTargetGroup";

    fn resource(&self, _cloud: &Cloud) -> String {
        self.target_group_arn.clone()
    }

    /// One that is gone already counts as deleted, as AWS has it.
    async fn handle(self, call: &Call) -> Result<Empty, ServiceError> {
        let elb = call.cloud.part::<Elb>();
        let arn = &self.target_group_arn;
        if !elb.load_balancers_of(arn).is_empty() {
            let message = format!("Target group '{arn}' is currently in use by a listener or a rule");
            return Err(ServiceError::new("ResourceInUse", message));
        }
        elb.target_groups.remove(arn)?;
        for row in elb.targets_of(arn) {
            elb.targets.remove(&super::super::rows::target_key(arn, &row.id, row.port))?;
        }
        elb.proxies.close_group(arn);
        health::wake(&call.cloud, &elb, arn);
        Ok(Empty {})
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ModifyTargetGroupAttributes {
    pub target_group_arn: String,
    pub attributes: Vec<Attribute>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct AttributesOutput {
    pub attributes: Vec<Attribute>,
}

impl Operation for ModifyTargetGroupAttributes {
    type Output = AttributesOutput;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "ModifyTargetGroupAttributes";

    fn resource(&self, _cloud: &Cloud) -> String {
        self.target_group_arn.clone()
    }

    async fn handle(self, call: &Call) -> Result<AttributesOutput, ServiceError> {
        let elb = call.cloud.part::<Elb>();
        attributes::check(&attributes::TARGET_GROUP, &self.attributes)?;
        let changed = elb.target_groups.update(&self.target_group_arn, |row| {
            row.attributes.extend(self.attributes.into_iter().map(|given| (given.key, given.value)));
            (
                attributes::shown(&attributes::TARGET_GROUP, &row.attributes),
                attributes::sharing(&row.attributes),
            )
        })?;
        let (attributes, sharing) =
            changed.ok_or_else(|| errors::target_group_not_found(&self.target_group_arn))?;
        elb.proxies.open_group(&self.target_group_arn).set_sharing(sharing);
        Ok(AttributesOutput { attributes })
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DescribeTargetGroupAttributes {
    pub target_group_arn: String,
}

impl Operation for DescribeTargetGroupAttributes {
    type Output = AttributesOutput;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "DescribeTargetGroupAttributes";

    async fn handle(self, call: &Call) -> Result<AttributesOutput, ServiceError> {
        let elb = call.cloud.part::<Elb>();
        let row = elb.target_groups.get(&self.target_group_arn);
        let row = row.ok_or_else(|| errors::target_group_not_found(&self.target_group_arn))?;
        let attributes = attributes::shown(&attributes::TARGET_GROUP, &row.attributes);
        Ok(AttributesOutput { attributes })
    }
}
