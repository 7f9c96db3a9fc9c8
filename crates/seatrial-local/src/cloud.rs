//! The cloud and its one door: every call, over HTTP or between engines, goes through [`Cloud::call`].
//!
//! Faults, authorization and the journal sit at that door and nowhere else.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::access::{self, Check};
use crate::clock::Clock;
use crate::engine::{Drivers, Engine};
use crate::error::ServiceError;
use crate::fault::{Called, Faults};
use crate::journal::{Entry, Journal};
use crate::latency::Latencies;
use crate::operation::{Asked, Call, Operation, Operations};
use crate::page::List;
use crate::persist::Database;
use crate::principal::Principal;

/// What a part is opened with.
pub(crate) struct Setup {
    pub database: Arc<Database>,
    /// A folder for files that are no records: objects, blobs, logs, the database's cluster.
    pub data_dir: PathBuf,
    pub clock: Clock,
    pub latencies: Latencies,
}

/// A service's own state: its tables, and what it keeps in memory. Only its service touches it; others go
/// through [`Cloud::call`].
pub(crate) trait Part: Send + Sync + 'static {
    fn open(setup: &Setup) -> Self;
}

/// What the local cloud was started with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `000000000000` unless told otherwise.
    pub account: String,
    pub region: String,
    /// The checkout whose commit CodePipeline's source action takes.
    pub source: PathBuf,
    /// Arguments with which this same program calls [`crate::serve_as_task_agent`] at its start: tasks then have
    /// namespaces of their own, where those are to be had. None: tasks are plain processes.
    pub task_agent: Vec<String>,
}

struct Inner {
    settings: Settings,
    setup: Setup,
    operations: Operations,
    parts: RwLock<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
    journal: Journal,
    faults: Faults,
    drivers: Drivers,
    endpoint: OnceLock<String>,
}

/// One local cloud; cheap to clone.
#[derive(Clone)]
pub struct Cloud {
    inner: Arc<Inner>,
}

