//! Reading what is really there.

use super::super::drift::Live;
use super::super::evaluate::resolve_dynamic;
use super::super::store::{Resource, Stack};
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
}
