//! Objects through the AWS CLI: uploads in parts, downloads by ranges, versions, recursive deletion.

#![expect(clippy::unwrap_used, reason = "a test's support may panic")]

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use seatrial_local::LocalCloud;
use support::{REGION, start};

/// The client that `cargo xtask check --install-missing` installs, else the one on the PATH.
fn program() -> PathBuf {
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/python/bin/aws");
    if installed.exists() { installed } else { PathBuf::from("aws") }
}

/// Runs `aws` as the operator; the error is what it wrote.
async fn aws(cloud: &LocalCloud, arguments: &[&str]) -> Result<String, String> {
    let operator = cloud.operator();
    let mut command = Command::new(program());
    command
        .args(arguments)
        .env("AWS_ENDPOINT_URL", cloud.endpoint())
        .env("AWS_ACCESS_KEY_ID", &operator.access_key_id)
        .env("AWS_SECRET_ACCESS_KEY", &operator.secret_access_key)
        .env("AWS_DEFAULT_REGION", REGION)
        .env("AWS_CONFIG_FILE", "/nonexistent")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
        .env("AWS_PAGER", "");
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_aws_cli_moves_large_files_and_keeps_versions() {
    let started = start().await;
    let cloud = &started.cloud;
    let (from, to) = (started.path("from"), started.path("to"));
    let bytes: Vec<u8> =
        (0..20_000_000_u32).map(|index| (index.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    std::fs::write(&from, &bytes).unwrap();
    let (from, to_path) = (from.to_str().unwrap(), to.to_str().unwrap());
    aws(cloud, &["s3", "mb", "s3://store"]).await.unwrap();
    let enabled = "Status=Enabled";
    let versioning =
        ["s3api", "put-bucket-versioning", "--bucket", "store", "--versioning-configuration", enabled];
    aws(cloud, &versioning).await.unwrap();

    aws(cloud, &["s3", "cp", from, "s3://store/a b/big"]).await.unwrap();
    aws(cloud, &["s3", "cp", "s3://store/a b/big", to_path]).await.unwrap();
    aws(cloud, &["s3", "cp", "s3://store/a b/big", "s3://store/copy"]).await.unwrap();
    let listed = aws(cloud, &["s3", "ls", "--recursive", "s3://store"]).await.unwrap();
    aws(cloud, &["s3", "rm", "--recursive", "s3://store"]).await.unwrap();
    let empty = aws(cloud, &["s3api", "list-objects-v2", "--bucket", "store"]).await.unwrap();
    let versions = ["s3api", "list-object-versions", "--bucket", "store", "--output", "text", "--query"];
    let query = "[length(Versions), length(DeleteMarkers), Versions[0].Size]";
    let versions = aws(cloud, &[versions.as_slice(), &[query]].concat()).await.unwrap();
    let refused = aws(cloud, &["s3", "rb", "s3://store"]).await.unwrap_err();

    assert!(std::fs::read(&to).unwrap() == bytes, "the file came back changed");
    assert!(listed.contains("20000000 a b/big") && listed.contains("20000000 copy"), "{listed}");
    assert!(!empty.contains("Contents"), "{empty}");
    assert_eq!(versions.split_whitespace().collect::<Vec<_>>(), ["2", "2", "20000000"]);
    assert!(refused.contains("BucketNotEmpty"), "{refused}");
    started.cloud.stop().await;
}
