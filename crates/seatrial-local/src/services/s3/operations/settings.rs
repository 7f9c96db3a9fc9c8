//! What is stored with a bucket and answered as it was put: policy, encryption, lifecycle and the like.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::super::encryption::check_default;
use super::super::refusals::{malformed_xml, of_bucket};
use super::super::store::ObjectStore;
use super::{Empty, bucket_arn};
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation, Operations};

/// One setting: `member` holds it in the input of the operation that puts it. `missing` is AWS's refusal where
/// it was never put; `unwrapped`: the answer has the members of the setting, not the setting.
struct Setting {
    member: &'static str,
    missing: (&'static str, &'static str),
    unwrapped: bool,
}

const POLICY: Setting = Setting {
    member: "Policy",
    missing: ("NoSuchBucketPolicy", "The bucket policy does not exist"),
    unwrapped: false,
};
const ENCRYPTION: Setting = Setting {
    member: "ServerSideEncryptionConfiguration",
    missing: (
        "ServerSideEncryptionConfigurationNotFoundError",
        "The server side encryption configuration was not found",
    ),
    unwrapped: false,
};
const LIFECYCLE: Setting = Setting {
    member: "LifecycleConfiguration",
    missing: ("NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist"),
    unwrapped: true,
};
const PUBLIC_ACCESS: Setting = Setting {
    member: "PublicAccessBlockConfiguration",
    missing: ("NoSuchPublicAccessBlockConfiguration", "The public access block configuration was not found"),
    unwrapped: false,
};
const OWNERSHIP: Setting = Setting {
    member: "OwnershipControls",
    missing: ("OwnershipControlsNotFoundError", "The bucket ownership controls were not found"),
    unwrapped: false,
};
const TAGGING: Setting =
    Setting { member: "Tagging", missing: ("NoSuchTagSet", "The TagSet does not exist"), unwrapped: true };

/// Members of an input besides the bucket's name.
#[derive(Deserialize, Serialize)]
struct Input {
    #[serde(rename = "Bucket")]
    bucket: String,
    #[serde(flatten)]
    members: Map<String, Value>,
}

impl Setting {
    fn put(&self, call: &Call, mut input: Input) -> Result<Empty, ServiceError> {
        let value = input.members.remove(self.member).unwrap_or(Value::Null);
        if self.member == POLICY.member {
            check_policy(&input.bucket, &value)?;
        }
        if self.member == ENCRYPTION.member {
            check_default(&value)?;
        }
        if self.member == LIFECYCLE.member {
            check_days(&value)?;
        }
        // Of a bucket that is not there nothing else is said.
        call.cloud.part::<ObjectStore>().bucket(&input.bucket)?;
        well_formed(self.member, &value)?;
        self.change(call, &input.bucket, Some(value))
    }

    fn delete(&self, call: &Call, input: &Input) -> Result<Empty, ServiceError> {
        self.change(call, &input.bucket, None)
    }

    fn change(&self, call: &Call, bucket: &str, value: Option<Value>) -> Result<Empty, ServiceError> {
        let store = call.cloud.part::<ObjectStore>();
        store.bucket(bucket)?;
        store.buckets.update(bucket, |row| match value {
            Some(value) => row.settings.insert(self.member.to_owned(), value),
            None => row.settings.remove(self.member),
        })?;
        Ok(Empty {})
    }

    fn get(&self, call: &Call, input: &Input) -> Result<Value, ServiceError> {
        let mut bucket = call.cloud.part::<ObjectStore>().bucket(&input.bucket)?;
        let value = bucket.settings.remove(self.member).or_else(|| self.always_there());
        match value {
            Some(value) if self.unwrapped => Ok(value),
            Some(value) => Ok(json!({ self.member: value })),
            None => {
                let error = ServiceError::new(self.missing.0, self.missing.1).with_status(404);
                Err(of_bucket(error, &input.bucket))
            }
        }
    }

    /// What AWS gives each new bucket.
    fn always_there(&self) -> Option<Value> {
        match self.member {
            "ServerSideEncryptionConfiguration" => {
                let rule = json!({
                    "ApplyServerSideEncryptionByDefault": { "SSEAlgorithm": "AES256" }, "BucketKeyEnabled": false,
                });
                Some(json!({ "Rules": [rule] }))
            }
            "OwnershipControls" => Some(json!({ "Rules": [{ "ObjectOwnership": "BucketOwnerEnforced" }] })),
            _ => None,
        }
    }
}

