//! AWS's own command line client drives the local cloud: identity, refusals, CloudFormation, S3.

#![expect(clippy::unwrap_used, reason = "a test that cannot be prepared has failed")]

mod support;

use std::path::Path;

use serde_json::Value;
use support::Project;
use support::aws_cli::AwsCli;

/// A local cloud with nothing in it.
struct Empty {
    project: Project,
    local: Value,
}

impl Empty {
    fn start() -> Self {
        let project = Project::new();
        let ended = project.run(&["local", "start", "--output", "json"]);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        let local = serde_json::from_str(&ended.stdout).unwrap();
        Self { project, local }
    }

    fn aws(&self) -> AwsCli {
        AwsCli::new(&self.local)
    }
}

impl Drop for Empty {
    fn drop(&mut self) {
        self.project.run(&["local", "reset", "--yes"]);
    }
}

const TEMPLATE: &str = r#"
Parameters:
  Names:
    Type: CommaDelimitedList
    Default: one,two
  Keep:
    Type: String
    Default: "yes"
Conditions:
  IsKept: !Equals [!Ref Keep, "yes"]
Resources:
  Bucket:
    Type: AWS::S3::Bucket
  Group:
    Type: AWS::Logs::LogGroup
    Properties:
      LogGroupName: !Join ["/", ["", !Select [1, !Split ["-", !Ref AWS::StackName]], !Select [0, !Ref Names]]]
      RetentionInDays: 7
  Never:
    Type: AWS::Logs::LogGroup
    Condition: IsNever
Outputs:
  BucketName:
    Value: !Ref Bucket
  Sentence:
    Condition: IsKept
    Value: !Sub ${AWS::StackName} keeps ${Bucket} in ${AWS::Region}
"#;

#[test]
fn the_caller_is_told_and_a_wrong_key_is_refused() {
    let cloud = Empty::start();

    let identity = cloud.aws().json(&["sts", "get-caller-identity"]);
    let wrong = cloud.aws().with_secret("not-the-secret").refusal(&["sts", "get-caller-identity"]);
    let unsigned = cloud.aws().refusal(&["s3api", "list-buckets", "--no-sign-request"]);
    let unserved = cloud.aws().refusal(&["ecs", "list-attributes", "--target-type", "container-instance"]);

    assert_eq!(identity["Account"], "000000000000");
    assert!(wrong.contains("SignatureDoesNotMatch"), "{wrong}");
    assert!(
        unsigned.contains("AccessDenied") || unsigned.contains("MissingAuthenticationToken"),
        "{unsigned}"
    );
    assert!(unserved.contains("ListAttributes"), "{unserved}");
}

