//! Buckets.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::refusals::{malformed_xml, of_bucket};
use super::super::store::{Bucket, ObjectStore, object_key};
use super::{Empty, Owner, bucket_arn, owner};
use crate::clock::Epoch;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CreateBucket {
    pub bucket: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CreateBucketOutput {
    pub location: String,
}

impl Operation for CreateBucket {
    type Output = CreateBucketOutput;
    const SERVICE: &'static str = "s3";
    const NAME: &'static str = "CreateBucket";

    fn resource(&self, _cloud: &Cloud) -> String {
        bucket_arn(&self.bucket)
    }

    async fn handle(self, call: &Call) -> Result<CreateBucketOutput, ServiceError> {
        check_name(&self.bucket)?;
        let bucket = Bucket {
            name: self.bucket.clone(),
            created: call.cloud.clock().now(),
            versioning: None,
            settings: Default::default(),
        };
        if !call.cloud.part::<ObjectStore>().buckets.insert_new(&self.bucket, &bucket)? {
            let message =
                "Your previous request to create the named bucket succeeded and you already own it.";
            let error = ServiceError::new("BucketAlreadyOwnedByYou", message).with_status(409);
            return Err(of_bucket(error, &self.bucket));
        }
        Ok(CreateBucketOutput { location: format!("/{}", self.bucket) })
    }
}

/// S3 user guide: general purpose bucket naming rules.
const RESERVED_STARTS: [&str; 4] = ["xn--", "sthree-", "amzn-s3-demo-", "aws-"];
const RESERVED_ENDS: [&str; 5] = ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"];

fn check_name(name: &str) -> Result<(), ServiceError> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    let valid = (3..=63).contains(&name.len())
        && name.chars().all(allowed)
        && ends(name.chars().next())
        && ends(name.chars().last())
        && !name.contains("..")
        && name.parse::<std::net::Ipv4Addr>().is_err()
        && !RESERVED_STARTS.iter().any(|start| name.starts_with(start))
        && !RESERVED_ENDS.iter().any(|end| name.ends_with(end));
    if valid {
        return Ok(());
    }
    Err(ServiceError::new("InvalidBucketName", "The specified bucket is not valid."))
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DeleteBucket {
    pub bucket: String,
}

impl Operation for DeleteBucket {
    type Output = Empty;
    const SERVICE: &'static str = "s3";
    const NAME: &'static str = "DeleteBucket";

    fn resource(&self, _cloud: &Cloud) -> String {
        bucket_arn(&self.bucket)
    }

    async fn handle(self, call: &Call) -> Result<Empty, ServiceError> {
        let store = call.cloud.part::<ObjectStore>();
        let versioned = store.bucket(&self.bucket)?.versioning.is_some();
        if !store.objects.with_prefix(&object_key(&self.bucket, "")).is_empty() {
            let mut message = "The bucket you tried to delete is not empty".to_owned();
            if versioned {
                message.push_str(". You must delete all versions in the bucket.");
            }
            return Err(of_bucket(
                ServiceError::new("BucketNotEmpty", message).with_status(409),
                &self.bucket,
            ));
        }
        for upload in store.uploads.values().iter().filter(|upload| upload.bucket == self.bucket) {
            store.uploads.remove(&upload.id)?;
        }
        store.buckets.remove(&self.bucket)?;
        Ok(Empty {})
    }
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct HeadBucket {
    pub bucket: String,
}

impl Operation for HeadBucket {
    type Output = Value;
    const SERVICE: &'static str = "s3";
    const NAME: &'static str = "HeadBucket";

    fn resource(&self, _cloud: &Cloud) -> String {
        bucket_arn(&self.bucket)
    }

    async fn handle(self, call: &Call) -> Result<Value, ServiceError> {
        call.cloud.part::<ObjectStore>().bucket(&self.bucket)?;
        Ok(json!({ "BucketRegion": call.cloud.region() }))
    }
}

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct ListBuckets {
    pub prefix: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListBucketsOutput {
    pub buckets: Vec<BucketEntry>,
    pub owner: Owner,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct BucketEntry {
    pub name: String,
    pub creation_date: Epoch,
}

impl Operation for ListBuckets {
    type Output = ListBucketsOutput;
    const SERVICE: &'static str = "s3";
    const NAME: &'static str = "ListBuckets";

    async fn handle(self, call: &Call) -> Result<ListBucketsOutput, ServiceError> {
        let prefix = self.prefix.unwrap_or_default();
        let found = call.cloud.part::<ObjectStore>().buckets.with_prefix(&prefix);
        let buckets =
            found.into_iter().map(|(name, bucket)| BucketEntry { name, creation_date: bucket.created });
        Ok(ListBucketsOutput { buckets: buckets.collect(), owner: owner(call.cloud.account()) })
    }
}

#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetBucketLocation {
    pub bucket: String,
}

impl Operation for GetBucketLocation {
    type Output = Value;
    const SERVICE: &'static str = "s3";
    const NAME: &'static str = "GetBucketLocation";

    fn resource(&self, _cloud: &Cloud) -> String {
        bucket_arn(&self.bucket)
    }

    async fn handle(self, call: &Call) -> Result<Value, ServiceError> {
        call.cloud.part::<ObjectStore>().bucket(&self.bucket)?;
        // The oldest region has no name here.
        let region = Some(call.cloud.region()).filter(|region| *region != "us-east-1");
        Ok(json!({ "LocationConstraint": region }))
    }
}

#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetBucketVersioning {
    pub bucket: String,
}

impl Operation for GetBucketVersioning {
    type Output = VersioningConfiguration;
    const SERVICE: &'static str = "s3";
    const NAME: &'static str = "GetBucketVersioning";

    fn resource(&self, _cloud: &Cloud) -> String {
        bucket_arn(&self.bucket)
    }

    async fn handle(self, call: &Call) -> Result<VersioningConfiguration, ServiceError> {
        let bucket = call.cloud.part::<ObjectStore>().bucket(&self.bucket)?;
        Ok(VersioningConfiguration { status: bucket.versioning })
    }
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PutBucketVersioning {
    pub bucket: String,
    pub versioning_configuration: VersioningConfiguration,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct VersioningConfiguration {
    /// `Enabled` or `Suspended`.
    pub status: Option<String>,
}

impl Operation for PutBucketVersioning {
    type Output = Empty;
    const SERVICE: &'static str = "s3";
    const NAME: &'static str = "PutBucketVersioning";

    fn resource(&self, _cloud: &Cloud) -> String {
        bucket_arn(&self.bucket)
    }

    async fn handle(self, call: &Call) -> Result<Empty, ServiceError> {
        let store = call.cloud.part::<ObjectStore>();
        store.bucket(&self.bucket)?;
        // Recorded: `test_bucket_versioning_crud`.
        match self.versioning_configuration.status.as_deref() {
            Some("Enabled" | "Suspended") => {}
            Some(_) => return Err(malformed_xml()),
            None => {
                let message = "The Versioning element must be specified";
                return Err(ServiceError::new("IllegalVersioningConfigurationException", message));
            }
        }
        store
            .buckets
            .update(&self.bucket, |bucket| bucket.versioning = self.versioning_configuration.status)?;
        Ok(Empty {})
    }
}

#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetBucketAcl {
    pub bucket: String,
}

impl Operation for GetBucketAcl {
    type Output = Value;
    const SERVICE: &'static str = "s3";
    const NAME: &'static str = "GetBucketAcl";

    fn resource(&self, _cloud: &Cloud) -> String {
        bucket_arn(&self.bucket)
    }

    async fn handle(self, call: &Call) -> Result<Value, ServiceError> {
        call.cloud.part::<ObjectStore>().bucket(&self.bucket)?;
        let id = owner(call.cloud.account()).id;
        let grant = json!({ "Grantee": { "ID": id, "Type": "CanonicalUser" }, "Permission": "FULL_CONTROL" });
        Ok(json!({ "Owner": { "ID": id }, "Grants": [grant] }))
    }
}
