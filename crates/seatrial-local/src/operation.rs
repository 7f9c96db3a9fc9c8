//! Operations: AWS's API actions as types, and the table in which HTTP finds them by name.

#[cfg(test)]
use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::access::Check;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::metric::Measured;
use crate::principal::Principal;

/// An AWS API action. The type is its input: a small struct with the members this local cloud uses, named by
/// serde as AWS's model names them. Members it does not know are ignored; the protocol layer has checked
/// them against the model already.
pub(crate) trait Operation: DeserializeOwned + Serialize + Send + 'static {
    type Output: Serialize + Send + 'static;
    /// The service's signing name, which is also its IAM prefix: `ecs`, `elasticloadbalancing`.
    const SERVICE: &'static str;
    /// The action's name: `CreateTaskSet`.
    const NAME: &'static str;

    /// The ARN of what is acted on, for the journal and for policies; `*` where the action has none.
    fn resource(&self, _cloud: &Cloud) -> String {
        "*".to_owned()
    }

    /// Condition keys that no member tells, but the caller: for which resource a service acts.
    fn context(&self, _cloud: &Cloud) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// Does it. Whatever it changes is persisted before it returns.
    fn handle(self, call: &Call) -> impl Future<Output = Result<Self::Output, ServiceError>> + Send;
}

/// What a handler knows of the call besides its input.
#[derive(Clone)]
pub(crate) struct Call {
    pub cloud: Cloud,
    pub principal: Principal,
}

/// One call, before it is done.
pub(crate) struct Asked<'a> {
    pub cloud: &'a Cloud,
    pub principal: &'a Principal,
    pub service: &'static str,
    pub operation: &'static str,
    /// The ARN it acts on, or `*`.
    pub resource: &'a str,
    /// As AWS's model names its members.
    pub input: &'a Value,
    /// Condition keys that no member tells: for which resource a service acts.
    pub context: Vec<(&'static str, String)>,
}

/// Judges a call by every policy that counts. The services register it: what they know is above the door.
pub(crate) type Gate = fn(&Asked<'_>) -> Vec<Check>;

type Boxed = Pin<Box<dyn Future<Output = Result<Value, ServiceError>> + Send>>;

/// What a unit test answers in an operation's place.
#[cfg(test)]
type StandIn<O> = Box<dyn Fn(O, &Call) -> Result<<O as Operation>::Output, ServiceError> + Send + Sync>;

type Handler = Arc<dyn Fn(Cloud, Principal, Value) -> Boxed + Send + Sync>;

/// The security groups of a service's network interfaces.
pub(crate) type GroupsInUse = fn(&Cloud) -> Vec<String>;

/// What a service's calls ask for and would be left out without a word: members of AWS's model that do something there
/// and nothing here. Given the input as it was given.
pub(crate) type Unmet = fn(&Cloud, &Value) -> Result<(), ServiceError>;

/// What a service freed that nobody needs any more.
pub(crate) struct Freed {
    pub what: &'static str,
    pub count: usize,
    pub bytes: u64,
}

/// Frees it.
pub(crate) type Collect = fn(&Cloud) -> Result<Vec<Freed>, ServiceError>;

/// What a service measures of itself for CloudWatch.
#[derive(Clone, Copy)]
pub(crate) struct Meter {
    /// `AWS/ApplicationELB`.
    pub namespace: &'static str,
    pub metrics: &'static [&'static str],
    /// What happened since the last call; metrics without data are not among it.
    pub measure: fn(&Cloud) -> Vec<Measured>,
}

/// A service that shows certificates of ACM.
#[derive(Clone, Copy)]
pub(crate) struct CertificateUser {
    /// The ARN of each certificate in use, with that of what uses it.
    pub in_use: fn(&Cloud) -> Vec<(String, String)>,
    /// Called when a certificate was imported again: from then on the new one is shown.
    pub changed: fn(Cloud) -> Pin<Box<dyn Future<Output = ()> + Send>>,
}

/// All operations that are served, by service and name.
#[derive(Default)]
pub struct Operations {
    handlers: HashMap<(&'static str, &'static str), Handler>,
    groups_in_use: Vec<GroupsInUse>,
    meters: Vec<Meter>,
    certificate_users: Vec<CertificateUser>,
    gate: Option<Gate>,
    unmet: HashMap<&'static str, Unmet>,
    collects: Vec<Collect>,
    /// By the operation's type, each a [`StandIn`] of it.
    #[cfg(test)]
    stand_ins: HashMap<TypeId, Box<dyn Any + Send + Sync>>,
}

