//! What is ours, and what is the user's own: stacks whose template is gone, and stacks that are none of the tool's.

use serde_json::json;

use crate::workbench::{SECOND, Workbench};

const PROVISION: [&str; 6] = ["provision", "--yes", "--environment", "account", "--output", "json"];
const DESTROY: [&str; 6] = ["destroy", "--yes", "--environment", "account", "--output", "json"];

#[test]
fn a_stack_whose_template_is_gone_is_told_by_every_command_and_destroyed_with_the_others() {
    let workbench = Workbench::started();
    assert_eq!(workbench.run(&PROVISION).code, Some(0));
    std::fs::remove_file(workbench.path("infra/stacks/second.yml")).unwrap();
    let orphans = json!(["tiny-account-second"]);
    let asked = ["--environment", "account"];
    for words in [&["provision", "--yes"][..], &["diff"], &["provision", "--dry-run"], &["status"]] {
        let told = workbench.run(&[words, &asked].concat());
        assert_eq!(told.code, Some(0), "{told:?}");
        assert!(told.stdout.contains("tiny-account-second"), "{words:?}: {told:?}");
        assert!(told.stdout.contains(" has no template any more: "), "{words:?}: {told:?}");
        let object = workbench.run(&[words, &asked, &["--output", "json"]].concat()).object();
        assert_eq!(object["orphans"], orphans, "{words:?}: {object}");
    }
    let planned = workbench.run(&[&["destroy", "--dry-run"][..], &asked].concat());
    assert!(
        planned.stdout.contains("with tiny-account-second, which has no template any more"),
        "{planned:?}"
    );

    // Its template is back, under another name: one is made, the other stays until it is destroyed.
    workbench.write("infra/stacks/third.yml", SECOND);
    let made = workbench.run(&PROVISION);
    assert_eq!((made.code, &made.object()["orphans"]), (Some(0), &orphans), "{made:?}");
    assert_eq!(workbench.stacks().len(), 3);

    let destroyed = workbench.run(&DESTROY);

    assert_eq!(destroyed.code, Some(0), "{destroyed:?}");
    assert_eq!(workbench.stacks(), []);
}

/// Named so that the alphabet has them in the wrong order.
const ARCHIVE: &str = "Parameters:
  VpcId: {Type: String}
  QueueUrl: {Type: String}
Resources:
  Bucket:
    Type: AWS::S3::Bucket
    DeletionPolicy: Retain
    UpdateReplacePolicy: Retain
    Properties: {Tags: [{Key: vpc, Value: !Ref VpcId}, {Key: queue, Value: !Ref QueueUrl}]}
";
const JOBS: &str = "Parameters:
  VpcId: {Type: String}
Resources:
  Queue:
    Type: AWS::SQS::Queue
    Properties: {VisibilityTimeout: 30, Tags: [{Key: vpc, Value: !Ref VpcId}]}
Outputs:
  QueueUrl: {Value: !Ref Queue}
";
const NETWORK: &str = "Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16}}
Outputs:
  VpcId: {Value: !Ref Vpc}
";

#[test]
fn a_users_own_stacks_are_ordered_deployed_updated_and_destroyed_and_a_retained_bucket_keeps_its_objects() {
    let workbench = Workbench::started();
    for (file, text) in [("archive", ARCHIVE), ("jobs", JOBS), ("network", NETWORK)] {
        workbench.write(&format!("infra/stacks/{file}.yml"), text);
    }
    let made = workbench.run(&PROVISION);
    assert_eq!(made.code, Some(0), "{made:?}");
    let vpc = workbench.output("tiny-account-network", "VpcId");
    assert_eq!(workbench.parameters("tiny-account-archive")["VpcId"], vpc);
    let queue = workbench.output("tiny-account-jobs", "QueueUrl");
    assert!(
        queue.starts_with("https://sqs.eu-central-1.amazonaws.com/000000000000/tiny-account-jobs-Queue-"),
        "{queue}"
    );
    assert_eq!(workbench.parameters("tiny-account-archive")["QueueUrl"], queue);
    workbench.fill_bucket("tiny-account-archive", "Bucket");
    let bucket = workbench.physical_id("tiny-account-archive", "Bucket");

    workbench.write("infra/stacks/jobs.yml", &JOBS.replace("Timeout: 30", "Timeout: 60"));
    workbench.write("infra/stacks/archive.yml", &ARCHIVE.replace("Key: vpc", "Key: network"));
    let updated = workbench.run(&PROVISION);
    let object = updated.object();
    assert_eq!((updated.code, &object["changed"]), (Some(0), &true.into()), "{updated:?}");
    assert_eq!(workbench.output("tiny-account-jobs", "QueueUrl"), queue);
    assert_eq!(workbench.physical_id("tiny-account-archive", "Bucket"), bucket);

    let destroyed = workbench.run(&DESTROY);

    let object = destroyed.object();
    assert_eq!(destroyed.code, Some(0), "{destroyed:?}");
    assert_eq!(workbench.stacks(), []);
    assert_eq!(object["kept"], json!([format!("AWS::S3::Bucket {bucket}")]));
    let client = aws_sdk_s3::Client::new(&workbench.config());
    let object = workbench.answer(client.get_object().bucket(&bucket).key("object").send()).unwrap();
    assert_eq!(workbench.answer(object.body.collect()).unwrap().to_vec(), b"x");
    assert_eq!(workbench.calls("DeleteObjects"), 0);
}
