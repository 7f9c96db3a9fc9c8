//! A service whose first tasks cannot run: told within seconds, in their own words, and nothing is left waiting.

#![expect(clippy::unwrap_used, reason = "a test that cannot be prepared has failed")]

use std::process::Command;

use aws_sdk_ecr::primitives::Blob;
use aws_sdk_ecs::types::{
    Compatibility, ContainerDefinition, LogConfiguration, LogDriver, NetworkMode, Secret,
};

use crate::workbench::{Ended, Workbench};

/// What a service of one task needs, and in the stacks that own it what the tool itself looks for.
const CLUSTER: &str = "Resources:
  Cluster: {Type: AWS::ECS::Cluster}
  LogGroup: {Type: AWS::Logs::LogGroup}
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16}}
  Subnet:
    Type: AWS::EC2::Subnet
    Properties: {VpcId: !Ref Vpc, CidrBlock: 10.0.0.0/24}
  Gateway: {Type: AWS::EC2::InternetGateway}
  Attachment:
    Type: AWS::EC2::VPCGatewayAttachment
    Properties: {VpcId: !Ref Vpc, InternetGatewayId: !Ref Gateway}
  Routes: {Type: AWS::EC2::RouteTable, Properties: {VpcId: !Ref Vpc}}
  Route:
    Type: AWS::EC2::Route
    DependsOn: Attachment
    Properties: {RouteTableId: !Ref Routes, DestinationCidrBlock: 0.0.0.0/0, GatewayId: !Ref Gateway}
  Association:
    Type: AWS::EC2::SubnetRouteTableAssociation
    Properties: {RouteTableId: !Ref Routes, SubnetId: !Ref Subnet}
  Group:
    Type: AWS::EC2::SecurityGroup
    Properties: {VpcId: !Ref Vpc, GroupDescription: tasks}
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: '2012-10-17'
        Statement:
          - {Effect: Allow, Principal: {Service: ecs-tasks.amazonaws.com}, Action: 'sts:AssumeRole'}
      Policies:
        - PolicyName: all
          PolicyDocument:
            Version: '2012-10-17'
            Statement: [{Effect: Allow, Action: '*', Resource: '*'}]
Outputs:
  ClusterName: {Value: !Ref Cluster}
  SubnetId: {Value: !Ref Subnet}
  GroupId: {Value: !Ref Group}
  ApplicationLogGroupName: {Value: !Ref LogGroup}
  ExecutionRoleArn: {Value: !GetAtt Role.Arn}
  TaskRoleArn: {Value: !GetAtt Role.Arn}
";
const REGISTRY: &str = "Resources: {Repository: {Type: AWS::ECR::Repository}}
Outputs: {RepositoryUri: {Value: !GetAtt Repository.RepositoryUri}}
";
const BUILD: &str = "Resources: {Handle: {Type: AWS::CloudFormation::WaitConditionHandle}}
Outputs:
  ArtifactBucketName: {Value: none}
  BuildProjectName: {Value: none}
";
const SERVICE: &str = "Parameters:
  ClusterName: {Type: String}
  SubnetId: {Type: String}
  GroupId: {Type: String}
Resources:
  Service:
    Type: AWS::ECS::Service
    Properties:
      Cluster: !Ref ClusterName
      TaskDefinition: tiny-local
      LaunchType: FARGATE
      DesiredCount: 1
      NetworkConfiguration:
        AwsvpcConfiguration:
          {Subnets: [!Ref SubnetId], SecurityGroups: [!Ref GroupId], AssignPublicIp: ENABLED}
";
const STACK: &str = "tiny-local-service";

/// With all that the service needs; then the service is to be made.
fn based() -> Workbench {
    let workbench = Workbench::started();
    workbench
        .write("infra/project.yml", "project: tiny\nsource: {repository: o/n}\nenvironments: {local: {}}\n");
    for file in ["first.yml", "second.yml"] {
        std::fs::remove_file(workbench.path("infra/stacks").join(file)).unwrap();
    }
    for (stack, template) in [("cluster", CLUSTER), ("registry", REGISTRY), ("build", BUILD)] {
        workbench.write(&format!("infra/stacks/{stack}.yml"), template);
    }
    let made = workbench.run(&["provision", "--yes"]);
    assert_eq!(made.code, Some(0), "{made:?}");
    workbench.write("infra/stacks/service.yml", SERVICE);
    workbench
}

