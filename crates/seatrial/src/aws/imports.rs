//! What a change set of type IMPORT takes in, and how a type's resources are named for it.

use std::collections::BTreeMap;

use aws_sdk_cloudformation::types::ResourceToImport;

use super::Aws;
use super::error::{Attempt as _, AwsError};

const SERVICE: &str = "CloudFormation";

/// A resource that exists, and what it becomes in a stack.
#[derive(Debug, Clone)]
pub(crate) struct ResourceImport {
    pub logical_id: String,
    pub resource_type: String,
    /// By the properties that the type's schema names.
    pub identifier: BTreeMap<String, String>,
}

impl Aws {
    /// What a resource can be named by, by type, for each type of a template: any one of these sets of properties, all of
    /// it (GetTemplateSummary, `ResourceIdentifierSummaries`: what belongs together is one entry, joined by commas;
    /// aws/aws-cdk#24439). A type that cannot be imported is not among them.
    pub(crate) async fn identifiers(
        &self,
        template: &str,
    ) -> Result<BTreeMap<String, Vec<Vec<String>>>, AwsError> {
        let request = self.cloudformation().get_template_summary().template_body(template);
        let answer = request.send().await.attempt(SERVICE, || "summarize a template".to_owned())?;
        let summaries = answer.resource_identifier_summaries.unwrap_or_default().into_iter();
        let together = |names: String| names.split(',').map(|name| name.trim().to_owned()).collect();
        Ok(summaries
            .filter_map(|summary| {
                let identifiers = summary.resource_identifiers.unwrap_or_default();
                Some((summary.resource_type?, identifiers.into_iter().map(together).collect()))
            })
            .collect())
    }

    /// The name of the stack that holds a resource with this physical ID; `None` if none does.
    pub(crate) async fn stack_that_holds(&self, physical_id: &str) -> Result<Option<String>, AwsError> {
        let request = self.cloudformation().describe_stack_resources().physical_resource_id(physical_id);
        let answer = request.send().await;
        match answer.attempt(SERVICE, || format!("find the stack of `{physical_id}`")) {
            Ok(answer) => {
                Ok(answer.stack_resources.unwrap_or_default().into_iter().find_map(|one| one.stack_name))
            }
            Err(error) if error.is("ValidationError") && error.reason.contains("does not exist") => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// As CreateChangeSet takes them.
pub(super) fn to_import(imports: &[ResourceImport]) -> Option<Vec<ResourceToImport>> {
    let one = |import: &ResourceImport| {
        ResourceToImport::builder()
            .logical_resource_id(&import.logical_id)
            .resource_type(&import.resource_type)
            .set_resource_identifier(Some(import.identifier.clone().into_iter().collect()))
            .build()
    };
    (!imports.is_empty()).then(|| imports.iter().map(one).collect())
}
