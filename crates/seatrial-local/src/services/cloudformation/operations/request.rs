//! What a request asks a stack to become: template, parameters, tags and capabilities, checked.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::super::changes::{Comparison, Shown};
use super::super::drift::Live;
use super::super::engine::{Run, surroundings};
use super::super::evaluate::{Scope, Supplied, declared, resolve, resolve_stored};
use super::super::graph;
use super::super::resources::stored_parameter;
use super::super::schema;
use super::super::store::{Revision, Stack, Store, ValidationFault};
use super::super::template::{Template, format_error};
use crate::error::ServiceError;
use crate::operation::Call;
use crate::services::s3::objects::{self, Place};
use crate::tags::Tag;

/// The largest template that may be sent in a request, in bytes; larger ones come from S3.
const BODY_LIMIT: usize = 51_200;
/// The largest template that S3 may hold, in bytes.
const URL_LIMIT: usize = 1_000_000;

/// Where a template comes from.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct TemplateSource {
    pub template_body: Option<String>,
    #[serde(rename = "TemplateURL")]
    pub template_url: Option<String>,
    pub use_previous_template: bool,
}

/// The members that all requests for a new revision have.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct RevisionRequest {
    #[serde(flatten)]
    pub source: TemplateSource,
    pub parameters: Vec<Supplied>,
    pub capabilities: Vec<String>,
    /// `AWS::*`, `AWS::EC2::*`, `AWS::EC2::VPC`: what alone the template may hold; without any, everything.
    pub resource_types: Vec<String>,
    pub tags: Option<Vec<Tag>>,
    #[serde(rename = "NotificationARNs")]
    pub notification_arns: Option<Vec<String>>,
}

impl TemplateSource {
    /// The template's text. `previous` is the one in use.
    pub(super) async fn text(&self, call: &Call, previous: Option<&str>) -> Result<String, ServiceError> {
        match (&self.template_body, &self.template_url) {
            (Some(_), Some(_)) => {
                Err(ServiceError::validation("Either Template URL or Template Body must be specified."))
            }
            (Some(body), None) if body.len() > BODY_LIMIT => Err(ServiceError::validation(format!(
                "1 validation error detected: Value '<template-body>' at 'templateBody' failed to satisfy constraint: Member \
                 must have length less than or equal to {BODY_LIMIT}"
            ))),
            (Some(body), None) => Ok(body.clone()),
            (None, Some(url)) => from_s3(call, url).await,
            (None, None) if self.use_previous_template => {
                previous.map(str::to_owned).ok_or_else(|| ServiceError::validation("No previous template"))
            }
            (None, None) => {
                Err(ServiceError::validation("Either Template URL or Template Body must be specified."))
            }
        }
    }
}

/// Reads `https://BUCKET.s3.REGION.amazonaws.com/KEY` or `http://HOST/BUCKET/KEY` from the local S3.
pub(super) async fn from_s3(call: &Call, url: &str) -> Result<String, ServiceError> {
    let fault = || ServiceError::validation("TemplateURL must be a supported URL.");
    let (_, rest) = url.split_once("://").ok_or_else(fault)?;
    let (host, path) = rest.split_once('/').ok_or_else(fault)?;
    let is_s3 = host.contains(".s3")
        || host.starts_with("s3")
        || host.starts_with("127.0.0.1")
        || host.starts_with("localhost");
    if !is_s3 {
        return Err(fault());
    }
    if !url.starts_with("http") {
        let text = format!("S3 error: Domain name specified in {host} is not a valid S3 domain");
        return Err(ServiceError::validation(text));
    }
    let path = path.split('?').next().unwrap_or(path);
    let (bucket, key) = match host.split_once(".s3") {
        Some((bucket, domain)) if domain.contains("amazonaws.com") => (bucket, path),
        _ => path.split_once('/').ok_or_else(fault)?,
    };
    let key = percent_encoding::percent_decode_str(key).decode_utf8_lossy();
    let object = objects::get(&call.cloud, &call.principal, Place::latest(bucket, &key)).await;
    let object = object.map_err(|error| ServiceError::validation(format!("S3 error: {}", error.message)))?;
    if object.len() > URL_LIMIT {
        let text = format!("Template may not exceed {URL_LIMIT} bytes in size.");
        return Err(ServiceError::validation(text));
    }
    String::from_utf8(object).map_err(|_| format_error("the template is not UTF-8"))
}

/// A request that was checked: what the stack would become.
pub(super) struct Prepared {
    pub scope: Scope,
    pub revision: Revision,
}

