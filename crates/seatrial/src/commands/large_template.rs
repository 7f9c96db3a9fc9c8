//! A template that is too large for a request: AWS reads it from the artifact bucket, where it lies no longer than that
//! takes.

use super::deployed::Deployed;
use crate::aws::AwsError;
use crate::context::Ctx;
use crate::exit::Refused;
use crate::plan::limits::MAXIMUM_BODY;
use crate::plan::owned::Owned;

/// Where such templates are put, each under a name of its own.
const FOLDER: &str = "templates";

/// A template in the bucket.
pub(super) struct Uploaded {
    bucket: String,
    key: String,
    pub(super) url: String,
}

/// Puts a template into the bucket if it cannot be sent otherwise.
///
/// # Errors
/// Refused where there is no bucket yet.
pub(super) async fn upload(ctx: &Ctx, stack: &str, template: &str) -> anyhow::Result<Option<Uploaded>> {
    if template.len() <= MAXIMUM_BODY {
        return Ok(None);
    }
    let deployed = Deployed::read(ctx).await?;
    let Some(bucket) = deployed.output(Owned::ArtifactBucketName) else {
        let refused = format!(
            "the template of stack `{stack}` has {} bytes, more than {MAXIMUM_BODY}: it is sent through the artifact bucket, which is not there yet",
            template.len()
        );
        let makes = ctx.session.command("provision");
        return Err(Refused::new(refused)
            .hint(format!("`{makes}` makes the bucket first: stack `build`"))
            .into());
    };
    let key = format!("{FOLDER}/{stack}-{:08x}", rand::random::<u32>());
    ctx.aws.put_object(bucket, &key, template.as_bytes().to_vec()).await?;
    let url = url(ctx.aws.region(), bucket, &key);
    Ok(Some(Uploaded { bucket: bucket.to_owned(), key, url }))
}

/// The virtual-hosted form, which CloudFormation takes.
fn url(region: &str, bucket: &str, key: &str) -> String {
    let suffix = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    format!("https://{bucket}.s3.{region}.{suffix}/{key}")
}

/// Removes it again. One that is left is told and no more: the bucket forgets it in time.
pub(super) async fn remove(ctx: &Ctx, uploaded: &Uploaded) {
    let removed = async {
        let versions = ctx.aws.first_objects(&uploaded.bucket, &uploaded.key).await?;
        ctx.aws.delete_objects(&uploaded.bucket, versions).await
    };
    let removed: Result<(), AwsError> = removed.await;
    if let Err(error) = removed {
        ctx.printer().warning(format_args!("a template is left in the artifact bucket: {error}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_in_a_bucket_has_the_address_of_its_region_and_partition() {
        let cases = [
            ("eu-central-1", "https://b.s3.eu-central-1.amazonaws.com/templates/x"),
            ("cn-north-1", "https://b.s3.cn-north-1.amazonaws.com.cn/templates/x"),
        ];
        for (region, expected) in cases {
            assert_eq!(url(region, "b", "templates/x"), expected);
        }
    }
}
