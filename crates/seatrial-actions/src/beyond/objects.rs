//! S3: lists of access, tags, locks, and the key that encrypts.

use crate::on::On;
use crate::row::{Row, When, row};

const S3: &str = "service authorization reference s3: API operations";
const ACLS: &str = "API_PutObject: s3:PutObjectAcl; asked for also where the bucket takes no lists of access \
                    (user guide, about-object-ownership)";
const BUCKET_TAGS: &str = "API_CreateBucket: a bucket with tags needs s3:TagResource";
const FORWARDED: &str = "iam-policy-autopilot, operation-fas-maps/s3.json; user guide, mpuoverview";

const PUT: &[&str] = &["s3:PutObject", "s3:CreateMultipartUpload", "s3:CopyObject"];
const COPY: &[&str] = &["s3:CopyObject", "s3:UploadPartCopy"];
const BUCKET: &[&str] = &["s3:CreateBucket"];
const DELETE: &[&str] = &["s3:DeleteObject"];
const LIST: When = When::Given(&["ACL", "GrantFullControl", "GrantRead", "GrantReadACP", "GrantWriteACP"]);
/// Who may write is a grant of buckets alone.
const BUCKET_LIST: When =
    When::Given(&["ACL", "GrantFullControl", "GrantRead", "GrantReadACP", "GrantWrite", "GrantWriteACP"]);
const LOCKED: When = When::Given(&["ObjectLockEnabledForBucket"]);
const RETAINED: When = When::Given(&["ObjectLockMode", "ObjectLockRetainUntilDate"]);
const BYPASSING: When = When::Given(&["BypassGovernanceRetention"]);
const VIA: &[(&str, &str)] = &[("kms:ViaService", "s3.${Region}.amazonaws.com")];

/// The key of a write: the one that it names, else the bucket's, unless it asks for another encryption.
const fn encrypting(action: &'static str) -> [Row; 2] {
    [
        row(56, PUT, action, On::Keys(&["SSEKMSKeyId"]), FORWARDED).with(VIA),
        row(56, PUT, action, On::KeyOfOwn, FORWARDED)
            .when(When::Absent(&["SSEKMSKeyId", "ServerSideEncryption"]))
            .with(VIA),
    ]
}

const GENERATING: [Row; 2] = encrypting("kms:GenerateDataKey");

/// With the key of what is read, or written to.
const fn decrypting(operations: &'static [&'static str], action: &'static str) -> Row {
    row(56, operations, action, On::KeyOfOwn, FORWARDED).with(VIA)
}

pub(super) const ROWS: &[Row] = &[
    row(54, PUT, "s3:PutObjectAcl", On::Own, ACLS).when(LIST),
    row(55, PUT, "s3:PutObjectTagging", On::Own, S3).when(When::Given(&["Tagging"])),
    row(55, PUT, "s3:PutObjectLegalHold", On::Own, S3).when(When::Given(&["ObjectLockLegalHoldStatus"])),
    row(55, PUT, "s3:PutObjectRetention", On::Own, S3).when(RETAINED),
    GENERATING[0],
    GENERATING[1],
    decrypting(&["s3:GetObject", "s3:HeadObject"], "kms:Decrypt"),
    decrypting(&["s3:UploadPart", "s3:UploadPartCopy"], "kms:GenerateDataKey"),
    decrypting(&["s3:UploadPart", "s3:UploadPartCopy", "s3:CompleteMultipartUpload"], "kms:Decrypt"),
    row(56, &["s3:CreateMultipartUpload"], "kms:Decrypt", On::Keys(&["SSEKMSKeyId"]), FORWARDED).with(VIA),
    row(56, &["s3:CreateMultipartUpload"], "kms:Decrypt", On::KeyOfOwn, FORWARDED)
        .when(When::Absent(&["SSEKMSKeyId", "ServerSideEncryption"]))
        .with(VIA),
    row(56, COPY, "kms:Decrypt", On::KeyOfCopySource, FORWARDED).with(VIA),
    row(57, COPY, "s3:GetObject", On::CopySource { versions: false }, S3),
    row(57, COPY, "s3:GetObjectVersion", On::CopySource { versions: true }, S3),
    row(59, DELETE, "s3:BypassGovernanceRetention", On::Own, S3).when(BYPASSING),
    row(59, DELETES, "s3:BypassGovernanceRetention", On::Objects { versions: false }, S3).when(BYPASSING),
    row(59, DELETES, "s3:BypassGovernanceRetention", On::Objects { versions: true }, S3).when(BYPASSING),
    row(61, BUCKET, "s3:PutBucketAcl", On::Own, S3).when(BUCKET_LIST),
    row(61, BUCKET, "s3:PutBucketOwnershipControls", On::Own, S3).when(When::Given(&["ObjectOwnership"])),
    row(61, BUCKET, "s3:PutBucketObjectLockConfiguration", On::Own, S3).when(LOCKED),
    row(61, BUCKET, "s3:PutBucketVersioning", On::Own, S3).when(LOCKED),
    row(61, BUCKET, "s3:TagResource", On::Own, BUCKET_TAGS)
        .when(When::Given(&["CreateBucketConfiguration.Tags"])),
];

const DELETES: &[&str] = &["s3:DeleteObjects"];