impl Cloud {
    pub(crate) fn new(settings: Settings, setup: Setup, operations: Operations) -> Self {
        let inner = Inner {
            settings,
            setup,
            operations,
            parts: RwLock::default(),
            journal: Journal::default(),
            faults: Faults::default(),
            drivers: Drivers::default(),
            endpoint: OnceLock::new(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// The one door. Strikes armed faults, has policies judge the call, handles the operation, and enters it in the
    /// journal.
    pub(crate) async fn call<O: Operation>(
        &self,
        principal: &Principal,
        input: O,
    ) -> Result<O::Output, ServiceError> {
        let given =
            serde_json::to_value(&input).map_err(|error| ServiceError::internal(error.to_string()))?;
        self.call_as_given(principal, input, &given).await
    }

    /// The same for a caller whose input is there as it was given: `input` leaves out members that change nothing
    /// here and still need a permission.
    pub(crate) async fn call_as_given<O: Operation>(
        &self,
        principal: &Principal,
        input: O,
        given: &Value,
    ) -> Result<O::Output, ServiceError> {
        let resource = input.resource(self);
        let call = Call { cloud: self.clone(), principal: principal.clone() };
        let called = Called { service: O::SERVICE, operation: O::NAME, resource: &resource };
        let asked = Asked {
            cloud: self,
            principal,
            service: O::SERVICE,
            operation: O::NAME,
            resource: &resource,
            input: given,
            context: input.context(self),
        };
        let mut denied = None;
        let result = match self.inner.faults.strike(&principal.arn, called).await {
            Ok(()) => match self.admit(&asked) {
                Ok(()) => self.inner.operations.handle(input, &call).await,
                Err((refusal, check)) => {
                    denied = check.map(|check| *check);
                    Err(refusal)
                }
            },
            Err(error) => Err(error),
        };
        self.inner.journal.record(Entry {
            time: self.clock().now(),
            principal: principal.arn.clone(),
            service: O::SERVICE,
            operation: O::NAME,
            resource,
            allowed: denied.is_none() && !result.as_ref().is_err_and(access::is_refusal),
            denied,
            error: result.as_ref().err().map(|error| error.code.clone()),
        });
        result
    }

    /// Judges a call that somebody makes on AWS and nobody makes here, as if it were made: it is counted, and in the journal
    /// where it is refused.
    pub(crate) fn permit(
        &self,
        principal: &Principal,
        (service, operation): (&'static str, &'static str),
        (resource, context): (&str, Vec<(&'static str, String)>),
    ) -> Result<(), ServiceError> {
        let input = &Value::Null;
        let asked = Asked { cloud: self, principal, service, operation, resource, input, context };
        let Err(check) = self.judge(&asked) else { return Ok(()) };
        let refusal = access::refusal(service, &check);
        self.inner.journal.record(Entry {
            time: self.clock().now(),
            principal: principal.arn.clone(),
            service,
            operation,
            resource: resource.to_owned(),
            allowed: false,
            denied: Some(*check),
            error: Some(refusal.code.clone()),
        });
        Err(refusal)
    }

    /// Refuses what is no request of the service, as AWS's front ends do before they ask who may; then has policies judge
    /// the call. Answers the first check that is denied with the refusal.
    fn admit(&self, asked: &Asked<'_>) -> Result<(), (ServiceError, Option<Box<Check>>)> {
        let met = self.inner.operations.unmet(asked.service, self, asked.input);
        met.map_err(|refusal| (refusal, None))?;
        self.judge(asked).map_err(|check| {
            let refusal = access::refusal(asked.service, &check);
            (refusal, Some(check))
        })
    }

    /// Answers the first check that is denied.
    fn judge(&self, asked: &Asked<'_>) -> Result<(), Box<Check>> {
        let Some(gate) = self.inner.operations.gate() else { return Ok(()) };
        let checks = gate(asked);
        self.inner.journal.count(asked.principal, (asked.service, asked.operation), &checks);
        checks.into_iter().find(|check| !check.allowed).map_or(Ok(()), |check| Err(Box::new(check)))
    }

    /// [`Cloud::call`] by name, for HTTP: input and output as values in the form of AWS's model, and lists in
    /// pages.
    pub(crate) async fn dispatch(
        &self,
        principal: &Principal,
        (service, operation): (&str, &str),
        input: Value,
    ) -> Result<Value, ServiceError> {
        let handler = self.inner.operations.find(service, operation);
        let handler = handler.ok_or_else(|| ServiceError::not_served(service, operation))?;
        let asked = List::of(service, operation).map(|list| list.asked(&input)).transpose()?;
        let output = handler(self.clone(), principal.clone(), input).await?;
        match asked {
            Some(asked) => asked.cut(output),
            None => Ok(output),
        }
    }

    /// The part `P` of this cloud, opened at its first use.
    pub(crate) fn part<P: Part>(&self) -> Arc<P> {
        let find = |parts: &HashMap<TypeId, Arc<dyn Any + Send + Sync>>| {
            parts.get(&TypeId::of::<P>()).and_then(|part| Arc::clone(part).downcast::<P>().ok())
        };
        if let Some(part) = find(&self.inner.parts.read().unwrap_or_else(PoisonError::into_inner)) {
            return part;
        }
        let mut parts = self.inner.parts.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(part) = find(&parts) {
            return part;
        }
        let part = Arc::new(P::open(&self.inner.setup));
        parts.insert(TypeId::of::<P>(), Arc::clone(&part) as Arc<dyn Any + Send + Sync>);
        part
    }

    /// Drives the record `key` by the engine `E`; wakes it if it is being driven already.
    pub(crate) fn start<E: Engine>(&self, key: &str) {
        self.inner.drivers.start::<E>(self, key);
    }

    /// Drives what was under way when the last process ended.
    pub(crate) fn resume<E: Engine>(&self) {
        for key in E::in_flight(self) {
            self.start::<E>(&key);
        }
    }

    /// Waits until `condition` answers a value, looking again whenever a record changes and at least every
    /// 200 ms. `None`: `patience` (real time) ran out, or the local cloud stops.
    pub(crate) async fn wait_until<T>(
        &self,
        patience: Duration,
        condition: impl Fn() -> Option<T>,
    ) -> Option<T> {
        let mut changes = self.inner.setup.database.changes();
        let stopping = self.stopping();
        let deadline = tokio::time::Instant::now() + patience;
        loop {
            changes.mark_unchanged();
            if let Some(value) = condition() {
                return Some(value);
            }
            tokio::select! {
                () = stopping.cancelled() => return None,
                () = tokio::time::sleep_until(deadline) => return condition(),
                _ = changes.changed() => {}
                () = tokio::time::sleep(Duration::from_millis(200)) => {}
            }
        }
    }

    /// Keeps nothing more.
    pub(crate) fn close(&self) {
        self.inner.setup.database.close();
    }

    pub fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    pub(crate) fn account(&self) -> &str {
        &self.inner.settings.account
    }

    pub(crate) fn region(&self) -> &str {
        &self.inner.settings.region
    }

    pub fn clock(&self) -> Clock {
        self.inner.setup.clock
    }

    pub(crate) fn latencies(&self) -> &Latencies {
        &self.inner.setup.latencies
    }

    pub fn journal(&self) -> &Journal {
        &self.inner.journal
    }

    pub fn faults(&self) -> &Faults {
        &self.inner.faults
    }

    pub fn operations(&self) -> &Operations {
        &self.inner.operations
    }

    pub(crate) fn data_dir(&self) -> &Path {
        &self.inner.setup.data_dir
    }

    /// `arn:aws:SERVICE:REGION:ACCOUNT:RESOURCE`.
    pub(crate) fn arn(&self, service: &str, resource: &str) -> String {
        format!("arn:aws:{service}:{}:{}:{resource}", self.region(), self.account())
    }

    /// `http://127.0.0.1:PORT`; empty until the server listens.
    pub(crate) fn endpoint(&self) -> &str {
        self.inner.endpoint.get().map_or("", String::as_str)
    }

    /// `127.0.0.1:PORT`, the registry's host: what a repository's URI starts with.
    pub fn registry(&self) -> &str {
        self.endpoint().trim_start_matches("http://")
    }

    pub(crate) fn set_endpoint(&self, endpoint: String) {
        if self.inner.endpoint.set(endpoint).is_err() {
            tracing::error!("the endpoint was set twice");
        }
    }

    /// A token that is cancelled when the local cloud stops.
    pub(crate) fn stopping(&self) -> CancellationToken {
        self.inner.drivers.stopping()
    }

    pub(crate) fn drivers(&self) -> &Drivers {
        &self.inner.drivers
    }
}
