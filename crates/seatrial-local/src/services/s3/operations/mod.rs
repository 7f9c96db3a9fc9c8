//! The operations of S3.

mod buckets;
mod copy;
mod delete;
mod list;
mod multipart;
mod objects;
mod parts;
mod settings;
mod versions;

pub(crate) use buckets::*;
pub(crate) use copy::*;
pub(crate) use delete::*;
pub(crate) use list::*;
pub(crate) use multipart::*;
pub(crate) use objects::*;
pub(crate) use parts::*;
pub(crate) use settings::*;
pub(crate) use versions::*;

use serde::Serialize;

/// The answer of an operation that answers nothing.
#[derive(Serialize)]
pub(crate) struct Empty {}

fn bucket_arn(bucket: &str) -> String {
    format!("arn:aws:s3:::{bucket}")
}

fn object_arn(bucket: &str, key: &str) -> String {
    format!("arn:aws:s3:::{bucket}/{key}")
}

/// The owner of everything.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Owner {
    #[serde(rename = "ID")]
    pub id: String,
}

fn owner(account: &str) -> Owner {
    Owner { id: crate::id::digits_of(account, 64).to_lowercase() }
}
