//! What the local cloud of a soak holds, read from its log: everything, also what no call of the tool would tell.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

/// Tables of what has happened, and of what is kept on purpose: a retained connection, final snapshots, the roles that
/// services make for themselves. Every other row is something that a stack holds, or an orphan.
const HISTORY: [&str; 17] = [
    "cloudformation-change-sets",
    "cloudformation-events",
    "cloudformation-resources",
    "cloudformation-stacks",
    "cloudformation-templates",
    "codebuild-builds",
    "codeconnections-connections",
    "codedeploy-deployments",
    "codedeploy-revisions",
    "codepipeline-executions",
    "credentials",
    "ecr-tokens",
    "ecs-revisions",
    "ecs-task-definitions",
    "rds-snapshots",
    "processes",
    "ecs-tasks",
];

/// Tables whose rows grow in number while a stack's resource stands: what is in a bucket, a repository, a log group.
const CONTENTS: [&str; 6] =
    ["ecr-images", "ecr-layers", "ecr-tags", "elbv2-targets", "log-streams", "s3-objects"];

/// The rows by table and key.
pub(crate) struct Records(BTreeMap<String, BTreeMap<String, Value>>);

impl Records {
    /// Reads the log in `data_dir`; a line that is just being written is passed over.
    pub(super) fn read(data_dir: &Path) -> Self {
        let text = fs::read_to_string(data_dir.join("state.jsonl")).unwrap_or_default();
        let mut tables: BTreeMap<String, BTreeMap<String, Value>> = BTreeMap::new();
        for mut line in text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
            let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
            let (table, key) = (tables.entry(text("t")).or_default(), text("k"));
            match line["v"].take() {
                Value::Null => drop(table.remove(&key)),
                row => drop(table.insert(key, row)),
            }
        }
        Self(tables)
    }

    /// One row; null where there is none.
    pub(crate) fn row(&self, table: &str, key: &str) -> &Value {
        self.0.get(table).and_then(|rows| rows.get(key)).unwrap_or(&Value::Null)
    }

    /// The rows of a table, by key.
    pub(crate) fn rows(&self, table: &str) -> impl Iterator<Item = (&String, &Value)> {
        self.0.get(table).into_iter().flatten()
    }

    /// Connections that wait for a person, by ID.
    pub(super) fn pending_connections(&self) -> Vec<String> {
        let rows = self.rows("codeconnections-connections");
        let pending = rows.filter(|(_, row)| row.to_string().contains("\"PENDING\""));
        pending.filter_map(|(arn, _)| arn.rsplit('/').next().map(str::to_owned)).collect()
    }

    /// Names and statuses of the stacks that are not deleted.
    pub(super) fn stacks(&self) -> BTreeMap<String, String> {
        let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
        let rows = self.rows("cloudformation-stacks").filter(|(_, row)| row["status"] != "DELETE_COMPLETE");
        rows.map(|(_, row)| (text(row, "name"), text(row, "status"))).collect()
    }

    /// Change sets that could still be executed, and transitions of pipelines that are still disabled.
    pub(super) fn left_over(&self) -> Vec<String> {
        let standing: Vec<&String> = self
            .rows("cloudformation-stacks")
            .filter(|(_, row)| row["status"] != "DELETE_COMPLETE")
            .map(|(id, _)| id)
            .collect();
        let waits = |row: &Value| {
            let of_one = standing.iter().any(|id| row["stack_id"] == id.as_str());
            of_one
                && !["EXECUTE_COMPLETE", "EXECUTE_FAILED", "OBSOLETE"]
                    .iter()
                    .any(|done| row["execution_status"] == *done)
        };
        let sets = self.rows("cloudformation-change-sets").filter(|(_, row)| waits(row));
        let sets = sets.map(|(id, row)| format!("change set {id} is {}", row["execution_status"]));
        let locked = |row: &Value| {
            let all = row["transitions"].as_object().into_iter().flatten();
            all.into_iter().any(|(_, transition)| transition["enabled"] == false)
        };
        let locks = self.rows("codepipeline-pipelines").filter(|(_, row)| locked(row));
        sets.chain(locks.map(|(name, row)| format!("pipeline {name} is locked: {}", row["transitions"])))
            .collect()
    }

    /// How many resources there are, by table; service-linked roles are nobody's.
    pub(super) fn resources(&self) -> BTreeMap<String, usize> {
        let own = |table: &str, key: &str| table != "iam-roles" || !key.starts_with("AWSServiceRoleFor");
        let tables = self.0.iter().filter(|(table, _)| !HISTORY.contains(&table.as_str()));
        let counted =
            tables.map(|(table, rows)| (table.clone(), rows.keys().filter(|key| own(table, key)).count()));
        counted.filter(|(_, count)| *count > 0).collect()
    }

    /// Those that a stack holds itself: without what is in them.
    pub(super) fn held(&self) -> BTreeMap<String, usize> {
        let mut held = self.resources();
        held.retain(|table, _| !CONTENTS.contains(&table.as_str()));
        held
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_one_would_take_up_again_is_found_in_the_log() -> std::io::Result<()> {
        let dir = tempfile::tempdir()?;
        let log = r#"{"t":"cloudformation-stacks","k":"s","v":{"name":"a","status":"REVIEW_IN_PROGRESS"}}
{"t":"cloudformation-stacks","k":"gone","v":{"name":"b","status":"DELETE_COMPLETE"}}
{"t":"cloudformation-change-sets","k":"one","v":{"stack_id":"s","execution_status":"AVAILABLE"}}
{"t":"cloudformation-change-sets","k":"done","v":{"stack_id":"s","execution_status":"EXECUTE_COMPLETE"}}
{"t":"cloudformation-change-sets","k":"of one that is gone","v":{"stack_id":"gone","execution_status":"AVAILABLE"}}
{"t":"codepipeline-pipelines","k":"p","v":{"transitions":{"Deploy":{"enabled":false},"Build":{"enabled":true}}}}
{"t":"log-groups","k":"orphan","v":{}}
{"t":"log-groups","k":"removed","v":{}}
{"t":"log-groups","k":"removed"}
{"t":"iam-roles","k":"AWSServiceRoleForECS","v":{}}
{"t":"s3-objects","k":"torn
"#;
        std::fs::write(dir.path().join("state.jsonl"), log)?;
        let records = Records::read(dir.path());
        assert_eq!(records.stacks(), [("a".to_owned(), "REVIEW_IN_PROGRESS".to_owned())].into());
        let left = records.left_over();
        assert!(left.len() == 2 && left[0].contains("one is") && left[1].contains("p is locked"), "{left:?}");
        let resources = [("codepipeline-pipelines".to_owned(), 1), ("log-groups".to_owned(), 1)];
        assert_eq!(records.resources(), resources.into());
        Ok(())
    }
}
