//! IAM: the roles by which services act for the account, one a service.

use super::Aws;
use super::error::AwsError;
use seatrial_query::{Place, Protocol, Service, elements, form};

const IAM: Service = Service {
    name: "IAM",
    signing_name: "iam",
    protocol: Protocol::Query { version: "2010-05-08" },
    place: Place::Iam,
};

impl Aws {
    /// Makes the service-linked role of a service, such as `ecs.amazonaws.com`; false where it is there already. IAM has
    /// no code of its own for that: the message says so (terraform-aws-hasura#17 and many others).
    pub(crate) async fn create_service_linked_role(&self, service: &str) -> Result<bool, AwsError> {
        let input = form(&[("AWSServiceName", service)]);
        let attempt = || format!("create the service-linked role of `{service}`");
        match self.call_rarely(&IAM, ("CreateServiceLinkedRole", input), attempt).await {
            Err(error) if error.is("InvalidInput") && error.reason.contains("has been taken") => Ok(false),
            answer => answer.map(|_| true),
        }
    }

    /// Whether a role is there.
    pub(crate) async fn role_exists(&self, name: &str) -> Result<bool, AwsError> {
        let input = form(&[("RoleName", name)]);
        match self.call_rarely(&IAM, ("GetRole", input), || format!("get role `{name}`")).await {
            Err(error) if error.is("NoSuchEntity") => Ok(false),
            answer => answer.map(|answer| !elements(&answer, "Role").is_empty()),
        }
    }
}
