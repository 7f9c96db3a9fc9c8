//! The one bucket that a destroy empties.

use crate::aws::Stack;
use crate::context::Ctx;

/// The one bucket that is emptied, by stack and logical ID: what is in it was put there by our own pipeline. It is
/// kept whole where its template retains it.
const ARTIFACT_BUCKET: (&str, &str) = ("build", "ArtifactBucket");

/// The artifact bucket, if this stack has it and deletes it.
pub(super) async fn bucket_to_empty(ctx: &Ctx, short: &str, stack: &Stack) -> anyhow::Result<Option<String>> {
    let (of_stack, logical_id) = ARTIFACT_BUCKET;
    if short != of_stack {
        return Ok(None);
    }
    let resources = ctx.reading(ctx.aws.list_stack_resources(&stack.id)).await?;
    let bucket = resources.into_iter().find(|resource| resource.logical_id == logical_id);
    let Some(bucket) = bucket.filter(|bucket| !bucket.physical_id.is_empty()) else { return Ok(None) };
    let template = ctx.reading(ctx.aws.get_template(&stack.id)).await?;
    Ok(is_deleted_with_stack(&template, logical_id)?.then_some(bucket.physical_id))
}

/// Whether a stack's deletion deletes the resource, by the template the stack has. A policy that is not understood
/// is no reason to delete.
fn is_deleted_with_stack(template: &str, logical_id: &str) -> anyhow::Result<bool> {
    let template = seatrial_template::parse("the stack's template", template.as_bytes())?.to_json();
    // Without a policy CloudFormation deletes a bucket.
    Ok(match template["Resources"].get(logical_id) {
        Some(resource) => resource.get("DeletionPolicy").is_none_or(|policy| policy == "Delete"),
        None => false,
    })
}

/// Deletes every object, version and delete marker of a bucket, page by page; answers how many.
pub(super) async fn empty_bucket(ctx: &Ctx, bucket: &str) -> anyhow::Result<usize> {
    let mut count = 0;
    loop {
        let found = ctx.reading(ctx.aws.first_objects(bucket, "")).await?;
        if found.len() == 0 {
            return Ok(count);
        }
        count += found.len();
        ctx.aws.delete_objects(bucket, found).await?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_resource_that_its_template_deletes_is_deleted_with_the_stack() {
        let cases = [
            ("", true),
            ("DeletionPolicy: Delete", true),
            ("DeletionPolicy: Retain", false),
            ("DeletionPolicy: RetainExceptOnCreate", false),
            ("DeletionPolicy: Snapshot", false),
            ("DeletionPolicy: !If [Always, Delete, Retain]", false),
        ];
        for (policy, deleted) in cases {
            let template = format!("Resources:\n  Bucket:\n    Type: AWS::S3::Bucket\n    {policy}\n");
            assert_eq!(is_deleted_with_stack(&template, "Bucket").unwrap(), deleted, "{policy}");
            assert!(!is_deleted_with_stack(&template, "Other").unwrap());
        }
        assert!(is_deleted_with_stack("Resources: [", "Bucket").is_err());
    }
}