impl Operations {
    /// Has `answer` stand in for the service in calls of `O`, whoever makes them.
    #[cfg(test)]
    pub(crate) fn stand_in<O: Operation>(
        &mut self,
        answer: impl Fn(O, &Call) -> Result<O::Output, ServiceError> + Send + Sync + 'static,
    ) {
        let answer: StandIn<O> = Box::new(answer);
        self.stand_ins.insert(TypeId::of::<O>(), Box::new(answer));
    }

    /// [`Operation::handle`], unless a test stands in for it. For [`Cloud::call`] only.
    pub(crate) async fn handle<O: Operation>(
        &self,
        input: O,
        call: &Call,
    ) -> Result<O::Output, ServiceError> {
        #[cfg(test)]
        if let Some(stand_in) = self.stand_ins.get(&TypeId::of::<O>()) {
            return stand_in.downcast_ref::<StandIn<O>>().unwrap()(input, call);
        }
        input.handle(call).await
    }

    /// Serves `O`.
    pub(crate) fn add<O: Operation>(&mut self) {
        let handler = |cloud: Cloud, principal: Principal, input: Value| -> Boxed {
            Box::pin(async move {
                let read = O::deserialize(&input)
                    .map_err(|error| ServiceError::new("SerializationException", error.to_string()))?;
                let output = cloud.call_as_given(&principal, read, &input).await?;
                serde_json::to_value(output).map_err(|error| ServiceError::internal(error.to_string()))
            })
        };
        self.handlers.insert((O::SERVICE, O::NAME), Arc::new(handler));
    }

    /// Has EC2 know which security groups a service's network interfaces are in. EC2 is below the services: it
    /// cannot ask them.
    pub(crate) fn add_groups_in_use(&mut self, groups: GroupsInUse) {
        self.groups_in_use.push(groups);
    }

    pub(crate) fn is_group_in_use(&self, cloud: &Cloud, group_id: &str) -> bool {
        self.groups_in_use.iter().any(|groups| groups(cloud).iter().any(|id| id == group_id))
    }

    /// Has CloudWatch know what a service measures. CloudWatch is below the services: it cannot ask them.
    pub(crate) fn add_meter(&mut self, meter: Meter) {
        self.meters.push(meter);
    }

    pub(crate) fn meters(&self) -> &[Meter] {
        &self.meters
    }

    /// Has ACM know who uses certificates; it is below the services as EC2 is.
    pub(crate) fn add_certificate_user(&mut self, user: CertificateUser) {
        self.certificate_users.push(user);
    }

    pub(crate) fn certificate_users(&self) -> &[CertificateUser] {
        &self.certificate_users
    }

    /// Has every call of the service refused that `unmet` refuses.
    pub(crate) fn refuse(&mut self, service: &'static str, unmet: Unmet) {
        self.unmet.insert(service, unmet);
    }

    pub(crate) fn unmet(&self, service: &str, cloud: &Cloud, given: &Value) -> Result<(), ServiceError> {
        self.unmet.get(service).map_or(Ok(()), |unmet| unmet(cloud, given))
    }

    /// Has what nobody needs any more freed from time to time.
    pub(crate) fn add_collect(&mut self, collect: Collect) {
        self.collects.push(collect);
    }

    pub(crate) fn collects(&self) -> &[Collect] {
        &self.collects
    }

    /// Has `gate` judge every call.
    pub(crate) fn set_gate(&mut self, gate: Gate) {
        self.gate = Some(gate);
    }

    pub(crate) fn gate(&self) -> Option<Gate> {
        self.gate
    }

    pub(crate) fn find<'a>(&'a self, service: &'a str, operation: &'a str) -> Option<Handler> {
        self.handlers.get(&(service, operation)).map(Arc::clone)
    }

    /// The names of the operations served, sorted: `ecs:CreateTaskSet`.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<_> =
            self.handlers.keys().map(|(service, name)| format!("{service}:{name}")).collect();
        names.sort();
        names
    }
}
