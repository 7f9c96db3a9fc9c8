//! What a pipeline's role must be allowed: found one denied call at a time, as on AWS.

use serde_json::{Value, json};

use super::world::{Deployments, World, call, pipeline, prepare};
use super::{start, wait};
use crate::access::is_refusal;
use crate::cloud::Cloud;
use crate::principal::Principal;
use crate::services::codepipeline::store::{ExecutionRow, Status};
use crate::services::iam;
use crate::tests::ACCOUNT;

/// The statements of the tutorial's pipeline role (`CodePipeline Role` of the article that this project implements), with
/// the names of what stands for its resources here.
fn pipeline_role(connection: &str) -> Vec<Value> {
    let project = format!("arn:aws:codebuild:eu-central-1:{ACCOUNT}:project/app-build");
    vec![
        allow(&["s3:GetObject", "s3:PutObject", "s3:GetObjectVersion"], "arn:aws:s3:::bucket/*"),
        allow(&["codestar-connections:UseConnection"], connection),
        allow(&["codebuild:StartBuild", "codebuild:BatchGetBuilds"], &project),
    ]
}

/// Those of its `CodeBuild Role`.
fn build_role() -> Vec<Value> {
    let repository = format!("arn:aws:ecr:eu-central-1:{ACCOUNT}:repository/app");
    let push = [
        "ecr:CompleteLayerUpload",
        "ecr:GetAuthorizationToken",
        "ecr:UploadLayerPart",
        "ecr:InitiateLayerUpload",
        "ecr:BatchCheckLayerAvailability",
        "ecr:PutImage",
    ];
    vec![
        allow(&push, &repository),
        allow(&["ecr:GetAuthorizationToken"], "*"),
        allow(&["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"], "*"),
        allow(&["s3:GetObject", "s3:PutObject", "s3:GetObjectVersion"], "arn:aws:s3:::bucket/*"),
    ]
}

fn allow(actions: &[&str], resource: &str) -> Value {
    json!({"Effect": "Allow", "Action": actions, "Resource": resource})
}

/// Gives the role these statements and nothing else.
async fn set_policy(cloud: &Cloud, role: &str, statements: &[Value]) {
    let document = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
    // The name under which a test's role has everything.
    let input = json!({"RoleName": role, "PolicyName": "all", "PolicyDocument": document});
    call(cloud, "iam", "PutRolePolicy", input).await;
}

/// How the execution of that number ended: what was denied, if it failed.
async fn ended(cloud: &Cloud, number: usize) -> Option<(ExecutionRow, String)> {
    let is_over = |row: &ExecutionRow| matches!(row.status, Status::Failed | Status::Succeeded);
    let row = wait(cloud, |rows| rows.get(number).is_some_and(is_over)).await.swap_remove(number);
    if row.status == Status::Succeeded {
        return None;
    }
    let actions = [("Source", "Source"), ("Build", "Build"), ("Deploy", "Deploy")];
    let mut errors = actions.iter().filter_map(|(stage, action)| row.action(stage, action)?.error.clone());
    let message = errors.next().unwrap().message;
    Some((row, message))
}

/// `s3:PutObjectAcl` of `... is not authorized to perform: s3:PutObjectAcl on resource: ...`.
fn denied(message: &str) -> &str {
    let (_, rest) =
        message.split_once("is not authorized to perform: ").unwrap_or_else(|| panic!("{message}"));
    rest.split_once(" on resource: ").unwrap().0
}

#[tokio::test]
async fn without_put_object_acl_the_source_action_fails_as_on_aws() {
    let world = World::new("true");
    let cloud = world.cloud();
    let connection = prepare(&cloud).await;
    *cloud.part::<Deployments>().status.lock().unwrap() = "Succeeded";
    let all_but = json!({"Effect": "Allow", "NotAction": "s3:PutObjectAcl", "Resource": "*"});
    set_policy(&cloud, "pipeline", &[all_but]).await;

    call(&cloud, "codepipeline", "CreatePipeline", pipeline(&connection, "QUEUED")).await;
    let (row, message) = ended(&cloud, 0).await.unwrap();

    assert!(row.action("Source", "Source").unwrap().error.is_some());
    let who = format!("User: arn:aws:sts::{ACCOUNT}:assumed-role/pipeline/");
    assert!(message.contains(&who), "{message}");
    let words = "is not authorized to perform: s3:PutObjectAcl on resource: \"arn:aws:s3:::bucket/app-pipeline-with-a-";
    assert!(message.contains(words), "{message}");
    assert!(
        message.ends_with("because no identity-based policy allows the s3:PutObjectAcl action"),
        "{message}"
    );
    // It is this one that was missing.
    set_policy(&cloud, "pipeline", &[allow(&["*"], "*")]).await;
    start(&cloud).await;
    assert!(ended(&cloud, 1).await.is_none());
}

