//! Load balancers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::super::rows::LoadBalancerRow;
use super::super::shapes::{AvailabilityZone, Empty, LoadBalancer, LoadBalancerState};
use super::super::store::Elb;
use super::super::{attributes, errors, health, network};
use super::SERVICE;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::id;
use crate::operation::{Call, Operation};
use crate::services::iam::ensure_linked_role;
use crate::tags::Tag;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct SubnetMapping {
    pub subnet_id: String,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct CreateLoadBalancer {
    pub name: String,
    pub subnets: Vec<String>,
    pub subnet_mappings: Vec<SubnetMapping>,
    pub security_groups: Vec<String>,
    pub scheme: Option<String>,
    /// Only `application` is served.
    #[serde(rename = "Type")]
    pub kind: Option<String>,
    pub ip_address_type: Option<String>,
    pub tags: Vec<Tag>,
}

/// What the operations on load balancers answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct LoadBalancersOutput {
    pub load_balancers: Vec<LoadBalancer>,
}

impl Operation for CreateLoadBalancer {
    type Output = LoadBalancersOutput;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "CreateLoadBalancer";

    fn resource(&self, cloud: &Cloud) -> String {
        cloud.arn(SERVICE, &format!("loadbalancer/app/{}/*", self.name))
    }

    async fn handle(self, call: &Call) -> Result<LoadBalancersOutput, ServiceError> {
        let elb = call.cloud.part::<Elb>();
        let kind = self.kind.as_deref().unwrap_or("application");
        if kind != "application" {
            let message = format!("load balancers of type '{kind}' are not served by the local cloud");
            return Err(ServiceError::validation(message));
        }
        errors::check_name("The load balancer name", &self.name)?;
        if self.name.starts_with("internal-") {
            return Err(ServiceError::validation("Load balancer name cannot begin with 'internal-'"));
        }
        let mut subnets = self.subnets;
        subnets.extend(self.subnet_mappings.into_iter().map(|mapping| mapping.subnet_id));
        let (zones, vpc_id) = network::zones(&call.cloud, &subnets).await?;
        let groups = network::security_groups(&call.cloud, self.security_groups, &vpc_id).await?;
        let scheme = self.scheme.unwrap_or_else(|| "internet-facing".to_owned());
        if let Some(row) = elb.load_balancers.find(|row| row.shape.load_balancer_name == self.name) {
            let same = (&row.shape.availability_zones, &row.shape.security_groups, &row.shape.scheme);
            if same == (&zones, &groups, &scheme) {
                return Ok(LoadBalancersOutput { load_balancers: vec![row.shape] });
            }
            let name = self.name;
            let message =
                format!("A load balancer with the same name '{name}' exists, but with different settings");
            return Err(ServiceError::new("DuplicateLoadBalancerName", message));
        }
        ensure_linked_role(call, "elasticloadbalancing.amazonaws.com").await?;
        let arn = call.cloud.arn(SERVICE, &format!("loadbalancer/app/{}/{}", self.name, id::hex(16)));
        let local_port = elb.proxies.reserve(&arn, None, network::admission(&call.cloud, &arn))?;
        let shape = LoadBalancer {
            load_balancer_arn: arn.clone(),
            dns_name: format!("127.0.0.1:{local_port}"),
            canonical_hosted_zone_id: hosted_zone(call.cloud.region()).to_owned(),
            created_time: call.cloud.clock().now(),
            load_balancer_name: self.name,
            scheme,
            vpc_id,
            state: LoadBalancerState { code: "active".to_owned() },
            kind: kind.to_owned(),
            availability_zones: zones,
            security_groups: groups,
            ip_address_type: self.ip_address_type.unwrap_or_else(|| "ipv4".to_owned()),
        };
        let row = LoadBalancerRow { shape, attributes: BTreeMap::new(), tags: self.tags, local_port };
        elb.load_balancers.put(&arn, &row)?;
        Ok(LoadBalancersOutput { load_balancers: vec![row.shape] })
    }
}

/// The hosted zone of load balancers in a region, as AWS's endpoint table has it; empty where we know none.
fn hosted_zone(region: &str) -> &'static str {
    match region {
        "eu-central-1" => "Z215JYRZR1TBD5",
        "eu-west-1" => "Z32O12XQLNTSW2",
        "us-east-1" => "Z35SXDOTRQ7X7K",
        "us-east-2" => "Z3AADJGX6KTTL2",
        "us-west-2" => "Z1H1FL5HABSF5",
        _ => "Z00000000000000000000",
    }
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct DescribeLoadBalancers {
    pub load_balancer_arns: Vec<String>,
    pub names: Vec<String>,
}

impl Operation for DescribeLoadBalancers {
    type Output = LoadBalancersOutput;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "DescribeLoadBalancers";

