//! Calls of other services in the name of the group's role, and what their refusals mean for a deployment.

use serde_json::{Value, json};

use super::{Trouble, Turn};
use crate::error::ServiceError;
use crate::services::ecs::Service;

impl Turn<'_> {
    pub(super) async fn ecs(&self, operation: &str, input: Value) -> Result<Value, Trouble> {
        let answer = self.cloud.dispatch(&self.principal, ("ecs", operation), input).await;
        answer.map_err(|error| {
            of_service(error, "ECS_UPDATE_ERROR", |error| {
                format!(
                    "The ECS service cannot be updated due to an unexpected error: {} (Service: AmazonECS; \
                     Status Code: {}; Error Code: {})",
                    error.message, error.status, error.code
                )
            })
        })
    }

    pub(super) async fn elb(&self, operation: &str, input: Value) -> Result<Value, Trouble> {
        let answer = self.cloud.dispatch(&self.principal, ("elasticloadbalancing", operation), input).await;
        answer.map_err(|error| {
            of_service(error, "ELASTIC_LOAD_BALANCING_INVALID", |error| {
                format!("The ELB could not be updated due to the following error: {}", error.message)
            })
        })
    }

    /// Input for an operation on this deployment's service, with further members.
    pub(super) fn of_service(&self, members: Value) -> Value {
        let service =
            self.row.group.settings.ecs_services.iter().flatten().next().cloned().unwrap_or_default();
        let mut input = json!({ "cluster": service.cluster_name, "service": service.service_name });
        if let (Some(input), Value::Object(members)) = (input.as_object_mut(), members) {
            input.extend(members);
        }
        input
    }

    /// The service with its task sets and events.
    pub(super) async fn service(&self) -> Result<Service, Trouble> {
        let service =
            self.row.group.settings.ecs_services.iter().flatten().next().cloned().unwrap_or_default();
        let input = json!({ "cluster": service.cluster_name, "services": [service.service_name] });
        let mut answer = self.ecs("DescribeServices", input).await?;
        let Some(found) = answer.pointer_mut("/services/0").map(Value::take) else {
            return Err(Trouble::Fatal {
                code: "INVALID_ECS_SERVICE",
                message: format!(
                    "The ECS service {} cannot be found in cluster {}",
                    service.service_name, service.cluster_name
                ),
            });
        };
        let found: Service = serde_json::from_value(found)
            .map_err(|error| Trouble::Passing(ServiceError::internal(format!("a service: {error}"))))?;
        match found.status.as_str() {
            "ACTIVE" => Ok(found),
            status => Err(Trouble::Fatal {
                code: "INVALID_ECS_SERVICE",
                message: format!("The ECS service {} is {status}", found.service_name),
            }),
        }
    }
}

/// What a refused assumption of the service role means.
pub(super) fn of_role(role: &str, error: ServiceError) -> Trouble {
    if is_passing(&error) {
        return Trouble::Passing(error);
    }
    let message = format!(
        "CodeDeploy could not assume the service role {role}: {}. Check that the role exists and that it \
         trusts codedeploy.amazonaws.com",
        error.message
    );
    Trouble::Fatal { code: "IAM_ROLE_MISSING", message }
}

pub(super) fn of_service(
    error: ServiceError,
    code: &'static str,
    words: impl Fn(&ServiceError) -> String,
) -> Trouble {
    if is_passing(&error) {
        return Trouble::Passing(error);
    }
    if error.code.starts_with("AccessDenied") {
        let message = format!("The service role lacks a permission: {}", error.message);
        return Trouble::Fatal { code: "IAM_ROLE_PERMISSIONS", message };
    }
    Trouble::Fatal { code, message: words(&error) }
}

fn is_passing(error: &ServiceError) -> bool {
    (error.status >= 500 && error.status != 501) || error.code.starts_with("Throttling")
}