impl RevisionRequest {
    /// Refuses types that the caller does not allow.
    fn allowed_types(&self, template: &Template) -> Result<(), ServiceError> {
        let allows = |pattern: &String, name: &str| match pattern.strip_suffix('*') {
            Some(prefix) => prefix.ends_with("::") && name.starts_with(prefix),
            None => pattern == name,
        };
        let is_allowed = |name: &str| self.resource_types.iter().any(|pattern| allows(pattern, name));
        let mut names = template.resources.iter().map(|resource| resource.resource_type.as_str());
        match names.find(|name| !self.resource_types.is_empty() && !is_allowed(name)) {
            None => Ok(()),
            Some(name) => Err(ServiceError::validation(format!(
                "Resource type {name} is not allowed by parameter ResourceTypes [{}]",
                self.resource_types.join(", ")
            ))),
        }
    }

    /// Reads and checks everything; nothing is changed but that the template's text is kept.
    pub(super) async fn prepare(&self, call: &Call, stack: &Stack) -> Result<Prepared, ServiceError> {
        let store = call.cloud.part::<Store>();
        let previous = store.template(&stack.current.template);
        let text = self.source.text(call, previous.as_deref()).await?;
        let template = Template::parse(&text)?;
        if !template.transforms.is_empty() {
            require_capabilities(&template, &self.capabilities)?;
            refuse_transforms(&template)?;
        }
        known_types(&store, &template)?;
        self.allowed_types(&template)?;
        let declared = declared(&template)?;
        let mut parameters = resolve(&declared, &self.parameters, &stack.current.parameters)?;
        resolve_stored(&declared, &mut parameters, |name| stored_parameter(&call.cloud, name))?;
        let capabilities = self.capabilities.clone();
        require_capabilities(&template, &capabilities)?;
        let old = &stack.current;
        let revision = Revision {
            template: store.keep_template(&text)?,
            description: template.description.clone(),
            parameters,
            tags: self.tags.clone().unwrap_or_else(|| old.tags.clone()),
            capabilities,
            notification_arns: self
                .notification_arns
                .clone()
                .unwrap_or_else(|| old.notification_arns.clone()),
        };
        let around = surroundings(&call.cloud, stack, &revision);
        let scope = Scope::new(template, &revision.parameters, around)?;
        graph::ordered(&scope.graph())?;
        Ok(Prepared { scope, revision })
    }
}

/// What a request would change.
pub(super) struct Changes {
    /// As `DescribeChangeSet` answers them without values.
    pub plain: Vec<Value>,
    /// As it answers them with `IncludePropertyValues`.
    pub with_values: Vec<Value>,
    /// Whether there is anything to do at all.
    pub anything: bool,
    /// Of a drift-aware change set: `DRIFTED` or `IN_SYNC`.
    pub drift_status: Option<String>,
}

impl Prepared {
    /// The changes against what is deployed.
    pub(super) fn changes(&self, call: &Call, stack: &Stack) -> Result<Changes, ServiceError> {
        self.compare(call, stack, None)
    }

    /// The changes against what is really there.
    pub(super) async fn changes_of_live(&self, call: &Call, stack: &Stack) -> Result<Changes, ServiceError> {
        let run = Run::new(&call.cloud, &stack.id);
        // It is read with the rights of who asks.
        let asking = Stack { principal: call.principal.clone(), ..stack.clone() };
        let mut live = BTreeMap::new();
        for (id, resource) in call.cloud.part::<Store>().resources_of(&stack.id) {
            if !resource.is_gone() && resource.physical_id.is_some() {
                live.insert(id, run.live(&asking, &resource).await?);
            }
        }
        self.compare(call, stack, Some(&live))
    }

    fn compare(
        &self,
        call: &Call,
        stack: &Stack,
        live: Option<&BTreeMap<String, Live>>,
    ) -> Result<Changes, ServiceError> {
        let store = call.cloud.part::<Store>();
        let mut resources = store.resources_of(&stack.id);
        resources.retain(|_, resource| !resource.is_gone());
        // A stack in review has no template yet.
        let old = Run::new(&call.cloud, &stack.id).scope(stack, &stack.current).ok();
        let comparison = Comparison {
            scope: &self.scope,
            old: old.as_ref(),
            old_parameters: &stack.current.parameters,
            new_parameters: &self.revision.parameters,
            stack_tags: (&stack.current.tags, &self.revision.tags),
            resources: &resources,
            live,
            now: call.cloud.clock().now(),
        };
        let plain = comparison.changes(Shown::WithoutValues)?;
        let with_values = comparison.changes(Shown::WithValues)?;
        let unfinished = !matches!(
            stack.status.name(),
            "CREATE_COMPLETE"
                | "UPDATE_COMPLETE"
                | "UPDATE_ROLLBACK_COMPLETE"
                | "IMPORT_COMPLETE"
                | "IMPORT_ROLLBACK_COMPLETE"
        );
        let anything = !plain.is_empty()
            || unfinished
            || stack.current.tags != self.revision.tags
            || comparison.outputs_differ(&stack.outputs)?;
        let drifted = |change: &Value| {
            let status = change["ResourceChange"]["ResourceDriftStatus"].as_str();
            matches!(status, Some("MODIFIED" | "DELETED"))
        };
        let drift_status = live.map(|_| if plain.iter().any(drifted) { "DRIFTED" } else { "IN_SYNC" });
        Ok(Changes { plain, with_values, anything, drift_status: drift_status.map(str::to_owned) })
    }

