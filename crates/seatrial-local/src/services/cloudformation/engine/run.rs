//! One stack's operation: reading and writing its records.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use tokio::time::Instant;

use super::super::evaluate::{Lookup, Parameter, Scope, Surroundings};
use super::super::resources::{Handler, ResourceContext, record_note};
use super::super::status::Status;
use super::super::store::{Event, Resource, Revision, Stack, Store, resource_key};
use super::super::template::Template;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::latency::Handling;
use crate::principal::Principal;

/// Access to one stack's records; cheap to clone.
#[derive(Clone)]
pub(in super::super) struct Run {
    pub cloud: Cloud,
    pub store: Arc<Store>,
    stack_id: Arc<str>,
}

/// What the resources of the stack answer now.
pub(super) struct Made<'a>(pub &'a Run);

impl Lookup for Made<'_> {
    fn reference(&self, logical_id: &str) -> Option<Value> {
        let resource = self.0.resource(logical_id)?;
        resource.physical_id.map(Value::String)
    }

    fn attribute(&self, logical_id: &str, attribute: &str) -> Option<Value> {
        self.0.resource(logical_id)?.attribute(attribute)
    }
}

impl Run {
    pub(in super::super) fn new(cloud: &Cloud, stack_id: &str) -> Self {
        Self { cloud: cloud.clone(), store: cloud.part::<Store>(), stack_id: stack_id.into() }
    }

    pub(super) fn stack_id(&self) -> &str {
        &self.stack_id
    }

    pub(in super::super) fn stack(&self) -> Result<Stack, ServiceError> {
        self.store
            .stacks
            .get(&self.stack_id)
            .ok_or_else(|| ServiceError::internal("the stack's record is gone"))
    }

    pub(super) fn resource(&self, logical_id: &str) -> Option<Resource> {
        self.store.resources.get(&resource_key(&self.stack_id, logical_id))
    }

    pub(super) fn put(&self, resource: &Resource) -> Result<(), ServiceError> {
        Ok(self.store.put_resource(&self.stack_id, resource)?)
    }

    pub(super) fn update_stack(&self, change: impl FnOnce(&mut Stack)) -> Result<Stack, ServiceError> {
        let changed = self.store.stacks.update(&self.stack_id, |stack| {
            change(stack);
            stack.clone()
        })?;
        changed.ok_or_else(|| ServiceError::internal("the stack's record is gone"))
    }

    /// Moves the stack into another state, with its event.
    pub(in super::super) fn set_status(
        &self,
        status: Status,
        reason: Option<String>,
    ) -> Result<(), ServiceError> {
        self.finish_phase(status, reason, |_| {})
    }

    /// As [`Run::set_status`], with what else changes at that moment.
    pub(super) fn finish_phase(
        &self,
        status: Status,
        reason: Option<String>,
        change: impl FnOnce(&mut Stack),
    ) -> Result<(), ServiceError> {
        let now = self.cloud.clock().now();
        // The event comes first: who sees the new state finds its event too.
        self.stack_event(&self.stack()?, status, reason.clone())?;
        let stack = self.update_stack(|stack| {
            change(stack);
            stack.status = status;
            stack.reason = reason;
            if !status.is_in_flight() {
                stack.policy_during_update = None;
            }
            if status == Status::DeleteComplete {
                stack.deleted = Some(now);
            }
        })?;
        let Some(id) = stack.change_set_id.filter(|_| !status.is_in_flight()) else { return Ok(()) };
        let failed =
            !matches!(status, Status::CreateComplete | Status::UpdateComplete | Status::ImportComplete);
        self.store.change_sets.update(&id, |set| {
            if set.execution_status == "EXECUTE_IN_PROGRESS" {
                set.execution_status = if failed { "EXECUTE_FAILED" } else { "EXECUTE_COMPLETE" }.to_owned();
            }
        })?;
        Ok(())
    }

