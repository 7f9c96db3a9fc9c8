//! Listeners: where requests come in, and what their default action does with them.

use serde::{Deserialize, Serialize};

use super::super::actions;
use super::super::rows::ListenerRow;
use super::super::shapes::{Action, Certificate, Empty, Listener};
use super::super::store::Elb;
use super::super::{errors, health, network, security};
use super::SERVICE;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::id;
use crate::operation::{Call, Operation};
use crate::tags::Tag;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CreateListener {
    pub load_balancer_arn: String,
    #[serde(default)]
    pub protocol: Option<String>,
    #[serde(default)]
    pub port: Option<u16>,
    #[serde(default)]
    pub ssl_policy: Option<String>,
    #[serde(default)]
    pub certificates: Vec<Certificate>,
    pub default_actions: Vec<Action>,
    #[serde(default)]
    pub tags: Vec<Tag>,
}

/// What the operations on listeners answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListenersOutput {
    pub listeners: Vec<Listener>,
}

impl Operation for CreateListener {
    type Output = ListenersOutput;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "CreateListener";

    fn resource(&self, _cloud: &Cloud) -> String {
        self.load_balancer_arn.clone()
    }

    async fn handle(self, call: &Call) -> Result<ListenersOutput, ServiceError> {
        let elb = call.cloud.part::<Elb>();
        let arn = self.load_balancer_arn.clone();
        let load_balancer =
            elb.load_balancers.get(&arn).ok_or_else(|| errors::one_load_balancer_not_found(&arn))?;
        let port = self.port.ok_or_else(|| ServiceError::validation("A listener port must be specified"))?;
        let path = arn.split_once(":loadbalancer/").map_or("", |(_, path)| path);
        let listener_id = id::hex(16);
        let shape = Listener {
            listener_arn: call.cloud.arn(SERVICE, &format!("listener/{path}/{listener_id}")),
            load_balancer_arn: arn.clone(),
            port,
            protocol: self.protocol.unwrap_or_else(|| "HTTP".to_owned()),
            ssl_policy: self.ssl_policy,
            certificates: self.certificates,
            default_actions: actions::check(&elb, &arn, self.default_actions)?,
        };
        let (shape, tls) = security::check(&call.cloud, shape).await?;
        if let Some(row) = elb.listeners_of(&arn).into_iter().find(|row| row.shape.port == port) {
            let same = Listener { listener_arn: row.shape.listener_arn.clone(), ..shape } == row.shape;
            if same {
                return Ok(ListenersOutput { listeners: vec![row.shape] });
            }
            let message = format!("A listener already exists on this port for this load balancer '{arn}'");
            return Err(ServiceError::new("DuplicateListener", message));
        }
        let rule_id = id::hex(16);
        let mut row = ListenerRow {
            default_rule_arn: call
                .cloud
                .arn(SERVICE, &format!("listener-rule/{path}/{listener_id}/{rule_id}")),
            shape,
            tags: self.tags,
            local_port: 0,
        };
        let admission = network::admission(&call.cloud, &row.shape.listener_arn);
        row.local_port = elb.proxies.reserve(&row.shape.listener_arn, None, admission)?;
        elb.listeners.put(&row.shape.listener_arn, &row)?;
        elb.shown.set(&row.shape.listener_arn, tls);
        elb.route(&load_balancer)?;
        health::wake_groups(&call.cloud, &elb, &row.shape.default_actions);
        Ok(ListenersOutput { listeners: vec![row.shape] })
    }
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DescribeListeners {
    #[serde(default)]
    pub load_balancer_arn: Option<String>,
    #[serde(default)]
    pub listener_arns: Vec<String>,
}

impl Operation for DescribeListeners {
    type Output = ListenersOutput;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "DescribeListeners";

