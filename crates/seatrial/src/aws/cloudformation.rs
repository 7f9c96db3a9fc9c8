//! CloudFormation: stacks, change sets, events. Thin calls that return our own types.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_cloudformation::types::{self as sdk, Capability, ChangeSetType, DeploymentMode, TemplateStage};
use jiff::Timestamp;
use serde::Serialize;

use super::Aws;
use super::error::{Attempt as _, AwsError};
use super::imports::{ResourceImport, to_import};
use super::time::timestamp;

const SERVICE: &str = "CloudFormation";

/// A stack as DescribeStacks answers it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stack {
    pub name: String,
    pub id: String,
    /// As AWS spells it.
    pub status: String,
    /// When it was last updated, else when it was made: another value says that somebody has been there.
    pub updated: Option<Timestamp>,
    pub parameters: BTreeMap<String, String>,
    pub outputs: BTreeMap<String, String>,
    pub tags: BTreeMap<String, String>,
    /// Termination protection is enabled: it cannot be deleted.
    pub is_protected: bool,
    /// What was acknowledged: CAPABILITY_NAMED_IAM, …
    pub capabilities: BTreeSet<String>,
}

/// One event of a stack.
#[derive(Debug, Clone)]
pub(crate) struct StackEvent {
    pub id: String,
    pub time: Option<Timestamp>,
    pub logical_id: String,
    pub physical_id: String,
    pub resource_type: String,
    pub status: String,
    pub reason: Option<String>,
}

/// A change set to be made.
pub(crate) struct ChangeSetRequest<'a> {
    pub stack_name: &'a str,
    pub change_set_name: &'a str,
    /// CREATE for a stack that is not there (or in REVIEW_IN_PROGRESS), else UPDATE.
    pub create: bool,
    /// Compares with what is really there instead of the template before, and has a rollback put that back.
    pub revert_drift: bool,
    pub template: &'a str,
    pub parameters: &'a [Parameter],
    /// All that the stack is to have: they replace what it has, but for AWS's own.
    pub tags: &'a BTreeMap<String, String>,
    pub capabilities: BTreeSet<String>,
    /// What exists and is taken in; nothing else may change then.
    pub imports: &'a [ResourceImport],
}

/// A parameter's value, or the wish to keep the one it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parameter {
    pub name: String,
    /// `None`: UsePreviousValue.
    pub value: Option<String>,
}

/// A change set as DescribeChangeSet answers it.
#[derive(Debug, Clone)]
pub(crate) struct ChangeSet {
    pub id: String,
    pub status: String,
    pub status_reason: Option<String>,
    pub changes: Vec<ResourceChange>,
}

/// One change of one resource.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ResourceChange {
    /// Add, Modify, Remove, …
    pub action: String,
    pub logical_id: String,
    pub physical_id: Option<String>,
    pub resource_type: String,
    /// True, False, Conditional; `None` for Add and Remove.
    pub replacement: Option<String>,
    /// The names of the properties (or `Tags`, `Metadata`, …) that change.
    pub properties: Vec<String>,
    /// Properties, Metadata, Tags, …
    pub scope: Vec<String>,
    /// What changes of it, from what to what, as far as CloudFormation knows.
    pub details: Vec<PropertyChange>,
}

/// One place in a resource's properties that changes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct PropertyChange {
    /// `/Properties/HealthCheckPath`.
    pub path: String,
    /// `None` where CloudFormation does not tell: what depends on a resource that is made anew is not known yet.
    pub before: Option<String>,
    pub after: Option<String>,
    /// Whether this change makes the resource anew: Never, Conditionally, Always.
    pub recreation: String,
    /// The parameter or resource that causes it, where it is not an edit of the template.
    pub cause: Option<String>,
}

/// A resource of a stack.
#[derive(Debug, Clone)]
pub(crate) struct StackResource {
    pub logical_id: String,
    pub physical_id: String,
    pub resource_type: String,
    /// As AWS spells it.
    pub status: String,
    pub reason: Option<String>,
}

