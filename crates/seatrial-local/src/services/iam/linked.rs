//! Service-linked roles: one a service and account, made by hand or by the service when it is first used.

use super::operations::{CreateServiceLinkedRole, GetRole};
use super::service_roles::role_name;
use crate::error::ServiceError;
use crate::operation::Call;
use crate::principal::Principal;

/// What a service does when it is used: where its role is missing it makes it, with the rights of whoever calls. False
/// where it had to.
pub(crate) async fn ensure_linked_role(call: &Call, service: &str) -> Result<bool, ServiceError> {
    let itself = Principal::service(service, call.cloud.account());
    let role_name = role_name(service).unwrap_or(service).to_owned();
    if call.cloud.call(&itself, GetRole { role_name }).await.is_ok() {
        return Ok(true);
    }
    let input = CreateServiceLinkedRole { service: service.to_owned(), ..CreateServiceLinkedRole::default() };
    call.cloud.call(&call.principal, input).await.map(|_| false)
}
