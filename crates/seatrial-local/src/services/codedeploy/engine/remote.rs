//! Calls of other services in the name of the group's role, and what their refusals mean for a deployment.

use super::turn::{Trouble, Turn};
use crate::access;
use crate::error::ServiceError;
use crate::operation::Operation;
use crate::services::codedeploy::shapes::EcsService;
use crate::services::ecs::{DescribeServices, Service, UpdateServicePrimaryTaskSet};

impl Turn<'_> {
    pub(super) async fn ecs<O: Operation>(&self, input: O) -> Result<O::Output, Trouble> {
        self.cloud.call(&self.principal, input).await.map_err(|error| {
            of_service(error, "ECS_UPDATE_ERROR", |error| {
                format!(
                    "The ECS service cannot be updated due to an unexpected error: {} (Service: AmazonECS; \
                     Status Code: {}; Error Code: {})",
                    error.message, error.status, error.code
                )
            })
        })
    }

    pub(super) async fn elb<O: Operation>(&self, input: O) -> Result<O::Output, Trouble> {
        self.cloud.call(&self.principal, input).await.map_err(|error| {
            of_service(error, "ELASTIC_LOAD_BALANCING_INVALID", |error| {
                format!("The ELB could not be updated due to the following error: {}", error.message)
            })
        })
    }

    /// Which service is deployed.
    pub(super) fn ecs_service(&self) -> EcsService {
        self.row.group.settings.ecs_services.iter().flatten().next().cloned().unwrap_or_default()
    }

    pub(super) async fn make_primary(&self, task_set: &str) -> Result<(), Trouble> {
        let EcsService { cluster_name, service_name } = self.ecs_service();
        let primary_task_set = task_set.to_owned();
        let input =
            UpdateServicePrimaryTaskSet { cluster: cluster_name, service: service_name, primary_task_set };
        self.ecs(input).await.map(|_| ())
    }

    /// The service with its task sets and events.
    pub(super) async fn service(&self) -> Result<Service, Trouble> {
        let EcsService { cluster_name, service_name } = self.ecs_service();
        let input = DescribeServices {
            cluster: Some(cluster_name.clone()),
            services: vec![service_name.clone()],
            ..DescribeServices::default()
        };
        let Some(found) = self.ecs(input).await?.services.into_iter().next() else {
            return Err(Trouble::Fatal {
                code: "INVALID_ECS_SERVICE",
                message: format!("The ECS service {service_name} cannot be found in cluster {cluster_name}"),
            });
        };
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
    if access::is_refusal(&error) {
        let message = format!("The service role lacks a permission: {}", error.message);
        return Trouble::Fatal { code: "IAM_ROLE_PERMISSIONS", message };
    }
    Trouble::Fatal { code, message: words(&error) }
}

fn is_passing(error: &ServiceError) -> bool {
    (error.status >= 500 && error.status != 501) || error.code.starts_with("Throttling")
}
