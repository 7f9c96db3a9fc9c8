//! The operations of Secrets Manager.

mod describe;
mod keys;
mod policies;
mod secrets;
mod tags;
mod values;

pub(crate) use describe::{DescribeSecret, ListSecrets};
pub(crate) use policies::{DeleteResourcePolicy, GetResourcePolicy, PutResourcePolicy};
pub(crate) use secrets::{CreateSecret, DeleteSecret, UpdateSecret};
pub(super) use secrets::{exists, version};
pub(crate) use tags::{TagResource, UntagResource};
pub(crate) use values::{GetRandomPassword, GetSecretValue, PutSecretValue};

use super::store::SecretStore;
use crate::cloud::Cloud;

fn arn_of(cloud: &Cloud, secret_id: &str) -> String {
    cloud.part::<SecretStore>().arn_of(secret_id)
}
