//! Reading what is really there.

use serde_json::Value;

use super::super::drift::Live;
use super::super::evaluate::resolve_dynamic;
use super::super::store::{Resource, Stack};
use super::super::template::ResourceDeclaration;
use super::making::new_resource;
use super::run::Run;
use crate::error::ServiceError;

impl Run {
    /// A resource as its service shows it to the caller of the stack's operation.
    pub(in super::super) async fn live(
        &self,
        stack: &Stack,
        resource: &Resource,
    ) -> Result<Live, ServiceError> {
        let handler = self.store.handler(&resource.resource_type);
        let Some(read) = handler.and_then(|handler| handler.read) else { return Ok(Live::Unreadable) };
        let Some(physical_id) = resource.physical_id.clone() else { return Ok(Live::Gone) };
        let context = self.context(stack, resource, true);
        let properties =
            resolve_dynamic(&self.cloud, &context.principal, resource.properties.clone()).await?;
        Ok(read(context, physical_id, properties).await?.map_or(Live::Gone, Live::There))
    }

    /// Whether a resource that is to be made is there already, under the name that identifies it. What cannot
    /// be read counts as not there.
    pub(in super::super) async fn is_taken(
        &self,
        stack: &Stack,
        declared: &ResourceDeclaration,
        properties: &Value,
        name: &str,
    ) -> bool {
        let mut resource = new_resource(self, declared, None);
        resource.properties = properties.clone();
        resource.physical_id = Some(name.to_owned());
        matches!(self.live(stack, &resource).await, Ok(Live::There(_)))
    }
}
