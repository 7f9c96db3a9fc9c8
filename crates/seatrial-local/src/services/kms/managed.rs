//! Keys of AWS's own services, made when they are first named: whoever may use the service may use its key through it.

use serde_json::json;

use super::store::{AliasRecord, KeyRecord, KeyStore};
use crate::cloud::Cloud;
use crate::error::ServiceError;

/// What goes before the service's name in its key's alias.
pub(super) const ALIAS: &str = "alias/aws/";

/// Services of the local cloud that have a key of AWS's, with the description that AWS gives it.
const SERVICES: [(&str, &str); 5] = [
    ("ecr", "Default key that protects my ECR data when no other key is defined"),
    ("rds", "Default key that protects my RDS database volumes when no other key is defined"),
    // Recorded: `test_s3_bucket_encryption_sse_kms_aws_managed_key`.
    ("s3", "Default key that protects my S3 objects when no other key is defined"),
    ("secretsmanager", "Default key that protects my Secrets Manager data when no other key is defined"),
    ("ssm", "Default key that protects my SSM parameters when no other key is defined"),
];

/// Makes the key behind `alias` if it is one of AWS's and not there yet ("If you call the DescribeKey operation on a
/// predefined AWS alias, that is, an AWS alias with no key ID, AWS KMS creates an AWS managed key": API_DescribeKey).
pub(super) fn ensure(cloud: &Cloud, alias: &str) -> Result<(), ServiceError> {
    let Some(service) = alias.strip_prefix(ALIAS) else { return Ok(()) };
    let store = cloud.part::<KeyStore>();
    let Some((_, description)) = SERVICES.iter().find(|(known, _)| *known == service) else { return Ok(()) };
    if store.aliases.contains(alias) {
        return Ok(());
    }
    let now = cloud.clock().now();
    let mut key = new_key(cloud, policy(cloud, service));
    key.description = (*description).to_owned();
    key.managed = Some(service.to_owned());
    let record = AliasRecord { name: alias.to_owned(), key_id: key.id.clone(), created: now, updated: now };
    store.keys.put(&key.id, &key)?;
    // Of two calls at once the second one's key has no name, and nobody finds it.
    if !store.aliases.insert_new(alias, &record)? {
        store.keys.remove(&key.id)?;
    }
    Ok(())
}

/// A key of this account and region with that policy.
pub(super) fn new_key(cloud: &Cloud, policy: String) -> KeyRecord {
    let id = crate::id::uuid();
    KeyRecord {
        arn: cloud.arn("kms", &format!("key/{id}")),
        id,
        created: cloud.clock().now(),
        description: String::new(),
        enabled: true,
        deletion: None,
        policy,
        tags: Default::default(),
        rotation: None,
        managed: None,
        material: hex::encode(rand::random::<[u8; 32]>()),
    }
}

/// As AWS writes it (developer guide, "Viewing a key policy" of an AWS managed key).
fn policy(cloud: &Cloud, service: &str) -> String {
    let through = format!("{service}.{}.amazonaws.com", cloud.region());
    json!({"Version": "2012-10-17", "Id": format!("auto-{service}-1"), "Statement": [
        {
            "Sid": "Allow access through the service for all principals in the account that are authorized to use it",
            "Effect": "Allow", "Principal": {"AWS": "*"}, "Resource": "*",
            "Action": ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:CreateGrant",
                "kms:DescribeKey"],
            "Condition": {"StringEquals": {"kms:CallerAccount": cloud.account(), "kms:ViaService": through}},
        },
        {
            "Sid": "Allow direct access to key metadata to the account",
            "Effect": "Allow", "Principal": {"AWS": format!("arn:aws:iam::{}:root", cloud.account())},
            "Action": ["kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant"], "Resource": "*",
        },
    ]})
    .to_string()
}
