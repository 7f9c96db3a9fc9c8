//! Tags of EC2's resources in an update: one form for all types.

use super::super::{ResourceContext, Tag};
use crate::error::ServiceError;
use crate::services::ec2::{CreateTags, DeleteTags};
use crate::tags;

/// Brings the tags of a resource, named as EC2 names it, from what the old properties say to what the new ones and
/// the stack do. Tags that nobody of them names stay.
pub(super) async fn set_tags(
    ctx: &ResourceContext,
    id: &str,
    (old, new): (&[Tag], &[Tag]),
) -> Result<(), ServiceError> {
    let resources = vec![id.to_owned()];
    let wanted: Vec<Tag> = ctx.tag_list(new);
    let tag_keys = tags::dropped(old, &wanted);
    if !tag_keys.is_empty() {
        ctx.cloud.call(&ctx.principal, DeleteTags { resources: resources.clone(), tag_keys }).await?;
    }
    let input = CreateTags { resources, tags: ctx.tags_with(new) };
    ctx.cloud.call(&ctx.principal, input).await.map(drop)
}