    async fn handle(self, call: &Call) -> Result<LoadBalancersOutput, ServiceError> {
        let elb = call.cloud.part::<Elb>();
        if self.load_balancer_arns.is_empty() && self.names.is_empty() {
            let all = elb.load_balancers.values().into_iter().map(|row| row.shape).collect();
            return Ok(LoadBalancersOutput { load_balancers: all });
        }
        let mut found = Vec::new();
        for arn in &self.load_balancer_arns {
            let row = elb.load_balancers.get(arn);
            found.push(row.ok_or_else(|| errors::one_load_balancer_not_found(arn))?.shape);
        }
        for name in &self.names {
            let row = elb.load_balancers.find(|row| row.shape.load_balancer_name == *name);
            found.push(row.ok_or_else(|| errors::load_balancer_not_found(name))?.shape);
        }
        Ok(LoadBalancersOutput { load_balancers: found })
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct SetSecurityGroups {
    pub load_balancer_arn: String,
    pub security_groups: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct SetSecurityGroupsOutput {
    pub security_group_ids: Vec<String>,
}

impl Operation for SetSecurityGroups {
    type Output = SetSecurityGroupsOutput;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "SetSecurityGroups";

    fn resource(&self, _cloud: &Cloud) -> String {
        self.load_balancer_arn.clone()
    }

    async fn handle(self, call: &Call) -> Result<SetSecurityGroupsOutput, ServiceError> {
        let elb = call.cloud.part::<Elb>();
        let not_found = || errors::one_load_balancer_not_found(&self.load_balancer_arn);
        let row = elb.load_balancers.get(&self.load_balancer_arn).ok_or_else(not_found)?;
        let given = self.security_groups.clone();
        let groups = network::security_groups(&call.cloud, given, &row.shape.vpc_id).await?;
        elb.load_balancers.update(&self.load_balancer_arn, |row| {
            row.shape.security_groups.clone_from(&groups);
        })?;
        health::wake_groups(&call.cloud, &elb, &elb.actions_of(&self.load_balancer_arn));
        Ok(SetSecurityGroupsOutput { security_group_ids: groups })
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct SetSubnets {
    pub load_balancer_arn: String,
    #[serde(default)]
    pub subnets: Vec<String>,
    #[serde(default)]
    pub subnet_mappings: Vec<SubnetMapping>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct SetSubnetsOutput {
    pub availability_zones: Vec<AvailabilityZone>,
    pub ip_address_type: String,
}

impl Operation for SetSubnets {
    type Output = SetSubnetsOutput;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "SetSubnets";

    fn resource(&self, _cloud: &Cloud) -> String {
        self.load_balancer_arn.clone()
    }

    async fn handle(self, call: &Call) -> Result<SetSubnetsOutput, ServiceError> {
        let elb = call.cloud.part::<Elb>();
        let mut subnets = self.subnets;
        subnets.extend(self.subnet_mappings.into_iter().map(|mapping| mapping.subnet_id));
        let (zones, _) = network::zones(&call.cloud, &subnets).await?;
        let changed = elb.load_balancers.update(&self.load_balancer_arn, |row| {
            row.shape.availability_zones = zones;
            SetSubnetsOutput {
                availability_zones: row.shape.availability_zones.clone(),
                ip_address_type: row.shape.ip_address_type.clone(),
            }
        })?;
        changed.ok_or_else(|| errors::one_load_balancer_not_found(&self.load_balancer_arn))
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DeleteLoadBalancer {
    pub load_balancer_arn: String,
}

impl Operation for DeleteLoadBalancer {
    type Output = Empty;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "DeleteLoadBalancer";

    fn resource(&self, _cloud: &Cloud) -> String {
        self.load_balancer_arn.clone()
    }

    /// Its listeners go with it. One that is gone already counts as deleted, as AWS has it.
    async fn handle(self, call: &Call) -> Result<Empty, ServiceError> {
        let elb = call.cloud.part::<Elb>();
        let arn = &self.load_balancer_arn;
        let Some(row) = elb.load_balancers.get(arn) else { return Ok(Empty {}) };
        if attributes::flag(&attributes::LOAD_BALANCER, &row.attributes, "deletion_protection.enabled") {
            let message =
                format!("Load balancer '{arn}' cannot be deleted because deletion protection is enabled");
            return Err(ServiceError::new("OperationNotPermitted", message));
        }
        let actions = elb.actions_of(arn);
        for listener in elb.listeners_of(arn) {
            elb.remove_listener(&listener.shape.listener_arn)?;
        }
        elb.load_balancers.remove(arn)?;
        elb.proxies.release(arn);
        health::wake_groups(&call.cloud, &elb, &actions);
        Ok(Empty {})
    }
}