    /// An event of the stack itself.
    pub(in super::super) fn stack_event(
        &self,
        stack: &Stack,
        status: Status,
        reason: Option<String>,
    ) -> Result<(), ServiceError> {
        self.store.add_event(&Event {
            id: crate::id::uuid(),
            stack_id: stack.id.clone(),
            stack_name: stack.name.clone(),
            operation: stack.operation.clone(),
            logical_id: stack.name.clone(),
            physical_id: stack.id.clone(),
            resource_type: "AWS::CloudFormation::Stack".to_owned(),
            time: self.store.event_time(&stack.id, self.cloud.clock().now()),
            status,
            reason,
            properties: None,
        })?;
        Ok(())
    }

    /// Moves a resource into another state: its record, then its event.
    pub(super) fn mark(
        &self,
        resource: &mut Resource,
        status: Status,
        reason: Option<String>,
    ) -> Result<(), ServiceError> {
        resource.status = status;
        resource.reason = reason;
        resource.time = self.cloud.clock().now();
        self.put(resource)?;
        self.event(resource)
    }

    /// The event of the state a resource is in.
    pub(super) fn event(&self, resource: &Resource) -> Result<(), ServiceError> {
        let stack = self.stack()?;
        let properties = masked(&resource.properties.to_string(), &stack.current.parameters);
        let time = self.store.event_time(&stack.id, self.cloud.clock().now());
        let stamp = jiff::Timestamp::from_millisecond((time.0 * 1000.0) as i64).unwrap_or_default();
        self.store.add_event(&Event {
            id: format!("{}-{}-{stamp:.3}", resource.logical_id, resource.status),
            stack_name: stack.name,
            stack_id: stack.id,
            operation: stack.operation,
            logical_id: resource.logical_id.clone(),
            physical_id: resource.physical_id.clone().unwrap_or_default(),
            resource_type: resource.resource_type.clone(),
            time,
            status: resource.status,
            reason: resource.reason.clone(),
            properties: Some(properties),
        })?;
        Ok(())
    }

    /// Records the physical ID of a resource being made, once.
    pub(super) fn note_initiated(
        &self,
        resource: &mut Resource,
        physical_id: &str,
    ) -> Result<(), ServiceError> {
        let making = matches!(resource.status, Status::CreateInProgress | Status::UpdateInProgress);
        if !making || resource.physical_id.is_some() {
            return Ok(());
        }
        resource.physical_id = Some(physical_id.to_owned());
        let initiated = "Resource creation Initiated".to_owned();
        let reason = match self.store.is_record(&resource.resource_type) {
            true => format!("{initiated}; {}", record_note(&resource.resource_type)),
            false => initiated,
        };
        self.mark(resource, resource.status, Some(reason))
    }

    /// Records the physical ID that the handler of a resource tells.
    fn on_initiated(&self, logical_id: &str) -> Arc<dyn Fn(&str) + Send + Sync> {
        let (run, logical_id) = (self.clone(), logical_id.to_owned());
        Arc::new(move |physical_id| {
            let Some(mut resource) = run.resource(&logical_id) else { return };
            if let Err(error) = run.note_initiated(&mut resource, physical_id) {
                tracing::error!(resource = logical_id, %error, "a physical ID could not be recorded");
            }
        })
    }

    /// The template of `revision` with its parameters, ready for evaluation.
    pub(in super::super) fn scope(&self, stack: &Stack, revision: &Revision) -> Result<Scope, ServiceError> {
        let text = self.store.template(&revision.template);
        let text = text.ok_or_else(|| ServiceError::internal("the stack's template is gone"))?;
        let template = Template::parse(&text)?;
        Scope::new(template, &revision.parameters, surroundings(&self.cloud, stack, revision))
    }

    /// The handler of a type.
    pub(super) fn handler(&self, resource_type: &str) -> Result<Handler, ServiceError> {
        self.store.handler(resource_type).ok_or_else(|| {
            ServiceError::new(
                "InvalidTypeConfiguration",
                format!("Resource type {resource_type} is not served by the local cloud"),
            )
        })
    }

    /// The caller whose rights the handlers use.
    pub(super) fn principal(&self, stack: &Stack) -> Principal {
        match &stack.options.role_arn {
            Some(role) => Principal::assumed_role(role, "AWSCloudFormation", self.cloud.account()),
            None => stack.principal.clone(),
        }
    }