#[tokio::test]
async fn the_tutorials_pipeline_role_is_denied_one_permission_after_the_other() {
    let world = World::new("true");
    let role = |name: &str| format!("arn:aws:iam::{ACCOUNT}:role/{name}");
    let definition = json!({
        "family": "app", "executionRoleArn": role("execution"), "taskRoleArn": role("task"),
        "containerDefinitions": [{"name": "app", "image": "<IMAGE1_NAME>"}],
    });
    std::fs::write(world.repository.join("taskdef.json"), definition.to_string()).unwrap();
    let identity = ["-c", "user.name=T", "-c", "user.email=t@example.com"];
    let commit = ["commit", "--quiet", "--all", "-m", "Name the roles"];
    seatrial_git::bytes(&world.repository, &[&identity[..], &commit].concat()).unwrap();
    let cloud = world.cloud();
    let connection = prepare(&cloud).await;
    for name in ["execution", "task"] {
        iam::add_trusting_role(&cloud, name);
    }
    *cloud.part::<Deployments>().status.lock().unwrap() = "Succeeded";
    let mut statements = pipeline_role(&connection);
    set_policy(&cloud, "pipeline", &statements).await;

    call(&cloud, "codepipeline", "CreatePipeline", pipeline(&connection, "QUEUED")).await;
    let mut missing = Vec::new();
    for number in 0.. {
        let Some((_, message)) = ended(&cloud, number).await else { break };
        let action = denied(&message).to_owned();
        assert!(!missing.contains(&action), "{action} once more: {message}");
        statements.push(allow(&[&action], "*"));
        missing.push(action);
        set_policy(&cloud, "pipeline", &statements).await;
        start(&cloud).await;
    }

    // What aws-facts.md, section 1, says that it lacks: the connection's new name, the bucket's own actions, and all of
    // the deploy stage; with what section 3 adds of uploads.
    assert_eq!(
        missing,
        [
            "codeconnections:UseConnection",
            "s3:GetBucketLocation",
            "s3:GetBucketAcl",
            "s3:GetBucketVersioning",
            "s3:PutObjectAcl",
            "ecs:RegisterTaskDefinition",
            "iam:PassRole",
            "codedeploy:GetApplication",
            "codedeploy:RegisterApplicationRevision",
            "codedeploy:CreateDeployment",
            "codedeploy:GetApplicationRevision",
            "codedeploy:GetDeployment",
        ]
    );
}

/// Whether `role` is let in with that call.
async fn may(cloud: &Cloud, role: &str, called: &str, input: Value) -> bool {
    let principal = Principal::assumed_role(&format!("arn:aws:iam::{ACCOUNT}:role/{role}"), "s", ACCOUNT);
    let (service, operation) = called.split_once(':').unwrap();
    match cloud.dispatch(&principal, (service, operation), input).await {
        Err(error) => !is_refusal(&error),
        Ok(_) => true,
    }
}

#[tokio::test]
async fn the_tutorials_policies_allow_what_they_name_and_nothing_else_of_the_chain() {
    let world = World::new("true");
    let cloud = world.cloud();
    let connection = prepare(&cloud).await;
    set_policy(&cloud, "pipeline", &pipeline_role(&connection)).await;
    set_policy(&cloud, "build", &build_role()).await;
    let object = json!({"Bucket": "bucket", "Key": "k", "Body": ""});
    let of_owner = json!({"Bucket": "bucket", "Key": "k", "Body": "", "ACL": "bucket-owner-full-control"});
    let bucket = json!({"Bucket": "bucket"});
    let image = json!({"repositoryName": "app", "imageIds": [{"imageTag": "latest"}]});
    let layer = json!({"repositoryName": "app", "layerDigest": "sha256:1"});
    let layers = json!({"repositoryName": "app", "layerDigests": ["sha256:1"]});
    let deployment = json!({"applicationName": "app", "deploymentGroupName": "app"});
    let application = json!({"applicationName": "app"});
    let revision = json!({"applicationName": "app", "revision": {"revisionType": "AppSpecContent"}});
    let definition = json!({"family": "app", "containerDefinitions": []});
    let config = json!({"deploymentConfigName": "CodeDeployDefault.ECSAllAtOnce"});
    let project = json!({"projectName": "app-build"});
    let group = json!({"logGroupName": "g", "logStreamName": "s"});
    let rows: [(&str, &str, &Value, bool); 24] = [
        ("pipeline", "s3:GetObject", &object, true),
        ("pipeline", "s3:PutObject", &object, true),
        ("pipeline", "s3:PutObject", &of_owner, false),
        ("pipeline", "s3:GetBucketVersioning", &bucket, false),
        ("pipeline", "s3:GetBucketAcl", &bucket, false),
        ("pipeline", "s3:GetBucketLocation", &bucket, false),
        ("pipeline", "codebuild:StartBuild", &project, true),
        ("pipeline", "ecs:RegisterTaskDefinition", &definition, false),
        ("pipeline", "codedeploy:CreateDeployment", &deployment, false),
        ("pipeline", "codedeploy:GetDeployment", &json!({"deploymentId": "d-TEST12345"}), false),
        ("pipeline", "codedeploy:GetDeploymentConfig", &config, false),
        ("pipeline", "codedeploy:GetApplication", &application, false),
        ("pipeline", "codedeploy:RegisterApplicationRevision", &revision, false),
        ("pipeline", "codedeploy:GetApplicationRevision", &revision, false),
        // The statement on the repository does nothing, the one on `*` does.
        ("build", "ecr:GetAuthorizationToken", &json!({}), true),
        ("build", "ecr:BatchCheckLayerAvailability", &layers, true),
        ("build", "ecr:InitiateLayerUpload", &json!({"repositoryName": "app"}), true),
        ("build", "ecr:BatchGetImage", &image, false),
        ("build", "ecr:GetDownloadUrlForLayer", &layer, false),
        ("build", "ecr:DescribeImages", &image, false),
        ("build", "logs:CreateLogStream", &group, true),
        ("build", "s3:GetObject", &object, true),
        ("build", "s3:GetBucketAcl", &bucket, false),
        ("build", "s3:GetBucketLocation", &bucket, false),
    ];
    for (role, called, input, is_let_in) in rows {
        assert_eq!(may(&cloud, role, called, input.clone()).await, is_let_in, "{called} {input}");
    }
    let without =
        build_role().into_iter().filter(|statement| statement["Resource"] != "*").collect::<Vec<_>>();
    set_policy(&cloud, "build", &without).await;
    assert!(!may(&cloud, "build", "ecr:GetAuthorizationToken", json!({})).await);
}