    async fn handle(self, call: &Call) -> Result<ListenersOutput, ServiceError> {
        let elb = call.cloud.part::<Elb>();
        if let Some(arn) = &self.load_balancer_arn {
            if !elb.load_balancers.contains(arn) {
                return Err(errors::one_load_balancer_not_found(arn));
            }
            let listeners = elb.listeners_of(arn).into_iter().map(|row| row.shape).collect();
            return Ok(ListenersOutput { listeners });
        }
        if self.listener_arns.is_empty() {
            return Err(ServiceError::validation(
                "You must specify either listener ARNs or a load balancer ARN",
            ));
        }
        let find = |arn: &String| {
            let row = elb.listeners.get(arn).ok_or_else(|| errors::listeners_not_found(arn))?;
            Ok(row.shape)
        };
        let listeners = self.listener_arns.iter().map(find).collect::<Result<_, ServiceError>>()?;
        Ok(ListenersOutput { listeners })
    }
}

/// Changes what is given. New default actions take effect for the next request, all at once.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ModifyListener {
    pub listener_arn: String,
    #[serde(default)]
    pub port: Option<u16>,
    #[serde(default)]
    pub protocol: Option<String>,
    #[serde(default)]
    pub ssl_policy: Option<String>,
    #[serde(default)]
    pub certificates: Option<Vec<Certificate>>,
    #[serde(default)]
    pub default_actions: Option<Vec<Action>>,
}

impl Operation for ModifyListener {
    type Output = ListenersOutput;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "ModifyListener";

    fn resource(&self, _cloud: &Cloud) -> String {
        self.listener_arn.clone()
    }

    async fn handle(self, call: &Call) -> Result<ListenersOutput, ServiceError> {
        let elb = call.cloud.part::<Elb>();
        let not_found = || errors::listener_not_found(&self.listener_arn);
        let old = elb.listeners.get(&self.listener_arn).ok_or_else(not_found)?;
        let arn = old.shape.load_balancer_arn.clone();
        let load_balancer =
            elb.load_balancers.get(&arn).ok_or_else(|| errors::one_load_balancer_not_found(&arn))?;
        let actions = self.default_actions.clone();
        let actions = actions.map(|actions| actions::check(&elb, &arn, actions)).transpose()?;
        let taken = |row: &ListenerRow| {
            row.shape.listener_arn != self.listener_arn && Some(row.shape.port) == self.port
        };
        if elb.listeners_of(&arn).iter().any(taken) {
            let message = format!("A listener already exists on this port for this load balancer '{arn}'");
            return Err(ServiceError::new("DuplicateListener", message));
        }
        let (shape, tls) = security::check(&call.cloud, self.applied_to(&old.shape, actions)).await?;
        let changed = elb.listeners.update(&self.listener_arn, |row| {
            row.shape = shape;
            row.shape.clone()
        })?;
        let shape = changed.ok_or_else(not_found)?;
        elb.shown.set(&self.listener_arn, tls);
        elb.route(&load_balancer)?;
        health::wake_groups(
            &call.cloud,
            &elb,
            old.shape.default_actions.iter().chain(&shape.default_actions),
        );
        Ok(ListenersOutput { listeners: vec![shape] })
    }
}

impl ModifyListener {
    /// The listener as it is asked to be. One that turns from HTTPS to HTTP leaves its policy and certificates behind.
    fn applied_to(&self, old: &Listener, actions: Option<Vec<Action>>) -> Listener {
        let mut shape = old.clone();
        shape.port = self.port.unwrap_or(shape.port);
        shape.protocol = self.protocol.clone().unwrap_or(shape.protocol);
        shape.default_actions = actions.unwrap_or(shape.default_actions);
        if shape.protocol == "HTTP" {
            shape.ssl_policy = None;
            shape.certificates.clear();
        }
        shape.ssl_policy = self.ssl_policy.clone().or(shape.ssl_policy);
        shape.certificates = self.certificates.clone().unwrap_or(shape.certificates);
        shape
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DeleteListener {
    pub listener_arn: String,
}

impl Operation for DeleteListener {
    type Output = Empty;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "DeleteListener";

    fn resource(&self, _cloud: &Cloud) -> String {
        self.listener_arn.clone()
    }

    async fn handle(self, call: &Call) -> Result<Empty, ServiceError> {
        let elb = call.cloud.part::<Elb>();
        let rules = elb.rules_of(&self.listener_arn);
        let row = elb.remove_listener(&self.listener_arn)?;
        let row = row.ok_or_else(|| errors::listener_not_found(&self.listener_arn))?;
        if let Some(load_balancer) = elb.load_balancers.get(&row.shape.load_balancer_arn) {
            elb.route(&load_balancer)?;
        }
        let actions = rules.iter().flat_map(|rule| &rule.actions).chain(&row.shape.default_actions);
        health::wake_groups(&call.cloud, &elb, actions);
        Ok(Empty {})
    }
}