#[test]
fn a_stack_is_deployed_described_left_alone_and_deleted() {
    let cloud = Empty::start();
    let aws = cloud.aws();
    let template = TEMPLATE.replace("Conditions:\n", "Conditions:\n  IsNever: !Not [!Condition IsKept]\n");
    cloud.project.write("template.yml", template);
    let file = cloud.project.path("template.yml");
    let (file, url) = (file.to_str().unwrap(), format!("file://{}", file.display()));
    let deploy = ["cloudformation", "deploy", "--stack-name", "a-stack", "--template-file", file];

    aws.json(&["cloudformation", "validate-template", "--template-body", &url]);
    let summary = aws.json(&["cloudformation", "get-template-summary", "--template-body", &url]);
    assert_eq!(summary["ResourceTypes"].as_array().unwrap().len(), 3, "{summary}");
    aws.text(&deploy);
    assert!(
        aws.refusal(&[&deploy[..], &["--fail-on-empty-changeset"]].concat()).contains("No changes to deploy")
    );
    // The client names change sets by the second, and leaves the one that failed: a second deploy in the same
    // second would be refused, as on AWS.
    let left =
        aws.json(&["cloudformation", "list-change-sets", "--stack-name", "a-stack"])["Summaries"].take();
    assert_eq!(left[0]["Status"], "FAILED", "{left}");
    aws.text(&[
        "cloudformation",
        "delete-change-set",
        "--change-set-name",
        left[0]["ChangeSetId"].as_str().unwrap(),
    ]);
    aws.text(&[&deploy[..], &["--no-fail-on-empty-changeset"]].concat());

    let stack =
        aws.json(&["cloudformation", "describe-stacks", "--stack-name", "a-stack"])["Stacks"][0].take();
    assert_eq!(stack["StackStatus"], "CREATE_COMPLETE");
    let output = |name: &str| {
        let outputs = stack["Outputs"].as_array().unwrap();
        outputs.iter().find(|o| o["OutputKey"] == name).unwrap()["OutputValue"].as_str().unwrap().to_owned()
    };
    let bucket = output("BucketName");
    assert_eq!(output("Sentence"), format!("a-stack keeps {bucket} in eu-central-1"));
    let resources = aws.json(&["cloudformation", "describe-stack-resources", "--stack-name", "a-stack"]);
    assert_eq!(resources["StackResources"].as_array().unwrap().len(), 2);
    let events = aws.json(&["cloudformation", "describe-stack-events", "--stack-name", "a-stack"]);
    assert_eq!(events["StackEvents"][0]["ResourceStatus"], "CREATE_COMPLETE");
    assert!(aws.text(&["cloudformation", "get-template", "--stack-name", "a-stack"]).contains("IsKept"));
    assert!(aws.text(&["cloudformation", "list-stacks"]).contains("a-stack"));
    let groups = aws.json(&["logs", "describe-log-groups", "--log-group-name-prefix", "/stack/"]);
    assert_eq!(groups["logGroups"][0]["logGroupName"], "/stack/one");

    aws.text(&["s3", "cp", file, &format!("s3://{bucket}/kept")]);
    aws.text(&["cloudformation", "delete-stack", "--stack-name", "a-stack"]);
    aws.refusal(&["cloudformation", "wait", "stack-delete-complete", "--stack-name", "a-stack"]);
    let failed = aws.json(&["cloudformation", "describe-stacks", "--stack-name", "a-stack"]);
    assert_eq!(failed["Stacks"][0]["StackStatus"], "DELETE_FAILED", "{failed}");
    aws.text(&["s3", "rm", "--recursive", &format!("s3://{bucket}")]);
    aws.text(&["cloudformation", "delete-stack", "--stack-name", "a-stack"]);
    aws.text(&["cloudformation", "wait", "stack-delete-complete", "--stack-name", "a-stack"]);
}

#[test]
fn twenty_megabytes_go_to_s3_and_come_back() {
    let cloud = Empty::start();
    let aws = cloud.aws();
    // Neither all zeros nor a multiple of the part size.
    let bytes: Vec<u8> = (0..20_000_003_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    cloud.project.write("big", &bytes);
    let (big, back) = (cloud.project.path("big"), cloud.project.path("back"));
    let text = |path: &Path| path.to_str().unwrap().to_owned();

    aws.text(&["s3", "mb", "s3://a-bucket"]);
    aws.text(&[
        "s3api",
        "put-bucket-versioning",
        "--bucket",
        "a-bucket",
        "--versioning-configuration",
        "Status=Enabled",
    ]);
    aws.text(&["s3", "cp", &text(&big), "s3://a-bucket/folder/big"]);
    aws.text(&["s3", "cp", "s3://a-bucket/folder/big", &text(&back)]);
    let listed = aws.text(&["s3", "ls", "--recursive", "s3://a-bucket/"]);
    aws.text(&["s3", "rm", "--recursive", "s3://a-bucket/"]);
    let versions = aws.json(&["s3api", "list-object-versions", "--bucket", "a-bucket"]);

    assert!(std::fs::read(&back).unwrap() == bytes, "what came back differs");
    assert!(listed.contains("20000003 folder/big"), "{listed}");
    assert_eq!(versions["Versions"].as_array().unwrap().len(), 1);
    assert_eq!(versions["DeleteMarkers"].as_array().unwrap().len(), 1);
}
