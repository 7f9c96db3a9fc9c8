//! The operations of KMS.

mod aliases;
mod crypt;
mod data_keys;
mod grants;
mod keys;
mod policies;
mod rotation;
mod states;
mod tags;

pub(crate) use aliases::{CreateAlias, DeleteAlias, ListAliases, UpdateAlias};
pub(crate) use crypt::{Decrypt, Encrypt, ReEncrypt};
pub(crate) use data_keys::{GenerateDataKey, GenerateDataKeyWithoutPlaintext};
pub(super) use grants::constraints_met;
pub(crate) use grants::{CreateGrant, ListGrants, RetireGrant, RevokeGrant};
pub(crate) use keys::{CreateKey, DescribeKey, KeyTag, ListKeys, UpdateKeyDescription};
pub(crate) use policies::{GetKeyPolicy, ListKeyPolicies, PutKeyPolicy};
pub(crate) use rotation::{DisableKeyRotation, EnableKeyRotation, GetKeyRotationStatus};
pub(crate) use states::{CancelKeyDeletion, DisableKey, EnableKey, ScheduleKeyDeletion};
pub(crate) use tags::{ListResourceTags, TagResource, UntagResource};

use serde::Serialize;

/// The answer of an operation that answers nothing.
#[derive(Serialize)]
pub(crate) struct Empty {}

/// Operations with the function that does each, and the ARN of what it acts on.
macro_rules! operations {
    ($($name:ident -> $output:ty = $handle:expr, on $resource:expr;)*) => {
        $(
            impl crate::operation::Operation for $name {
                type Output = $output;
                const SERVICE: &'static str = "kms";
                const NAME: &'static str = stringify!($name);

                fn resource(&self, cloud: &crate::cloud::Cloud) -> String {
                    let resource: fn(&Self, &crate::cloud::Cloud) -> String = $resource;
                    resource(self, cloud)
                }

                async fn handle(
                    self,
                    call: &crate::operation::Call,
                ) -> Result<$output, crate::error::ServiceError> {
                    $handle(self, call)
                }
            }
        )*
    };
}

/// The ARN of the key that an input names.
macro_rules! key {
    () => {
        |input, cloud| cloud.part::<super::super::store::KeyStore>().arn_of(cloud, &input.key_id)
    };
}

use {key, operations};
