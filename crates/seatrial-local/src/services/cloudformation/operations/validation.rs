//! The validation before deployment (user guide, "Validate stack deployments").
//!
//! Properties that the schema does not allow and names that are taken fail an operation before anything is
//! made; a bucket or a repository that would be deleted while it holds something is a warning of a change set.
//! Service quotas and Config recorders are not looked at: there are none here.

use serde_json::Value;

use super::super::engine::Run;
use super::super::schema;
use super::super::store::{Stack, Store, ValidationFault};
use super::request::{Changes, Prepared};
use crate::error::ServiceError;
use crate::operation::Call;
use crate::services::ecr::ListImages;
use crate::services::s3::ListObjectVersions;

/// What is found for `CreateStack` and `UpdateStack`: what fails them.
pub(super) async fn failures(
    call: &Call,
    stack: &Stack,
    (prepared, changes): (&Prepared, &Changes),
    disabled: bool,
) -> Vec<ValidationFault> {
    if disabled {
        return Vec::new();
    }
    let mut faults = prepared.faults();
    // The names are read only of what is well-formed.
    if faults.is_empty() {
        faults.extend(name_conflicts(call, stack, (prepared, changes)).await);
    }
    faults
}

/// What is found for a change set, warnings among it.
pub(super) async fn findings(
    call: &Call,
    stack: &Stack,
    (prepared, changes): (&Prepared, &Changes),
    disabled: bool,
) -> Vec<ValidationFault> {
    let mut faults = failures(call, stack, (prepared, changes), disabled).await;
    if !disabled {
        faults.extend(not_empty(call, stack, changes).await);
    }
    faults
}

/// Why a change set with these findings fails; `None`: it does not.
pub(super) fn reason(faults: &[ValidationFault]) -> Option<String> {
    let mut failed: Vec<&str> = faults
        .iter()
        .filter(|fault| !fault.warns)
        .map(|fault| match fault.name.as_str() {
            "NAME_CONFLICT_VALIDATION" => "AWS::EarlyValidation::ResourceExistenceCheck",
            _ => "AWS::EarlyValidation::PropertyValidation",
        })
        .collect();
    failed.dedup();
    let failed = failed.join(", ");
    (!failed.is_empty()).then(|| {
        format!(
            "The following hook(s)/validation failed: [{failed}]. To troubleshoot Early Validation errors, use \
             the DescribeEvents API for detailed failure information."
        )
    })
}

fn of_action<'a>(changes: &'a Changes, action: &'a str) -> impl Iterator<Item = &'a Value> {
    let all = changes.with_values.iter().map(|change| &change["ResourceChange"]);
    all.filter(move |change| change["Action"] == action)
}

/// New resources under a custom name that something else has already. What cannot be read is not known.
async fn name_conflicts(
    call: &Call,
    stack: &Stack,
    (prepared, changes): (&Prepared, &Changes),
) -> Vec<ValidationFault> {
    let run = Run::new(&call.cloud, &stack.id);
    let asking = Stack { principal: call.principal.clone(), ..stack.clone() };
    let mut faults = Vec::new();
    for change in of_action(changes, "Add") {
        let text = |name: &str| change[name].as_str().unwrap_or_default();
        let (id, resource_type) = (text("LogicalResourceId"), text("ResourceType"));
        let context: Value = serde_json::from_str(text("AfterContext")).unwrap_or_default();
        let Some(name) = custom_name(resource_type, &context["Properties"]) else { continue };
        let Some(declared) = prepared.scope.active_resource(id) else { continue };
        if run.is_taken(&asking, declared, &context["Properties"], &name).await {
            faults.push(ValidationFault {
                logical_id: id.to_owned(),
                resource_type: resource_type.to_owned(),
                text: format!("Resource of type '{resource_type}' with identifier '{name}' already exists."),
                name: "NAME_CONFLICT_VALIDATION".to_owned(),
                path: format!("/Resources/{id}"),
                warns: false,
            });
        }
    }
    faults
}

/// The name by which a resource of a type with one identifier is found, where the template gives it.
pub(super) fn custom_name(resource_type: &str, properties: &Value) -> Option<String> {
    let [identifier] = schema::of(resource_type)?.identifiers() else { return None };
    let name = properties.get(identifier)?.as_str()?;
    (!name.contains(super::super::evaluate::UNKNOWN)).then(|| name.to_owned())
}

/// Buckets and repositories that would be deleted with what they hold, which fails.
async fn not_empty(call: &Call, stack: &Stack, changes: &Changes) -> Vec<ValidationFault> {
    let resources = call.cloud.part::<Store>().resources_of(&stack.id);
    let mut faults = Vec::new();
    for change in of_action(changes, "Remove").filter(|change| change["PolicyAction"] == "Delete") {
        let id = change["LogicalResourceId"].as_str().unwrap_or_default();
        let Some(resource) = resources.get(id) else { continue };
        let Some(name) = resource.physical_id.clone() else { continue };
        let empties = &resource.properties["EmptyOnDelete"];
        let found = match resource.resource_type.as_str() {
            "AWS::S3::Bucket" => holds_objects(call, &name)
                .await
                .map(|holds| holds.then_some(("BUCKET_EMPTINESS_VALIDATION", "The bucket is not empty."))),
            "AWS::ECR::Repository" if *empties != "true" && *empties != true => {
                holds_images(call, &name).await.map(|holds| {
                    holds.then_some(("ECR_REPOSITORY_EMPTINESS_VALIDATION", "The repository holds images."))
                })
            }
            _ => continue,
        };
        // Without the right to look nothing is found, as on AWS.
        let Ok(Some((validation, text))) = found else { continue };
        faults.push(ValidationFault {
            logical_id: id.to_owned(),
            resource_type: resource.resource_type.clone(),
            text: text.to_owned(),
            name: validation.to_owned(),
            path: format!("/Resources/{id}"),
            warns: true,
        });
    }
    faults
}

async fn holds_objects(call: &Call, bucket: &str) -> Result<bool, ServiceError> {
    let input = ListObjectVersions { bucket: bucket.to_owned(), max_keys: Some(1), ..Default::default() };
    let found = call.cloud.call(&call.principal, input).await?;
    Ok(!found.versions.is_empty() || !found.delete_markers.is_empty())
}

async fn holds_images(call: &Call, repository: &str) -> Result<bool, ServiceError> {
    let input = ListImages { repository_name: repository.to_owned(), ..Default::default() };
    Ok(!call.cloud.call(&call.principal, input).await?.image_ids.is_empty())
}