/// A revision that is taken for the first one, and its ARN.
fn register(workbench: &Workbench, image: &str, secret: Option<&str>) -> String {
    let role = workbench.output("tiny-local-cluster", "ExecutionRoleArn");
    let log = LogConfiguration::builder()
        .log_driver(LogDriver::Awslogs)
        .options("awslogs-group", workbench.output("tiny-local-cluster", "ApplicationLogGroupName"))
        .options("awslogs-region", "eu-central-1")
        .options("awslogs-stream-prefix", "app")
        .build()
        .unwrap();
    let secret = secret.map(|arn| Secret::builder().name("KEY").value_from(arn).build().unwrap());
    let container = ContainerDefinition::builder().name("app").image(image).log_configuration(log);
    let container = container.set_secrets(secret.map(|secret| vec![secret])).build();
    let client = aws_sdk_ecs::Client::new(&workbench.config());
    let request = client.register_task_definition().family("tiny-local").container_definitions(container);
    let request = request.network_mode(NetworkMode::Awsvpc).requires_compatibilities(Compatibility::Fargate);
    let request = request.cpu("256").memory("512").execution_role_arn(role);
    let answer = workbench.answer(request.send()).unwrap();
    answer.task_definition.unwrap().task_definition_arn.unwrap()
}

/// Whether the revision is still one that is taken.
fn is_active(workbench: &Workbench) -> bool {
    let client = aws_sdk_ecs::Client::new(&workbench.config());
    let listed = workbench.answer(client.list_task_definitions().family_prefix("tiny-local").send()).unwrap();
    !listed.task_definition_arns().is_empty()
}

fn hash(bytes: &[u8]) -> String {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    let output = Command::new("sha256sum").arg(file.path()).output().unwrap();
    format!("sha256:{}", String::from_utf8(output.stdout).unwrap().split(' ').next().unwrap())
}

/// Pushes an image of one program, and answers how a task names it.
fn push(workbench: &Workbench, program: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("app");
    std::fs::write(&file, program).unwrap();
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let mut tar = Command::new("tar");
    let layer = tar.args(["-cf", "-", "app"]).current_dir(folder.path()).output().unwrap().stdout;
    let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
    let config = serde_json::json!({
        "architecture": architecture, "os": "linux", "config": {"Entrypoint": ["/app"]},
        "rootfs": {"type": "layers", "diff_ids": [hash(&layer)]}
    });
    let config = config.to_string().into_bytes();
    let client = aws_sdk_ecr::Client::new(&workbench.config());
    let repository = workbench.physical_id("tiny-local-registry", "Repository");
    for blob in [&config, &layer] {
        let begun =
            workbench.answer(client.initiate_layer_upload().repository_name(&repository).send()).unwrap();
        let id = begun.upload_id.unwrap();
        let part = client.upload_layer_part().repository_name(&repository).upload_id(&id);
        let last = i64::try_from(blob.len()).unwrap() - 1;
        let part = part.part_first_byte(0).part_last_byte(last).layer_part_blob(Blob::new(blob.clone()));
        workbench.answer(part.send()).unwrap();
        let complete = client.complete_layer_upload().repository_name(&repository).upload_id(&id);
        workbench.answer(complete.layer_digests(hash(blob)).send()).unwrap();
    }
    let manifest = serde_json::json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": hash(&config), "size": config.len()},
        "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": hash(&layer), "size": layer.len()}]
    });
    let put = client.put_image().repository_name(&repository).image_manifest(manifest.to_string());
    workbench.answer(put.image_tag("one").send()).unwrap();
    format!("{}:one", workbench.output("tiny-local-registry", "RepositoryUri"))
}

/// A program that says why it ends, and ends.
fn crashing() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let source = r#"fn main() { eprintln!("no database: connection refused"); std::process::exit(3) }"#;
    std::fs::write(folder.path().join("app.rs"), source).unwrap();
    let mut rustc = Command::new("rustc");
    rustc.args(["app.rs", "-o", "app", "-C", "target-feature=+crt-static"]).current_dir(folder.path());
    let compiled = rustc.output().unwrap();
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
    std::fs::read(folder.path().join("app")).unwrap()
}

