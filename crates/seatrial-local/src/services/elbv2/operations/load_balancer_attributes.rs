//! Attributes of load balancers. Beside AWS's, each listener's address on this machine is shown, under
//! `local.listener.PORT.address`.

use serde::{Deserialize, Serialize};

use super::super::rows::LoadBalancerRow;
use super::super::shapes::Attribute;
use super::super::store::Elb;
use super::super::{attributes, errors};
use super::SERVICE;
use super::target_groups::AttributesOutput;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ModifyLoadBalancerAttributes {
    pub load_balancer_arn: String,
    pub attributes: Vec<Attribute>,
}

impl Operation for ModifyLoadBalancerAttributes {
    type Output = AttributesOutput;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "ModifyLoadBalancerAttributes";

    fn resource(&self, _cloud: &Cloud) -> String {
        self.load_balancer_arn.clone()
    }

    async fn handle(self, call: &Call) -> Result<AttributesOutput, ServiceError> {
        let elb = call.cloud.part::<Elb>();
        attributes::check(&attributes::LOAD_BALANCER, &self.attributes)?;
        let changed = elb.load_balancers.update(&self.load_balancer_arn, |row| {
            row.attributes.extend(self.attributes.into_iter().map(|given| (given.key, given.value)));
            row.clone()
        })?;
        let row = changed.ok_or_else(|| errors::one_load_balancer_not_found(&self.load_balancer_arn))?;
        elb.route(&row)?;
        Ok(AttributesOutput { attributes: attributes::shown(&attributes::LOAD_BALANCER, &row.attributes) })
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DescribeLoadBalancerAttributes {
    pub load_balancer_arn: String,
}

impl Operation for DescribeLoadBalancerAttributes {
    type Output = AttributesOutput;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "DescribeLoadBalancerAttributes";

    async fn handle(self, call: &Call) -> Result<AttributesOutput, ServiceError> {
        let elb = call.cloud.part::<Elb>();
        let row = elb.load_balancers.get(&self.load_balancer_arn);
        let row = row.ok_or_else(|| errors::one_load_balancer_not_found(&self.load_balancer_arn))?;
        let mut attributes = attributes::shown(&attributes::LOAD_BALANCER, &row.attributes);
        attributes.extend(local_addresses(&elb, &row));
        Ok(AttributesOutput { attributes })
    }
}

fn local_addresses(elb: &Elb, row: &LoadBalancerRow) -> Vec<Attribute> {
    let listeners = elb.listeners_of(&row.shape.load_balancer_arn);
    let shown = listeners.iter().map(|listener| Attribute {
        key: format!("local.listener.{}.address", listener.shape.port),
        value: format!("127.0.0.1:{}", listener.local_port),
    });
    shown.collect()
}
