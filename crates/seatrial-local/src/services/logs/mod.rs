//! CloudWatch Logs: groups, streams, and their events in files.

mod collect;
mod encryption;
mod newest;
mod operations;
mod pattern;
mod recent;
mod store;

pub(crate) use operations::*;
pub(crate) use recent::recent;

use crate::cloud::Cloud;
use crate::operation::Operations;

/// The tags of a log group, by its ARN or that of one of its streams.
pub(crate) fn tags_of(cloud: &Cloud, arn: &str) -> Option<Vec<(String, String)>> {
    let (_, name) = arn.split_once(":log-group:")?;
    let name = name.split(':').next().unwrap_or(name);
    Some(cloud.part::<store::LogStore>().group(name).ok()?.tags.into_iter().collect())
}

pub(crate) fn register(operations: &mut Operations) {
    operations.add_collect(collect::collect);
    operations.add::<CreateLogGroup>();
    operations.add::<DeleteLogGroup>();
    operations.add::<AssociateKmsKey>();
    operations.add::<DisassociateKmsKey>();
    operations.add::<DescribeLogGroups>();
    operations.add::<PutRetentionPolicy>();
    operations.add::<DeleteRetentionPolicy>();
    operations.add::<ListTagsForResource>();
    operations.add::<TagResource>();
    operations.add::<UntagResource>();
    operations.add::<CreateLogStream>();
    operations.add::<DeleteLogStream>();
    operations.add::<DescribeLogStreams>();
    operations.add::<PutLogEvents>();
    operations.add::<GetLogEvents>();
    operations.add::<FilterLogEvents>();
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::tests::{call, cloud_in};

    fn messages(output: &Value) -> Vec<&str> {
        output["events"].as_array().unwrap().iter().map(|event| event["message"].as_str().unwrap()).collect()
    }

    #[tokio::test]
    async fn lines_are_read_by_position_and_found_by_terms_also_after_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let cloud = cloud_in(dir.path());
        let (group, stream) = (json!("/app"), json!("web/1"));
        call(&cloud, "logs:CreateLogGroup", json!({"logGroupName": group})).await.unwrap();
        let names = json!({"logGroupName": group, "logStreamName": stream});
        call(&cloud, "logs:CreateLogStream", names.clone()).await.unwrap();
        let now = (cloud.clock().now().0 * 1000.0) as i64;
        let line = |index: i64| json!({"timestamp": now + index, "message": format!("line {index}")});
        let lines: Vec<Value> = (0..5).map(line).collect();
        let mut put = names.clone();
        put["logEvents"] = json!(lines);
        call(&cloud, "logs:PutLogEvents", put).await.unwrap();
        drop(cloud);
        let cloud = cloud_in(dir.path());

        let mut get = names.clone();
        get["limit"] = json!(2);
        let newest = call(&cloud, "logs:GetLogEvents", get.clone()).await.unwrap();
        get["nextToken"] = newest["nextBackwardToken"].clone();
        let before = call(&cloud, "logs:GetLogEvents", get.clone()).await.unwrap();
        get["nextToken"] = newest["nextForwardToken"].clone();
        let after = call(&cloud, "logs:GetLogEvents", get).await.unwrap();
        let filter = json!({"logGroupName": group, "filterPattern": "line -1", "limit": 3});
        let found = call(&cloud, "logs:FilterLogEvents", filter).await.unwrap();

        assert_eq!(messages(&newest), ["line 3", "line 4"]);
        assert_eq!(messages(&before), ["line 1", "line 2"]);
        assert!(messages(&after).is_empty());
        assert_eq!(after["nextForwardToken"], newest["nextForwardToken"]);
        assert_eq!(messages(&found), ["line 0", "line 2", "line 3"]);
        assert!(found["nextToken"].is_string());
    }

    #[tokio::test]
    async fn a_missing_group_and_a_missing_stream_are_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        let cloud = cloud_in(dir.path());
        let names = json!({"logGroupName": "g", "logStreamName": "s"});

        let no_group = call(&cloud, "logs:GetLogEvents", names.clone()).await.unwrap_err();
        call(&cloud, "logs:CreateLogGroup", json!({"logGroupName": "g"})).await.unwrap();
        let no_stream = call(&cloud, "logs:GetLogEvents", names).await.unwrap_err();

        assert_eq!(no_group.message, "The specified log group does not exist.");
        assert_eq!(no_stream.message, "The specified log stream does not exist.");
    }
}

/// What tests feed with patterns of strangers.
#[cfg(test)]
pub(crate) mod fuzzing {
    use super::pattern::Pattern;

    pub(crate) fn matches(pattern: &str, text: &str) {
        let _ = Pattern::parse(pattern).map(|pattern| pattern.matches(text));
    }
}