/// Recorded: `test_bucket_ownership_controls_exc`, `test_tagging_validation`.
fn well_formed(member: &str, value: &Value) -> Result<(), ServiceError> {
    let list = |member: &str| value[member].as_array().cloned().unwrap_or_default();
    match member {
        "OwnershipControls" => {
            let known = ["BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"];
            match &list("Rules")[..] {
                [rule] if known.iter().any(|known| rule["ObjectOwnership"] == *known) => Ok(()),
                _ => Err(malformed_xml()),
            }
        }
        "Tagging" => check_tags(&list("TagSet")),
        _ => Ok(()),
    }
}

fn check_tags(tags: &[Value]) -> Result<(), ServiceError> {
    let text = |tag: &Value, member: &str| tag[member].as_str().unwrap_or_default().to_owned();
    let invalid = |message: &str, key: &str| {
        let mut error = ServiceError::new("InvalidTag", message);
        error.members.insert("TagKey".to_owned(), key.into());
        error
    };
    let is_good =
        |text: &str| text.chars().all(|c| c.is_alphanumeric() || c.is_whitespace() || "+-=._:/@".contains(c));
    for (index, tag) in tags.iter().enumerate() {
        let (key, value) = (text(tag, "Key"), text(tag, "Value"));
        if tags[..index].iter().any(|other| text(other, "Key") == key) {
            return Err(invalid("Cannot provide multiple Tags with the same key", &key));
        }
        // CloudFormation puts its own by the same call.
        if key.starts_with("aws:") && !key.starts_with("aws:cloudformation:") {
            return Err(invalid("System tags cannot be added/updated by requester", &key));
        }
        if key.is_empty() || !is_good(&key) {
            return Err(invalid("The TagKey you have provided is invalid", &key));
        }
        if !is_good(&value) {
            let mut error = invalid("The TagValue you have provided is invalid", &key);
            error.members.insert("TagValue".to_owned(), value.into());
            return Err(error);
        }
    }
    Ok(())
}

