//! What becomes of a database: its final snapshot, which outlives its stack, told before and after; with
//! `--delete-data` deleted like everything else. Snapshots that were there before are somebody's own and stay.

use std::collections::BTreeSet;
use std::fmt;

use futures_util::future::try_join_all;
use serde::Serialize;

use crate::aws::Stack;
use crate::commands::deployed::Deployed;
use crate::context::Ctx;

const INSTANCE: &str = "AWS::RDS::DBInstance";

/// A database of a stack, as a destroy finds it.
#[derive(Debug, Serialize)]
pub(super) struct Database {
    /// Its identifier.
    name: String,
    end: End,
    /// The name of the stack in AWS.
    #[serde(skip)]
    stack: String,
    /// The snapshots that are there.
    #[serde(skip)]
    before: BTreeSet<String>,
}

/// How it ends with its stack, by the template that the stack has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum End {
    /// A final snapshot of it is kept.
    Snapshot,
    /// It was to be a snapshot; `--delete-data` wants none.
    SnapshotDeleted,
    Deleted,
    Kept,
}

/// The databases of the stacks.
pub(super) async fn databases(ctx: &Ctx, deployed: &Deployed, delete: bool) -> anyhow::Result<Vec<Database>> {
    let of_stacks = deployed.stacks.values().map(|stack| of_stack(ctx, stack, delete));
    Ok(try_join_all(of_stacks).await?.into_iter().flatten().collect())
}

async fn of_stack(ctx: &Ctx, stack: &Stack, delete: bool) -> anyhow::Result<Vec<Database>> {
    let resources = ctx.reading(ctx.aws.list_stack_resources(&stack.id)).await?;
    let mut found = Vec::new();
    for resource in
        resources.into_iter().filter(|it| it.resource_type == INSTANCE && !it.physical_id.is_empty())
    {
        let template = ctx.reading(ctx.aws.get_template(&stack.id)).await?;
        let end = match end(&template, &resource.logical_id)? {
            End::Snapshot if delete => End::SnapshotDeleted,
            end => end,
        };
        // Only what is there before tells which one the deletion makes.
        let before = match end {
            End::Snapshot | End::SnapshotDeleted => {
                ctx.reading(ctx.aws.manual_snapshots(&resource.physical_id)).await?.into_iter().collect()
            }
            End::Deleted | End::Kept => BTreeSet::new(),
        };
        found.push(Database { name: resource.physical_id, end, stack: stack.name.clone(), before });
    }
    Ok(found)
}

fn end(template: &str, logical_id: &str) -> anyhow::Result<End> {
    let template = seatrial_template::parse("the stack's template", template.as_bytes())?.to_json();
    // Without a policy CloudFormation takes a snapshot of an instance that is in no cluster.
    Ok(match template["Resources"][logical_id]["DeletionPolicy"].as_str() {
        None | Some("Snapshot") => End::Snapshot,
        Some("Delete") => End::Deleted,
        Some(_) => End::Kept,
    })
}

/// Adds the final snapshots of those databases whose stack is gone to what is kept, or deletes them.
///
/// # Errors
/// Those of the calls: the stacks are gone all the same.
pub(super) async fn settle(
    ctx: &Ctx,
    databases: &[Database],
    (deleted, kept): (&[String], &mut Vec<String>),
) -> Result<(), anyhow::Error> {
    for database in databases.iter().filter(|it| deleted.contains(&it.stack)) {
        if matches!(database.end, End::Deleted | End::Kept) {
            continue;
        }
        let mut made = ctx.aws.manual_snapshots(&database.name).await?;
        made.retain(|name| !database.before.contains(name));
        for name in made {
            if database.end == End::SnapshotDeleted {
                ctx.aws.delete_snapshot(&name).await?;
            } else {
                kept.push(format!("AWS::RDS::DBSnapshot {name}"));
            }
        }
    }
    Ok(())
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = match self.end {
            End::Snapshot => "of which a final snapshot is kept (`--delete-data`: none)",
            End::SnapshotDeleted | End::Deleted => "with all its data, for ever",
            End::Kept => "which is kept",
        };
        writeln!(f, "  database {}, {end}", self.name)
    }
}

/// What to type to be rid of something that was kept; `None` of what is not known.
pub(super) fn deletion(kept: &str) -> Option<String> {
    let (kind, name) = kept.split_once(' ')?;
    let command = match kind {
        "AWS::RDS::DBSnapshot" => "rds delete-db-snapshot --db-snapshot-identifier",
        "AWS::CodeConnections::Connection" => "codeconnections delete-connection --connection-arn",
        "AWS::CodeStarConnections::Connection" => "codestar-connections delete-connection --connection-arn",
        "AWS::Logs::LogGroup" => "logs delete-log-group --log-group-name",
        "AWS::ECR::Repository" => "ecr delete-repository --force --repository-name",
        "AWS::S3::Bucket" => return Some(format!("aws s3 rb --force s3://{name}")),
        _ => return None,
    };
    Some(format!("aws {command} {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_without_a_policy_leaves_a_snapshot() {
        let cases = [
            ("", End::Snapshot),
            ("DeletionPolicy: Snapshot", End::Snapshot),
            ("DeletionPolicy: Delete", End::Deleted),
            ("DeletionPolicy: Retain", End::Kept),
            ("DeletionPolicy: RetainExceptOnCreate", End::Kept),
        ];
        for (policy, expected) in cases {
            let template = format!("Resources:\n  Db:\n    Type: {INSTANCE}\n    {policy}\n");
            assert_eq!(end(&template, "Db").unwrap(), expected, "{policy}");
        }
    }

    #[test]
    fn whatever_our_templates_keep_is_told_with_the_way_to_delete_it() {
        let snapshot = deletion("AWS::RDS::DBSnapshot a-1").unwrap();
        assert_eq!(snapshot, "aws rds delete-db-snapshot --db-snapshot-identifier a-1");
        let connection = deletion("AWS::CodeConnections::Connection arn:x").unwrap();
        assert_eq!(connection, "aws codeconnections delete-connection --connection-arn arn:x");
        assert_eq!(deletion("AWS::SQS::Queue q"), None);
    }
}
