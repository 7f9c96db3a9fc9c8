//! What lifecycles, retentions and abandoned uploads leave nothing of, by a clock that is moved.

use std::time::Duration;

use serde_json::{Value, json};

use super::{call, cloud_at};
use crate::Cloud;
use crate::clock::{Clock, Hands};
use crate::collector::collect;

const DAY: Duration = Duration::from_secs(24 * 3600);

async fn keys(cloud: &Cloud) -> Vec<String> {
    let listed = call(cloud, "s3:ListObjectVersions", json!({"Bucket": "store"})).await.unwrap();
    let of = |kind: &str| {
        let entries = listed[kind].as_array().cloned().unwrap_or_default();
        entries
            .into_iter()
            .map(|entry| format!("{kind} {}", entry["Key"].as_str().unwrap()))
            .collect::<Vec<_>>()
    };
    [of("Versions"), of("DeleteMarkers")].concat()
}

#[tokio::test]
async fn a_lifecycle_is_applied_when_its_days_have_passed() {
    let (dir, hands) = (tempfile::tempdir().unwrap(), Hands::new());
    let cloud = cloud_at(dir.path(), dir.path(), Clock::by(hands), crate::services::register);
    call(&cloud, "s3:CreateBucket", json!({"Bucket": "store"})).await.unwrap();
    let rules = json!([
        {"Status": "Enabled", "Filter": {"Prefix": "tmp/"}, "Expiration": {"Days": 2}},
        {"Status": "Disabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}},
        {"Status": "Enabled", "Filter": {"Prefix": ""}, "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}}
    ]);
    let lifecycle = json!({"Bucket": "store", "LifecycleConfiguration": {"Rules": rules}});
    call(&cloud, "s3:PutBucketLifecycleConfiguration", lifecycle).await.unwrap();
    for key in ["tmp/a", "kept"] {
        call(&cloud, "s3:PutObject", json!({"Bucket": "store", "Key": key, "Body": "b25l"})).await.unwrap();
    }
    call(&cloud, "s3:CreateMultipartUpload", json!({"Bucket": "store", "Key": "big"})).await.unwrap();
    let uploads = async || {
        let open = call(&cloud, "s3:ListMultipartUploads", json!({"Bucket": "store"})).await.unwrap();
        open["Uploads"].as_array().unwrap().len()
    };
    let files = || std::fs::read_dir(dir.path().join("s3")).unwrap().count();

    hands.advance(DAY);
    collect(&cloud);
    assert_eq!((keys(&cloud).await.len(), uploads().await, files()), (2, 1, 2));
    hands.advance(2 * DAY);
    collect(&cloud);
    assert_eq!((keys(&cloud).await, uploads().await, files()), (vec!["Versions kept".to_owned()], 1, 1));
    hands.advance(7 * DAY);
    collect(&cloud);
    assert_eq!(uploads().await, 0);
}

#[tokio::test]
async fn of_a_bucket_that_keeps_versions_old_ones_go_and_the_newest_gets_a_marker() {
    let (dir, hands) = (tempfile::tempdir().unwrap(), Hands::new());
    let cloud = cloud_at(dir.path(), dir.path(), Clock::by(hands), crate::services::register);
    call(&cloud, "s3:CreateBucket", json!({"Bucket": "store"})).await.unwrap();
    let enabled = json!({"Bucket": "store", "VersioningConfiguration": {"Status": "Enabled"}});
    call(&cloud, "s3:PutBucketVersioning", enabled).await.unwrap();
    let rules = json!([{"Status": "Enabled", "Prefix": "", "Expiration": {"Days": 1},
        "NoncurrentVersionExpiration": {"NoncurrentDays": 3}}]);
    let lifecycle = json!({"Bucket": "store", "LifecycleConfiguration": {"Rules": rules}});
    call(&cloud, "s3:PutBucketLifecycleConfiguration", lifecycle).await.unwrap();
    call(&cloud, "s3:PutObject", json!({"Bucket": "store", "Key": "a", "Body": "b25l"})).await.unwrap();

    hands.advance(2 * DAY);
    collect(&cloud);
    assert_eq!(keys(&cloud).await, ["Versions a", "DeleteMarkers a"]);
    hands.advance(4 * DAY);
    collect(&cloud);
    assert_eq!(keys(&cloud).await, ["DeleteMarkers a"]);
}

#[tokio::test]
async fn of_deleted_stacks_the_newest_stay_and_the_others_ninety_days() {
    let (dir, hands) = (tempfile::tempdir().unwrap(), Hands::new());
    let cloud = cloud_at(dir.path(), dir.path(), Clock::by(hands), crate::services::register);
    let template = "Resources: {A: {Type: 'AWS::Logs::LogGroup'}}";
    let wait = async |id: &Value, expected: &str| {
        let input = json!({ "StackName": id });
        let status = async || {
            let found = call(&cloud, "cloudformation:DescribeStacks", input.clone()).await.unwrap();
            found["Stacks"][0]["StackStatus"].clone()
        };
        while status().await != expected {
            tokio::task::yield_now().await;
        }
    };
    let mut ids = Vec::new();
    for number in 0..12 {
        let input = json!({"StackName": format!("s{number}"), "TemplateBody": template});
        let id = call(&cloud, "cloudformation:CreateStack", input).await.unwrap()["StackId"].take();
        wait(&id, "CREATE_COMPLETE").await;
        call(&cloud, "cloudformation:DeleteStack", json!({ "StackName": id })).await.unwrap();
        wait(&id, "DELETE_COMPLETE").await;
        hands.advance(Duration::from_secs(60));
        ids.push(id);
    }
    let there = async |id: &Value| {
        let input = json!({ "StackName": id });
        let stack = call(&cloud, "cloudformation:DescribeStacks", input.clone()).await.is_ok();
        let events = call(&cloud, "cloudformation:DescribeStackEvents", input).await.is_ok();
        assert_eq!(stack, events);
        stack
    };

    hands.advance(89 * DAY);
    collect(&cloud);
    assert!(there(&ids[0]).await);
    hands.advance(2 * DAY);
    collect(&cloud);
    let mut found = Vec::new();
    for id in &ids {
        found.push(there(id).await);
    }
    assert_eq!(found, [[false; 2].as_slice(), &[true; 10]].concat());
}

#[tokio::test]
async fn events_past_their_groups_retention_are_gone_also_after_a_restart() {
    let (dir, hands) = (tempfile::tempdir().unwrap(), Hands::new());
    let open = || cloud_at(dir.path(), dir.path(), Clock::by(hands), crate::services::register);
    let cloud = open();
    for (group, days) in [("short", Some(1)), ("for-ever", None)] {
        call(&cloud, "logs:CreateLogGroup", json!({"logGroupName": group})).await.unwrap();
        let names = json!({"logGroupName": group, "logStreamName": "s"});
        call(&cloud, "logs:CreateLogStream", names).await.unwrap();
        if let Some(days) = days {
            let retention = json!({"logGroupName": group, "retentionInDays": days});
            call(&cloud, "logs:PutRetentionPolicy", retention).await.unwrap();
        }
    }
    let put = async |message: &str| {
        for group in ["short", "for-ever"] {
            let now = (Clock::by(hands).now().0 * 1000.0) as i64;
            let events = json!([{"timestamp": now, "message": message}]);
            let input = json!({"logGroupName": group, "logStreamName": "s", "logEvents": events});
            call(&cloud, "logs:PutLogEvents", input).await.unwrap();
        }
    };
    let messages = async |cloud: &Cloud, group: &str| -> Vec<Value> {
        let input = json!({"logGroupName": group, "logStreamName": "s", "startFromHead": true});
        let read = call(cloud, "logs:GetLogEvents", input).await.unwrap();
        read["events"].as_array().unwrap().iter().map(|event| event["message"].clone()).collect()
    };
    put("old").await;
    hands.advance(2 * DAY);
    put("new").await;
    collect(&cloud);
    put("newer").await;

    for cloud in [&cloud, &open()] {
        assert_eq!(messages(cloud, "short").await, ["new", "newer"]);
        assert_eq!(messages(cloud, "for-ever").await, ["old", "new", "newer"]);
    }
}