#[track_caller]
fn assert_given_up(workbench: &Workbench, ended: &Ended, words: &[&str], next: &str) {
    let object = ended.object();
    assert_eq!(ended.code, Some(4), "{ended:?}");
    let told = object["failures"][0]["message"].as_str().unwrap();
    assert!(told.starts_with(&format!("no task of stack `{STACK}` will run; it was cancelled")), "{told}");
    for words in words {
        assert!(told.contains(words), "{words}: {told}");
    }
    assert!(object["hints"][0].as_str().unwrap().starts_with(next), "{object}");
    assert_eq!(workbench.stacks().len(), 3);
    // Else it would be taken for the first one again.
    assert!(!is_active(workbench));
}

#[test]
fn one_task_that_cannot_heal_ends_a_services_creation() {
    let gone = "arn:aws:secretsmanager:eu-central-1:000000000000:secret:gone-abcdef";
    for (image, secret, words, next) in [
        (
            "none:one",
            Some(gone),
            ["ResourceInitializationError: ", "ResourceNotFoundException"],
            "make the secret",
        ),
        ("REPOSITORY:gone", None, ["CannotPullContainerError: ", "not found"], "see that the image is"),
    ] {
        let workbench = based();
        let image = image.replace("REPOSITORY", &workbench.output("tiny-local-registry", "RepositoryUri"));
        register(&workbench, &image, secret);

        let ended = workbench.run(&["provision", "--yes", "--output", "json"]);

        assert_given_up(&workbench, &ended, &words, next);
    }
}

#[test]
fn three_tasks_that_end_alike_end_a_services_creation_with_their_exit_code_and_log() {
    let workbench = based();
    let image = push(&workbench, &crashing());
    register(&workbench, &image, None);

    let ended = workbench.run(&["provision", "--yes", "--output", "json"]);

    let words =
        ["Essential container in task exited", "app: exit code 3", "| no database: connection refused"];
    assert_given_up(&workbench, &ended, &words, "mend what the task says");
    assert!(ended.stderr.matches("task stopped: Essential container").count() >= 3, "{ended:?}");
}

/// An image of another architecture is started, and ends with the runtime's last words in its log
/// (aws-containers/ecs-anywhere-tutorial#2).
#[test]
fn a_program_of_another_architecture_ends_a_services_creation_with_the_runtimes_words() {
    let workbench = based();
    let mut other = crashing();
    // The machine that an ELF header names; 243 is RISC-V.
    other[18..20].copy_from_slice(&243_u16.to_le_bytes());
    let image = push(&workbench, &other);
    register(&workbench, &image, None);

    let ended = workbench.run(&["provision", "--yes", "--output", "json"]);

    let words = ["Essential container in task exited", "app: exit code 1", "exec /app: exec format error"];
    assert_given_up(&workbench, &ended, &words, "");
    assert!(ended.object()["hints"][0].as_str().unwrap().contains("architecture"), "{ended:?}");
}

#[test]
fn what_may_heal_is_waited_for() {
    let workbench = based();
    let image = push(&workbench, &crashing());
    // Once, and twice more where the agent itself tries again.
    workbench.arm("deny", "BatchGetImage", 1);
    register(&workbench, &image, None);

    let ended = workbench.run(&["provision", "--yes", "--output", "json"]);

    // The first task ended otherwise than the others, which decide.
    assert_given_up(&workbench, &ended, &["app: exit code 3"], "mend what the task says");
    assert!(ended.stderr.contains("task stopped: CannotPullContainerError"), "{ended:?}");
}

#[test]
fn whoever_may_not_ask_for_tasks_waits_as_before() {
    let workbench = based();
    register(&workbench, "REPOSITORY:gone", None);
    workbench.arm("deny", "ListTasks", 1);
    let mut provision = workbench.spawn(&["provision", "--yes", "--output", "json"]);
    while workbench.calls("ListTasks") == 0 {
        assert!(provision.try_wait().unwrap().is_none());
        std::thread::yield_now();
    }
    let client = workbench.client();
    workbench.answer(client.delete_stack().stack_name(STACK).send()).unwrap();

    let ended = Ended::of(provision.wait_with_output().unwrap());

    assert!(ended.stderr.contains("cannot be watched: "), "{ended:?}");
    assert!(!ended.stderr.contains("cancelling"), "{ended:?}");
}