    /// What the validation before deployment finds in the properties, without evaluating them.
    pub(super) fn faults(&self) -> Vec<ValidationFault> {
        let none = Map::new();
        let of_resource = |resource: &super::super::template::ResourceDeclaration| {
            let properties = resource.properties.as_object().unwrap_or(&none);
            let schema = schema::of(&resource.resource_type)?;
            let faults = schema.faults(properties, false).into_iter().map(|fault| ValidationFault {
                logical_id: resource.logical_id.clone(),
                resource_type: resource.resource_type.clone(),
                text: fault.to_string(),
                name: "PROPERTY_VALIDATION".to_owned(),
                path: format!("/Resources/{}/Properties", resource.logical_id),
                warns: false,
            });
            Some(faults.collect::<Vec<_>>())
        };
        self.scope.active().filter_map(of_resource).flatten().collect()
    }
}

/// Refuses types that CloudFormation does not know, and those that cannot be made here, not even as a record.
pub(super) fn known_types(store: &Store, template: &Template) -> Result<(), ServiceError> {
    let types = template.resources.iter().map(|resource| resource.resource_type.as_str());
    let unserved: BTreeSet<&str> = types.filter(|name| store.handler(name).is_none()).collect();
    let is_known = |name: &&str| schema::of(name).is_some() || name.starts_with("Custom::");
    let (known, unknown): (Vec<&str>, Vec<&str>) = unserved.into_iter().partition(is_known);
    if !unknown.is_empty() {
        return Err(format_error(format!("Unrecognized resource types: [{}]", unknown.join(", "))));
    }
    if !known.is_empty() {
        return Err(ServiceError::validation(format!(
            "The local cloud does not serve resources of types [{}], which run code or other stacks",
            known.join(", ")
        )));
    }
    Ok(())
}

/// The capability a template needs, and the resource types it needs it for.
pub(super) fn needed_capability(template: &Template) -> Option<(&'static str, Vec<String>)> {
    let iam =
        || template.resources.iter().filter(|resource| resource.resource_type.starts_with("AWS::IAM::"));
    // A role's inline policy names a role too, but not itself.
    const NAMES: [(&str, &str); 5] = [
        ("AWS::IAM::Role", "RoleName"),
        ("AWS::IAM::User", "UserName"),
        ("AWS::IAM::Group", "GroupName"),
        ("AWS::IAM::ManagedPolicy", "ManagedPolicyName"),
        ("AWS::IAM::InstanceProfile", "InstanceProfileName"),
    ];
    let named = iam().any(|resource| {
        let is_named = |(kind, name): &(&str, &str)| {
            resource.resource_type == *kind && resource.properties.get(name).is_some()
        };
        NAMES.iter().any(is_named)
    });
    let mut types: Vec<_> = iam().map(|resource| resource.resource_type.clone()).collect();
    types.sort();
    types.dedup();
    let capability = if named { "CAPABILITY_NAMED_IAM" } else { "CAPABILITY_IAM" };
    (!types.is_empty()).then_some((capability, types))
}

/// Macros are code of others, in Lambda or in AWS: what they would make of the template is not known here.
fn refuse_transforms(template: &Template) -> Result<(), ServiceError> {
    match template.transforms.first() {
        None => Ok(()),
        Some(name) => Err(ServiceError::validation(format!(
            "No transform named {name} found. The local cloud serves no macros: send the template expanded"
        ))),
    }
}

fn require_capabilities(template: &Template, given: &[String]) -> Result<(), ServiceError> {
    let needed = if !template.transforms.is_empty() {
        Some("CAPABILITY_AUTO_EXPAND")
    } else {
        needed_capability(template).map(|(capability, _)| capability)
    };
    let has = |name: &str| given.iter().any(|one| one == name);
    match needed {
        Some("CAPABILITY_IAM") if has("CAPABILITY_IAM") || has("CAPABILITY_NAMED_IAM") => Ok(()),
        Some(capability) if !has(capability) => Err(ServiceError::new(
            "InsufficientCapabilitiesException",
            format!("Requires capabilities : [{capability}]"),
        )),
        _ => Ok(()),
    }
}