    /// What a handler does to a resource, for as long as AWS takes at the least. A failure comes at once: AWS refuses most
    /// things before it has begun.
    pub(super) async fn lasting<T>(
        &self,
        (resource_type, handling): (&str, Handling),
        handler: impl Future<Output = Result<T, ServiceError>>,
    ) -> Result<T, ServiceError> {
        let latency = self.cloud.clock().scaled(self.cloud.latencies().of(resource_type, handling));
        if latency.is_zero() {
            // A sleep that is over already still waits for the timer.
            return handler.await;
        }
        let ends = Instant::now() + latency;
        let done = handler.await?;
        tokio::time::sleep_until(ends).await;
        Ok(done)
    }

    /// What a handler is told.
    pub(super) fn context(&self, stack: &Stack, resource: &Resource, retried: bool) -> ResourceContext {
        let mut tags: BTreeMap<String, String> =
            stack.current.tags.iter().map(|tag| (tag.key.clone(), tag.value.clone())).collect();
        tags.insert("aws:cloudformation:stack-name".to_owned(), stack.name.clone());
        tags.insert("aws:cloudformation:stack-id".to_owned(), stack.id.clone());
        tags.insert("aws:cloudformation:logical-id".to_owned(), resource.logical_id.clone());
        ResourceContext {
            cloud: self.cloud.clone(),
            principal: self.principal(stack),
            stack_name: stack.name.clone(),
            stack_id: stack.id.clone(),
            logical_id: resource.logical_id.clone(),
            tags,
            retried,
            token: resource.token.clone(),
            snapshot: false,
            on_initiated: self.on_initiated(&resource.logical_id),
        }
    }
}

/// Properties as events show them: values of `NoEcho` parameters are not told.
pub(in super::super) fn masked(text: &str, parameters: &[Parameter]) -> String {
    let mut text = text.to_owned();
    for parameter in parameters.iter().filter(|parameter| parameter.no_echo && !parameter.value.is_empty()) {
        let quoted = Value::String(parameter.value.clone()).to_string();
        text = text.replace(&quoted[1..quoted.len() - 1], "****");
    }
    text
}

/// The pseudo parameters and exports as `stack` sees them.
pub(in super::super) fn surroundings(cloud: &Cloud, stack: &Stack, revision: &Revision) -> Surroundings {
    let exports = cloud.part::<Store>().exports();
    Surroundings {
        account: cloud.account().to_owned(),
        region: cloud.region().to_owned(),
        stack_name: stack.name.clone(),
        stack_id: stack.id.clone(),
        notification_arns: revision.notification_arns.clone(),
        exports: exports.into_iter().map(|(name, value, _)| (name, value)).collect(),
    }
}

/// What a handler refused, as the reason of an event: with CloudFormation's own error code.
pub(super) fn handler_reason(error: &ServiceError, token: &str) -> String {
    if error.code == "ValidationError" || error.code == "InvalidTypeConfiguration" {
        return error.message.clone();
    }
    let message = &error.message;
    let code = handler_code(&error.code);
    format!(
        "Resource handler returned message: \"{message}\" (RequestToken: {token}, HandlerErrorCode: {code})"
    )
}

fn handler_code(code: &str) -> &'static str {
    let has = |part: &str| code.contains(part);
    match code {
        _ if has("AlreadyExist") || has("AlreadyOwned") || has("Duplicate") => "AlreadyExists",
        _ if has("NotStabilized") => "NotStabilized",
        _ if has("AccessDenied") || has("Unauthorized") => "AccessDenied",
        _ if has("NotFound") || has("NoSuch") => "NotFound",
        _ if has("Throttl") => "Throttling",
        _ if has("LimitExceeded") => "ServiceLimitExceeded",
        _ if has("Internal") => "ServiceInternalError",
        _ if has("Invalid") || has("Validation") => "InvalidRequest",
        _ => "GeneralServiceException",
    }
}