impl Aws {
    /// The stack of that name or id; `None` if there is none.
    pub(crate) async fn describe_stack(&self, name: &str) -> Result<Option<Stack>, AwsError> {
        let answer = self.cloudformation().describe_stacks().stack_name(name).send().await;
        match answer.attempt(SERVICE, || format!("describe stack `{name}`")) {
            Ok(answer) => Ok(answer.stacks.unwrap_or_default().into_iter().next().map(stack)),
            Err(error) if error.is("ValidationError") && error.reason.contains("does not exist") => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Every stack of the account and region that is there.
    pub(crate) async fn describe_stacks(&self) -> Result<Vec<Stack>, AwsError> {
        let mut pages = self.cloudformation().describe_stacks().into_paginator().send();
        let mut stacks = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.attempt(SERVICE, || "describe the stacks".to_owned())?;
            stacks.extend(page.stacks.unwrap_or_default().into_iter().map(stack));
        }
        Ok(stacks)
    }

    /// The template of a stack as it was sent: the processed one has macros expanded.
    pub(crate) async fn get_template(&self, name: &str) -> Result<String, AwsError> {
        let request = self.cloudformation().get_template().stack_name(name);
        let answer = request.template_stage(TemplateStage::Original).send().await;
        let answer = answer.attempt(SERVICE, || format!("get the template of stack `{name}`"))?;
        Ok(answer.template_body.unwrap_or_default())
    }

    /// Makes a change set; answers its id. It is not ready yet: see [`Aws::describe_change_set`]. A template of more
    /// than 51,200 bytes is read by AWS from `url`, an object in S3.
    pub(crate) async fn create_change_set(
        &self,
        request: &ChangeSetRequest<'_>,
        url: Option<&str>,
    ) -> Result<String, AwsError> {
        let kind = match (request.imports, request.create) {
            ([_, ..], _) => ChangeSetType::Import,
            ([], true) => ChangeSetType::Create,
            ([], false) => ChangeSetType::Update,
        };
        let parameters = request.parameters.iter().map(|parameter| {
            sdk::Parameter::builder()
                .parameter_key(&parameter.name)
                .set_parameter_value(parameter.value.clone())
                .set_use_previous_value(parameter.value.is_none().then_some(true))
                .build()
        });
        let capabilities = request.capabilities.iter().map(|name| Capability::from(name.as_str()));
        // AWS's own, which a stack may carry, nobody may send.
        let tags = request.tags.iter().filter(|(key, _)| !key.starts_with("aws:"));
        let tags = tags.map(|(key, value)| sdk::Tag::builder().key(key).value(value).build());
        let answer = self
            .cloudformation()
            .create_change_set()
            .stack_name(request.stack_name)
            .change_set_name(request.change_set_name)
            .change_set_type(kind)
            .set_deployment_mode(request.revert_drift.then_some(DeploymentMode::RevertDrift))
            .set_template_body(url.is_none().then(|| request.template.to_owned()))
            .set_template_url(url.map(str::to_owned))
            .set_parameters(Some(parameters.collect()))
            .set_tags(Some(tags.collect()))
            .set_capabilities(Some(capabilities.collect()))
            .set_resources_to_import(to_import(request.imports))
            .send()
            .await;
        let attempt = || format!("create a change set on stack `{}`", request.stack_name);
        Ok(answer.attempt(SERVICE, attempt)?.id.unwrap_or_default())
    }

    /// A change set by its id, with all its changes.
    pub(crate) async fn describe_change_set(&self, id: &str) -> Result<ChangeSet, AwsError> {
        let mut pages = self
            .cloudformation()
            .describe_change_set()
            .change_set_name(id)
            .include_property_values(true)
            .into_paginator()
            .send();
        let mut set =
            ChangeSet { id: id.to_owned(), status: String::new(), status_reason: None, changes: Vec::new() };
        while let Some(page) = pages.next().await {
            let page = page.attempt(SERVICE, || format!("describe change set `{id}`"))?;
            set.status = page.status.map(|status| status.as_str().to_owned()).unwrap_or_default();
            set.status_reason = page.status_reason;
            let changes = page.changes.unwrap_or_default();
            set.changes
                .extend(changes.into_iter().filter_map(|change| change.resource_change).map(resource_change));
        }
        Ok(set)
    }

    /// Executes a change set by its id.
    pub(crate) async fn execute_change_set(&self, id: &str) -> Result<(), AwsError> {
        let answer = self
            .cloudformation()
            .execute_change_set()
            .change_set_name(id)
            .disable_rollback(false)
            .send()
            .await;
        answer.attempt(SERVICE, || format!("execute change set `{id}`"))?;
        Ok(())
    }

    /// Deletes a change set; one that is gone, or that was executed, is deleted.
    pub(crate) async fn delete_change_set(&self, id: &str) -> Result<(), AwsError> {
        let answer = self.cloudformation().delete_change_set().change_set_name(id).send().await;
        match answer.attempt(SERVICE, || format!("delete change set `{id}`")) {
            Err(error) if error.is_change_set_gone() => Ok(()),
            answer => answer.map(drop),
        }
    }

    /// The ids of a stack's change sets that were not executed.
    pub(crate) async fn list_change_sets(&self, stack: &str) -> Result<Vec<String>, AwsError> {
        let mut pages = self.cloudformation().list_change_sets().stack_name(stack).into_paginator().send();
        let mut sets = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.attempt(SERVICE, || format!("list the change sets of stack `{stack}`"))?;
            sets.extend(page.summaries.unwrap_or_default().into_iter().filter_map(|set| set.change_set_id));
        }
        Ok(sets)
    }

