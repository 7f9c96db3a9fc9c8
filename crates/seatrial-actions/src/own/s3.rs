//! S3, whose operations and actions have different names (service authorization reference, s3, "API operations").

use crate::on::On;
use crate::row::{Row, When, row};

const BY_NAME: &str = "service authorization reference s3: API operations";
const VERSIONS: &str =
    "API_GetObject: with a version id s3:GetObjectVersion, and s3:GetObject is not required";
const DELETIONS: &str = "API_DeleteObject: a version is deleted by s3:DeleteObjectVersion";
/// Present where the caller wants one version.
const VERSION: &[&str] = &["VersionId"];

const fn named(operations: &'static [&'static str], action: &'static str) -> Row {
    row(60, operations, action, On::Own, BY_NAME)
}

pub(super) const ROWS: &[Row] = &[
    row(60, &["s3:ListBuckets"], "s3:ListAllMyBuckets", On::Any, BY_NAME),
    named(&["s3:HeadBucket", "s3:ListObjects", "s3:ListObjectsV2"], "s3:ListBucket"),
    named(&["s3:ListObjectVersions"], "s3:ListBucketVersions"),
    named(&["s3:ListMultipartUploads"], "s3:ListBucketMultipartUploads"),
    named(&["s3:ListParts"], "s3:ListMultipartUploadParts"),
    named(
        &[
            "s3:PutObject",
            "s3:CreateMultipartUpload",
            "s3:UploadPart",
            "s3:CompleteMultipartUpload",
            "s3:CopyObject",
            "s3:UploadPartCopy",
        ],
        "s3:PutObject",
    ),
    named(&["s3:PutBucketEncryption", "s3:DeleteBucketEncryption"], "s3:PutEncryptionConfiguration"),
    named(&["s3:GetBucketEncryption"], "s3:GetEncryptionConfiguration"),
    named(
        &["s3:PutBucketLifecycleConfiguration", "s3:DeleteBucketLifecycle"],
        "s3:PutLifecycleConfiguration",
    ),
    named(&["s3:GetBucketLifecycleConfiguration"], "s3:GetLifecycleConfiguration"),
    named(&["s3:PutPublicAccessBlock", "s3:DeletePublicAccessBlock"], "s3:PutBucketPublicAccessBlock"),
    named(&["s3:GetPublicAccessBlock"], "s3:GetBucketPublicAccessBlock"),
    named(&["s3:DeleteBucketTagging"], "s3:PutBucketTagging"),
    row(9, &["s3:GetObject", "s3:HeadObject"], "s3:GetObject", On::Own, VERSIONS).when(When::Absent(VERSION)),
    row(9, &["s3:GetObject", "s3:HeadObject"], "s3:GetObjectVersion", On::Own, VERSIONS)
        .when(When::Given(VERSION)),
    row(59, &["s3:DeleteObject"], "s3:DeleteObject", On::Own, DELETIONS).when(When::Absent(VERSION)),
    row(59, &["s3:DeleteObject"], "s3:DeleteObjectVersion", On::Own, DELETIONS).when(When::Given(VERSION)),
    row(59, &["s3:DeleteObjects"], "s3:DeleteObject", On::Objects { versions: false }, DELETIONS),
    row(59, &["s3:DeleteObjects"], "s3:DeleteObjectVersion", On::Objects { versions: true }, DELETIONS),
];