fn check_policy(bucket: &str, value: &Value) -> Result<(), ServiceError> {
    let malformed = |text: &str| ServiceError::new("MalformedPolicy", text);
    // Recorded: `test_bucket_policy_exc`.
    let parsed = value.as_str().and_then(|text| serde_json::from_str::<Value>(text).ok());
    let Some(policy) = parsed.filter(Value::is_object) else {
        return Err(malformed("Policies must be valid JSON and the first byte must be '{'"));
    };
    if policy.get("Statement").is_none() {
        return Err(malformed("Missing required field Statement"));
    }
    for statement in one_or_many(&policy["Statement"]) {
        let texts = |member: &str| {
            let values = statement.get(member).map(one_or_many).unwrap_or_default();
            values.iter().map(|value| value.as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
        };
        if !["Principal", "NotPrincipal"].iter().any(|member| statement.get(*member).is_some()) {
            return Err(malformed("Missing required field Principal"));
        }
        let is_action = |action: &String| action == "*" || action.to_lowercase().starts_with("s3:");
        if !texts("Action").iter().all(is_action) {
            return Err(malformed("Policy has invalid action"));
        }
        if !texts("Resource").iter().all(|resource| is_of_bucket(resource, bucket)) {
            return Err(malformed("Policy has invalid resource"));
        }
    }
    Ok(())
}

fn one_or_many(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_else(|| vec![value.clone()])
}

/// Whether an ARN of a policy, which may have wildcards, means the bucket or objects in it.
fn is_of_bucket(resource: &str, bucket: &str) -> bool {
    let Some(name) = resource.splitn(6, ':').nth(5).filter(|_| resource.starts_with("arn:")) else {
        return false;
    };
    let (named, _) = name.split_once('/').unwrap_or((name, ""));
    match named.find(['*', '?']) {
        Some(end) => bucket.starts_with(&named[..end]),
        None => named == bucket,
    }
}

/// Lifecycle rules count days from 1.
fn check_days(value: &Value) -> Result<(), ServiceError> {
    const DAYS: [&str; 3] = ["Days", "NoncurrentDays", "DaysAfterInitiation"];
    match value {
        Value::Object(members) => members.iter().try_for_each(|(name, member)| {
            if DAYS.contains(&name.as_str()) && member.as_i64().is_some_and(|days| days < 1) {
                let text = format!("'{name}' for the action must be a positive integer");
                return Err(ServiceError::new("InvalidArgument", text));
            }
            check_days(member)
        }),
        Value::Array(items) => items.iter().try_for_each(check_days),
        _ => Ok(()),
    }
}

macro_rules! settings {
    ($($name:ident -> $output:ty = |$call:ident, $input:ident| $answer:expr;)*) => {
        $(
            #[derive(Deserialize, Serialize)]
            pub(crate) struct $name(Input);

            impl Operation for $name {
                type Output = $output;
                const SERVICE: &'static str = "s3";
                const NAME: &'static str = stringify!($name);

                fn resource(&self, _cloud: &Cloud) -> String {
                    bucket_arn(&self.0.bucket)
                }

                async fn handle(self, $call: &Call) -> Result<$output, ServiceError> {
                    let $input = self.0;
                    $answer
                }
            }
        )*

        pub(crate) fn register_settings(operations: &mut Operations) {
            $(operations.add::<$name>();)*
        }
    };
}

settings! {
    PutBucketPolicy -> Empty = |call, input| POLICY.put(call, input);
    GetBucketPolicy -> Value = |call, input| POLICY.get(call, &input);
    DeleteBucketPolicy -> Empty = |call, input| POLICY.delete(call, &input);
    PutBucketEncryption -> Empty = |call, input| ENCRYPTION.put(call, input);
    GetBucketEncryption -> Value = |call, input| ENCRYPTION.get(call, &input);
    DeleteBucketEncryption -> Empty = |call, input| ENCRYPTION.delete(call, &input);
    PutBucketLifecycleConfiguration -> Empty = |call, input| LIFECYCLE.put(call, input);
    GetBucketLifecycleConfiguration -> Value = |call, input| LIFECYCLE.get(call, &input);
    DeleteBucketLifecycle -> Empty = |call, input| LIFECYCLE.delete(call, &input);
    PutPublicAccessBlock -> Empty = |call, input| PUBLIC_ACCESS.put(call, input);
    GetPublicAccessBlock -> Value = |call, input| PUBLIC_ACCESS.get(call, &input);
    DeletePublicAccessBlock -> Empty = |call, input| PUBLIC_ACCESS.delete(call, &input);
    PutBucketOwnershipControls -> Empty = |call, input| OWNERSHIP.put(call, input);
    GetBucketOwnershipControls -> Value = |call, input| OWNERSHIP.get(call, &input);
    PutBucketTagging -> Empty = |call, input| TAGGING.put(call, input);
    GetBucketTagging -> Value = |call, input| TAGGING.get(call, &input);
    DeleteBucketTagging -> Empty = |call, input| TAGGING.delete(call, &input);
}

impl Input {
    fn new(bucket: &str, member: &str, value: Value) -> Self {
        Self { bucket: bucket.to_owned(), members: Map::from_iter([(member.to_owned(), value)]) }
    }
}

macro_rules! constructors {
    ($($name:ident: $setting:ident;)*) => {
        $(impl $name {
            /// The input that sets it to `value`, for the caller in process.
            pub(crate) fn of(bucket: &str, value: Value) -> Self {
                Self(Input::new(bucket, $setting.member, value))
            }
        })*
    };
}

constructors! {
    PutBucketPolicy: POLICY;
    GetBucketPolicy: POLICY;
    GetPublicAccessBlock: PUBLIC_ACCESS;
    GetBucketOwnershipControls: OWNERSHIP;
    GetBucketEncryption: ENCRYPTION;
    DeleteBucketPolicy: POLICY;
    PutBucketEncryption: ENCRYPTION;
    PutBucketLifecycleConfiguration: LIFECYCLE;
    PutPublicAccessBlock: PUBLIC_ACCESS;
    PutBucketOwnershipControls: OWNERSHIP;
    PutBucketTagging: TAGGING;
}