    /// The tags that a stack is to have by a change set.
    pub(crate) async fn change_set_tags(&self, id: &str) -> Result<BTreeMap<String, String>, AwsError> {
        let answer = self.cloudformation().describe_change_set().change_set_name(id).send().await;
        let answer = answer.attempt(SERVICE, || format!("describe change set `{id}`"))?;
        let tags = answer.tags.unwrap_or_default().into_iter();
        Ok(tags.filter_map(|tag| Some((tag.key?, tag.value?))).collect())
    }

    /// The events after the one with id `last` (all if it is not found), oldest first.
    pub(crate) async fn stack_events_after(
        &self,
        stack: &str,
        last: Option<&str>,
    ) -> Result<Vec<StackEvent>, AwsError> {
        let mut pages =
            self.cloudformation().describe_stack_events().stack_name(stack).into_paginator().send();
        let mut events = Vec::new();
        'pages: while let Some(page) = pages.next().await {
            let page = page.attempt(SERVICE, || format!("describe the events of stack `{stack}`"))?;
            for event in page.stack_events.unwrap_or_default() {
                if last.is_some() && event.event_id.as_deref() == last {
                    break 'pages;
                }
                events.push(stack_event(event));
            }
        }
        events.reverse();
        Ok(events)
    }

    /// The id of a stack's newest event, from the first page alone.
    pub(crate) async fn newest_stack_event(&self, stack: &str) -> Result<Option<String>, AwsError> {
        let answer = self.cloudformation().describe_stack_events().stack_name(stack).send().await;
        let answer = answer.attempt(SERVICE, || format!("describe the events of stack `{stack}`"))?;
        Ok(answer.stack_events.unwrap_or_default().into_iter().next().and_then(|event| event.event_id))
    }

    /// Every resource of a stack: ListStackResources is paged, DescribeStackResources ends at the hundredth.
    pub(crate) async fn list_stack_resources(&self, stack: &str) -> Result<Vec<StackResource>, AwsError> {
        let mut pages =
            self.cloudformation().list_stack_resources().stack_name(stack).into_paginator().send();
        let mut resources = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.attempt(SERVICE, || format!("list the resources of stack `{stack}`"))?;
            resources.extend(page.stack_resource_summaries.unwrap_or_default().into_iter().map(resource));
        }
        Ok(resources)
    }
}

