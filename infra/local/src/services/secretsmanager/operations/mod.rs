//! The operations of Secrets Manager.

mod describe;
mod secrets;
mod tags;
mod values;

pub(crate) use describe::{DescribeSecret, ListSecrets};
pub(crate) use secrets::{CreateSecret, DeleteSecret, UpdateSecret};
pub(crate) use tags::{TagResource, UntagResource};
pub(crate) use values::{GetRandomPassword, GetSecretValue, PutSecretValue};

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::store::SecretStore;
use crate::cloud::Cloud;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Tag {
    pub key: String,
    pub value: String,
}

fn tag_map(tags: Vec<Tag>) -> BTreeMap<String, String> {
    tags.into_iter().map(|tag| (tag.key, tag.value)).collect()
}

fn tag_list(tags: BTreeMap<String, String>) -> Vec<Tag> {
    tags.into_iter().map(|(key, value)| Tag { key, value }).collect()
}

fn arn_of(cloud: &Cloud, secret_id: &str) -> String {
    cloud.part::<SecretStore>().arn_of(secret_id)
}
