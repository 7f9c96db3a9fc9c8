//! Tags of keys.

use serde::{Deserialize, Serialize};

use super::super::store::KeyStore;
use super::keys::KeyTag;
use super::{Empty, key, operations};
use crate::error::ServiceError;
use crate::operation::Call;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct TagResource {
    pub key_id: String,
    pub tags: Vec<KeyTag>,
}

fn tag(input: TagResource, call: &Call) -> Result<Empty, ServiceError> {
    call.cloud.part::<KeyStore>().change(&call.cloud, &input.key_id, |key| {
        key.kept()?;
        key.tags.extend(input.tags.into_iter().map(|tag| (tag.tag_key, tag.tag_value)));
        Ok(())
    })?;
    Ok(Empty {})
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct UntagResource {
    pub key_id: String,
    pub tag_keys: Vec<String>,
}

fn untag(input: UntagResource, call: &Call) -> Result<Empty, ServiceError> {
    call.cloud.part::<KeyStore>().change(&call.cloud, &input.key_id, |key| {
        key.kept()?;
        key.tags.retain(|name, _| !input.tag_keys.contains(name));
        Ok(())
    })?;
    Ok(Empty {})
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListResourceTags {
    pub key_id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListResourceTagsOutput {
    pub tags: Vec<KeyTag>,
    pub truncated: bool,
}

fn list(input: ListResourceTags, call: &Call) -> Result<ListResourceTagsOutput, ServiceError> {
    let key = call.cloud.part::<KeyStore>().find_key(&call.cloud, &input.key_id)?;
    let tags = key.tags.into_iter().map(|(tag_key, tag_value)| KeyTag { tag_key, tag_value }).collect();
    Ok(ListResourceTagsOutput { tags, truncated: false })
}

operations! {
    TagResource -> Empty = tag, on key!();
    UntagResource -> Empty = untag, on key!();
    ListResourceTags -> ListResourceTagsOutput = list, on key!();
}