fn resource(resource: sdk::StackResourceSummary) -> StackResource {
    StackResource {
        logical_id: resource.logical_resource_id.unwrap_or_default(),
        physical_id: resource.physical_resource_id.unwrap_or_default(),
        resource_type: resource.resource_type.unwrap_or_default(),
        status: resource.resource_status.map(|status| status.as_str().to_owned()).unwrap_or_default(),
        reason: resource.resource_status_reason,
    }
}

fn stack(stack: sdk::Stack) -> Stack {
    let parameters = stack.parameters.unwrap_or_default();
    let outputs = stack.outputs.unwrap_or_default();
    let capabilities = stack.capabilities.unwrap_or_default();
    Stack {
        name: stack.stack_name.unwrap_or_default(),
        id: stack.stack_id.unwrap_or_default(),
        status: stack.stack_status.map(|status| status.as_str().to_owned()).unwrap_or_default(),
        updated: timestamp(stack.last_updated_time.or(stack.creation_time)),
        parameters: parameters
            .into_iter()
            .filter_map(|p| Some((p.parameter_key?, p.parameter_value?)))
            .collect(),
        outputs: outputs.into_iter().filter_map(|o| Some((o.output_key?, o.output_value?))).collect(),
        tags: stack.tags.unwrap_or_default().into_iter().filter_map(|t| Some((t.key?, t.value?))).collect(),
        is_protected: stack.enable_termination_protection.unwrap_or(false),
        capabilities: capabilities.iter().map(|capability| capability.as_str().to_owned()).collect(),
    }
}

fn stack_event(event: sdk::StackEvent) -> StackEvent {
    StackEvent {
        id: event.event_id.unwrap_or_default(),
        time: timestamp(event.timestamp),
        logical_id: event.logical_resource_id.unwrap_or_default(),
        physical_id: event.physical_resource_id.unwrap_or_default(),
        resource_type: event.resource_type.unwrap_or_default(),
        status: event.resource_status.map(|status| status.as_str().to_owned()).unwrap_or_default(),
        reason: event.resource_status_reason,
    }
}

fn resource_change(change: sdk::ResourceChange) -> ResourceChange {
    let details = change.details.unwrap_or_default();
    let targets = details.iter().filter_map(|detail| detail.target.as_ref());
    let mut properties: Vec<String> = targets
        .filter_map(|target| {
            target.name.clone().or_else(|| target.attribute.as_ref().map(|a| a.as_str().to_owned()))
        })
        .collect();
    properties.sort();
    properties.dedup();
    let scope = change.scope.unwrap_or_default().iter().map(|scope| scope.as_str().to_owned()).collect();
    ResourceChange {
        scope,
        action: change.action.map(|action| action.as_str().to_owned()).unwrap_or_default(),
        logical_id: change.logical_resource_id.unwrap_or_default(),
        physical_id: change.physical_resource_id,
        resource_type: change.resource_type.unwrap_or_default(),
        replacement: change.replacement.map(|replacement| replacement.as_str().to_owned()),
        properties,
        details: property_changes(details),
    }
}

/// One entry a place: CloudFormation tells one that has two causes twice.
fn property_changes(details: Vec<sdk::ResourceChangeDetail>) -> Vec<PropertyChange> {
    let mut changes: Vec<PropertyChange> = Vec::new();
    for detail in details {
        let Some(target) = detail.target else { continue };
        let attribute = target.attribute.map(|attribute| attribute.as_str().to_owned()).unwrap_or_default();
        let name = target.name.map(|name| format!("/{name}")).unwrap_or_default();
        let change = PropertyChange {
            path: target.path.unwrap_or_else(|| format!("/{attribute}{name}")),
            before: target.before_value,
            after: target.after_value,
            recreation: target.requires_recreation.map(|one| one.as_str().to_owned()).unwrap_or_default(),
            cause: detail.causing_entity,
        };
        match changes.iter_mut().find(|known| known.path == change.path) {
            Some(known) => known.cause = known.cause.take().or(change.cause),
            None => changes.push(change),
        }
    }
    changes
}
