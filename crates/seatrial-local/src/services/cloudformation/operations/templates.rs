//! Templates: `GetTemplate`, `GetTemplateSummary`, `ValidateTemplate`.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::evaluate::{Declared, check_names, declared, whole_graph};
use super::super::graph;
use super::super::schema;
use super::super::status::Status;
use super::super::store::Store;
use super::super::template::Template;
use super::change_set_queries::find_change_set;
use super::request::{TemplateSource, known_types, needed_capability};
use super::{known_stack, stack_arn, without_nulls};
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};

/// `GetTemplate`: the text as it was sent.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GetTemplate {
    stack_name: Option<String>,
    change_set_name: Option<String>,
}

impl Operation for GetTemplate {
    type Output = Value;
    const SERVICE: &'static str = "cloudformation";
    const NAME: &'static str = "GetTemplate";

    fn resource(&self, cloud: &Cloud) -> String {
        self.stack_name.as_ref().map_or("*".to_owned(), |name| stack_arn(cloud, name))
    }

    async fn handle(self, call: &Call) -> Result<Value, ServiceError> {
        let key = match (&self.change_set_name, &self.stack_name) {
            (Some(set), None) if !set.starts_with("arn:") => {
                return Err(ServiceError::validation("StackName is a required parameter."));
            }
            (Some(set), stack) => find_change_set(call, set, stack.as_deref())?.revision.template,
            (None, Some(name)) => {
                let stack = known_stack(call, name)?;
                // It has none before its first change set is executed, and that is no error (issue 273 of
                // cdklabs/awscdk-v1-stack-finder): `cdk deploy` asks for it then.
                if stack.status == Status::ReviewInProgress {
                    return Ok(json!({"StagesAvailable": []}));
                }
                stack.current.template
            }
            (None, None) => {
                let text = "StackName is required if ChangeSetName is not specified.";
                return Err(ServiceError::validation(text));
            }
        };
        let Some(text) = call.cloud.part::<Store>().template(&key) else {
            let name = self.stack_name.unwrap_or_default();
            return Err(ServiceError::validation(format!("Stack with id {name} does not exist")));
        };
        Ok(json!({"TemplateBody": text, "StagesAvailable": ["Original", "Processed"]}))
    }
}

/// `GetTemplateSummary`.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GetTemplateSummary {
    stack_name: Option<String>,
    #[serde(flatten)]
    source: TemplateSource,
}

impl Operation for GetTemplateSummary {
    type Output = Value;
    const SERVICE: &'static str = "cloudformation";
    const NAME: &'static str = "GetTemplateSummary";

    async fn handle(self, call: &Call) -> Result<Value, ServiceError> {
        let text = match &self.stack_name {
            Some(name) => {
                let stack = known_stack(call, name)?;
                if stack.status == Status::ReviewInProgress {
                    let text = "GetTemplateSummary cannot be called on REVIEW_IN_PROGRESS stacks.";
                    return Err(ServiceError::validation(text));
                }
                let key = stack.current.template;
                call.cloud.part::<Store>().template(&key).unwrap_or_default()
            }
            None => self.source.text(call, None).await?,
        };
        let template = Template::parse(&text)?;
        let parameters: Vec<_> = declared(&template)?.iter().map(declaration).collect();
        // One entry a resource, as AWS answers: a type may occur more than once.
        let types: Vec<_> = template.resources.iter().map(|one| one.resource_type.clone()).collect();
        let mut summary = json!({
            "Parameters": parameters,
            "Description": template.description,
            "ResourceTypes": types,
            "Version": template.version,
            "Metadata": template.metadata.as_ref().map(Value::to_string),
            "DeclaredTransforms": (!template.transforms.is_empty()).then_some(&template.transforms),
            "ResourceIdentifierSummaries": identifiers(&template),
        });
        add_capabilities(&mut summary, &template);
        Ok(without_nulls(summary))
    }
}

fn declaration(parameter: &Declared) -> Value {
    let constraints = match parameter.allowed_values.as_slice() {
        [] => json!({}),
        values => json!({"AllowedValues": values}),
    };
    without_nulls(json!({
        "ParameterKey": parameter.key,
        "DefaultValue": parameter.default,
        "ParameterType": parameter.kind,
        "NoEcho": parameter.no_echo,
        "Description": parameter.description,
        "ParameterConstraints": constraints,
    }))
}

fn identifiers(template: &Template) -> Vec<Value> {
    let of_type = |name: &String| {
        let schema = schema::of(name).filter(|schema| schema.is_importable())?;
        // What must be given together is one entry (aws/aws-cdk#24439).
        let identifiers = schema.identifiers().join(",");
        let resources = template.resources.iter().filter(|one| one.resource_type == *name);
        let ids: Vec<_> = resources.map(|one| one.logical_id.as_str()).collect();
        Some(json!({"ResourceType": name, "LogicalResourceIds": ids, "ResourceIdentifiers": [identifiers]}))
    };
    let types: BTreeSet<&String> = template.resources.iter().map(|one| &one.resource_type).collect();
    types.into_iter().filter_map(of_type).collect()
}

fn add_capabilities(summary: &mut Value, template: &Template) {
    if let Some((capability, types)) = needed_capability(template) {
        summary["Capabilities"] = json!([capability]);
        let reason = format!("The following resource(s) require capabilities: [{}]", types.join(", "));
        summary["CapabilitiesReason"] = json!(reason);
    }
}

/// `ValidateTemplate`.
#[derive(Deserialize, Serialize)]
pub(super) struct ValidateTemplate {
    #[serde(flatten)]
    source: TemplateSource,
}

impl Operation for ValidateTemplate {
    type Output = Value;
    const SERVICE: &'static str = "cloudformation";
    const NAME: &'static str = "ValidateTemplate";

    async fn handle(self, call: &Call) -> Result<Value, ServiceError> {
        let text = self.source.text(call, None).await?;
        let template = Template::parse(&text)?;
        let parameter = |parameter: &Declared| {
            without_nulls(json!({
                "ParameterKey": parameter.key,
                "DefaultValue": parameter.default,
                "NoEcho": parameter.no_echo,
                "Description": parameter.description,
            }))
        };
        let parameters: Vec<_> = declared(&template)?.iter().map(parameter).collect();
        // What macros will make of it is not known yet.
        if template.transforms.is_empty() {
            known_types(&call.cloud.part::<Store>(), &template)?;
        }
        check_names(&template)?;
        graph::ordered(&whole_graph(&template))?;
        let mut answer = json!({
            "Parameters": parameters,
            "Description": template.description,
            "DeclaredTransforms": (!template.transforms.is_empty()).then_some(&template.transforms),
        });
        add_capabilities(&mut answer, &template);
        Ok(without_nulls(answer))
    }
}
