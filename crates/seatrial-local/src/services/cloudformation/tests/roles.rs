//! With whose rights CloudFormation works, and what it needs of them.

use serde_json::{Value, json};

use super::Fixture;
use crate::error::ServiceError;
use crate::principal::Principal;
use crate::services::sts;

const ROLE: &str = "arn:aws:iam::000000000000:role/stacks";
const LOGS: &str = "Resources:\n  Logs: {Type: 'AWS::Logs::LogGroup', Properties: {LogGroupName: one}}";
const QUEUE: &str = "Resources:\n  Queue: {Type: 'AWS::SQS::Queue', Properties: {QueueName: one}}";

impl Fixture {
    async fn iam(&self, operation: &str, input: Value) {
        let operator = Principal::operator("000000000000");
        self.local.cloud().dispatch(&operator, ("iam", operation), input).await.unwrap();
    }

    /// The role `stacks`, which that service and the account may assume, and which may do these actions.
    async fn role(&self, service: &str, actions: &[&str]) {
        let principal = json!({"Service": service, "AWS": "arn:aws:iam::000000000000:root"});
        let trust =
            json!({"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal}});
        let trust = json!({"RoleName": "stacks", "AssumeRolePolicyDocument": trust.to_string()});
        self.iam("CreateRole", trust).await;
        self.allow(actions).await;
    }

    async fn allow(&self, actions: &[&str]) {
        let policy =
            json!({"Statement": {"Effect": "Allow", "Action": actions, "Resource": "*"}}).to_string();
        let put = json!({"RoleName": "stacks", "PolicyName": "p", "PolicyDocument": policy});
        self.iam("PutRolePolicy", put).await;
    }

    async fn with_role(&self, operation: &str, template: &str) -> Result<Value, ServiceError> {
        let mut input = json!({"StackName": "s", "RoleARN": ROLE, "TemplateBody": template});
        if operation == "CreateChangeSet" {
            input["ChangeSetName"] = json!("c");
            input["ChangeSetType"] = json!("CREATE");
        }
        self.try_call(operation, input).await
    }

    /// The reason why a resource is in that state.
    async fn reason(&self, told: &str) -> String {
        let events = self.events("s").await;
        events.iter().find(|event| event.starts_with(told)).unwrap_or_else(|| panic!("{events:#?}")).clone()
    }
}

#[tokio::test]
async fn a_service_role_must_be_there_and_trust_cloudformation() {
    let refused = format!("Role {ROLE} is invalid or cannot be assumed");
    let cloud = Fixture::new().await;
    for operation in ["CreateStack", "CreateChangeSet"] {
        let missing = cloud.with_role(operation, LOGS).await.unwrap_err();
        assert_eq!((missing.code.as_str(), &missing.message), ("ValidationError", &refused), "{operation}");
    }
    cloud.role("codebuild.amazonaws.com", &["*"]).await;
    let stranger = cloud.with_role("CreateStack", LOGS).await.unwrap_err();
    assert_eq!(stranger.message, refused);
    let no_arn = json!({"StackName": "s", "RoleARN": "the-role-of-the-stacks", "TemplateBody": LOGS});
    assert_eq!(cloud.message("CreateStack", no_arn).await, "the-role-of-the-stacks is not a valid RoleARN");
    assert_eq!(
        cloud.message("DescribeStacks", json!({"StackName": "s"})).await,
        "Stack with id s does not exist"
    );
}

#[tokio::test]
async fn a_stack_keeps_its_role_and_cannot_go_without_it() {
    let cloud = Fixture::new().await;
    cloud.role("cloudformation.amazonaws.com", &["logs:*"]).await;
    cloud.with_role("CreateStack", LOGS).await.unwrap();
    assert_eq!(cloud.settled("s").await, "CREATE_COMPLETE");
    let changed = LOGS.replace("one}", "one, RetentionInDays: 7}");
    let set = json!({"StackName": "s", "ChangeSetName": "c", "TemplateBody": changed});
    cloud.call("CreateChangeSet", set).await;
    cloud.call("ExecuteChangeSet", json!({"StackName": "s", "ChangeSetName": "c"})).await;
    assert_eq!(cloud.settled("s").await, "UPDATE_COMPLETE");
    // Who executed it said nothing of a role: the stack had one.
    let stacks = cloud.call("DescribeStacks", json!({"StackName": "s"})).await;
    assert_eq!(stacks["Stacks"][0]["RoleARN"], ROLE);

    cloud.iam("DeleteRolePolicy", json!({"RoleName": "stacks", "PolicyName": "p"})).await;
    cloud.iam("DeleteRole", json!({"RoleName": "stacks"})).await;

    let message = cloud.message("DeleteStack", json!({"StackName": "s"})).await;
    assert_eq!(message, format!("Role {ROLE} is invalid or cannot be assumed"));
}

#[tokio::test]
async fn whoever_gives_a_stack_a_role_must_be_allowed_to_pass_it_to_cloudformation() {
    let cloud = Fixture::new().await;
    cloud.role("cloudformation.amazonaws.com", &["cloudformation:*"]).await;
    let caller = sts::assume_role(cloud.local.cloud(), ("cloudformation.amazonaws.com", None), ROLE, "s");
    let caller = caller.await.unwrap().principal;
    let create = || async {
        let input = json!({"StackName": "s", "RoleARN": ROLE, "TemplateBody": LOGS});
        cloud.local.cloud().dispatch(&caller, ("cloudformation", "CreateStack"), input).await
    };
    let passing = |service: &str| {
        let of = json!({"StringEquals": {"iam:PassedToService": service}});
        let pass = json!({"Effect": "Allow", "Action": "iam:PassRole", "Resource": ROLE, "Condition": of});
        let all = json!({"Effect": "Allow", "Action": ["cloudformation:*", "logs:*"], "Resource": "*"});
        let document = json!({"Statement": [pass, all]}).to_string();
        json!({"RoleName": "stacks", "PolicyName": "p", "PolicyDocument": document})
    };

    let denied = create().await.unwrap_err();
    assert!(denied.message.contains(&format!("iam:PassRole on resource: {ROLE}")), "{denied}");
    cloud.iam("PutRolePolicy", passing("codebuild.amazonaws.com")).await;
    assert_eq!(create().await.unwrap_err().code, "AccessDenied");
    cloud.iam("PutRolePolicy", passing("cloudformation.amazonaws.com")).await;
    create().await.unwrap();
}

#[tokio::test]
async fn a_handler_that_may_not_look_at_what_it_made_fails_and_is_rolled_back() {
    let cloud = Fixture::new().await;
    let without = ["logs:CreateLogGroup", "logs:DeleteLogGroup", "logs:TagResource"];
    cloud.role("cloudformation.amazonaws.com", &without).await;

    cloud.with_role("CreateStack", LOGS).await.unwrap();

    // The rollback looks as well, with the same rights.
    assert_eq!(cloud.settled("s").await, "ROLLBACK_FAILED");
    let reason = cloud.reason("Logs CREATE_FAILED").await;
    let who =
        "User: arn:aws:sts::000000000000:assumed-role/stacks/AWSCloudFormation is not authorized to perform";
    assert!(reason.contains(&format!("{who}: logs:DescribeLogGroups on resource: *")), "{reason}");
    assert!(cloud.reason("Logs DELETE_FAILED").await.contains("logs:DescribeLogGroups"));
}

#[tokio::test]
async fn a_record_needs_what_its_handler_on_aws_would_do() {
    let cloud = Fixture::new().await;
    cloud.role("cloudformation.amazonaws.com", &["sqs:DeleteQueue"]).await;
    let made = cloud.with_role("CreateStack", QUEUE).await.unwrap();
    assert_eq!(cloud.settled("s").await, "ROLLBACK_COMPLETE");
    let reason = cloud.reason("Queue CREATE_FAILED").await;
    let on = "sqs:CreateQueue on resource: arn:aws:sqs:eu-central-1:000000000000:one";
    assert!(reason.contains(on), "{reason}");
    assert!(!cloud.events("s").await.iter().any(|event| event.contains("creation Initiated")));
    cloud.call("DeleteStack", json!({"StackName": "s"})).await;
    assert_eq!(cloud.settled(made["StackId"].as_str().unwrap()).await, "DELETE_COMPLETE");

    cloud.allow(&["sqs:CreateQueue"]).await;
    cloud.with_role("CreateStack", QUEUE).await.unwrap();
    assert_eq!(cloud.settled("s").await, "CREATE_COMPLETE");
    cloud.call("DeleteStack", json!({"StackName": "s"})).await;
    assert_eq!(cloud.settled("s").await, "DELETE_FAILED");
    assert!(cloud.reason("Queue DELETE_FAILED").await.contains("sqs:DeleteQueue"));
}

const POLICIES: &str = "
Parameters: {Action: {Type: String, Default: 'logs:*'}, Bound: {Type: String, Default: one}}
Conditions: {IsBound: !Equals [!Ref Bound, one]}
Resources:
  Limit:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      ManagedPolicyName: limit
      PolicyDocument: {Version: 2012-10-17, Statement: [{Effect: Allow, Action: !Ref Action, Resource: '*'}]}
  Role:
    Type: AWS::IAM::Role
    Properties:
      RoleName: bound
      PermissionsBoundary: !If [IsBound, !Ref Limit, !Ref 'AWS::NoValue']
      AssumeRolePolicyDocument:
        Version: 2012-10-17
        Statement: [{Effect: Allow, Principal: {Service: codebuild.amazonaws.com}, Action: 'sts:AssumeRole'}]
  Images:
    Type: AWS::ECR::Repository
    Properties:
      RepositoryName: images
      RepositoryPolicyText:
        Version: 2012-10-17
        Statement: [{Effect: Allow, Principal: {AWS: !GetAtt Role.Arn}, Action: 'ecr:ListImages'}]
  Secret: {Type: 'AWS::SecretsManager::Secret', Properties: {Name: word, SecretString: hidden}}
  OfSecret:
    Type: AWS::SecretsManager::ResourcePolicy
    Properties:
      SecretId: !Ref Secret
      BlockPublicPolicy: true
      ResourcePolicy:
        Version: 2012-10-17
        Statement: [{Effect: Allow, Principal: {AWS: !GetAtt Role.Arn}, Action: 'secretsmanager:GetSecretValue', Resource: '*'}]
";

impl Fixture {
    async fn ask(&self, operation: &str, input: Value) -> Result<Value, ServiceError> {
        let operator = Principal::operator("000000000000");
        let (service, operation) = operation.split_once(':').unwrap();
        self.local.cloud().dispatch(&operator, (service, operation), input).await
    }
}

#[tokio::test]
async fn policies_of_resources_and_boundaries_come_with_a_stack_and_go_with_it() {
    let cloud = Fixture::new().await;
    let capabilities = ["CAPABILITY_NAMED_IAM"];
    let input = json!({"StackName": "s", "TemplateBody": POLICIES, "Capabilities": capabilities});
    let id = cloud.call("CreateStack", input).await["StackId"].as_str().unwrap().to_owned();
    assert_eq!(cloud.settled("s").await, "CREATE_COMPLETE", "{:#?}", cloud.events("s").await);
    let limit = "arn:aws:iam::000000000000:policy/limit";
    let role = async || cloud.ask("iam:GetRole", json!({"RoleName": "bound"})).await.unwrap()["Role"].clone();
    assert_eq!(role().await["PermissionsBoundary"]["PermissionsBoundaryArn"], limit);
    let secret = cloud.ask("secretsmanager:GetResourcePolicy", json!({"SecretId": "word"})).await.unwrap();
    assert!(secret["ResourcePolicy"].as_str().unwrap().contains("role/bound"));
    assert_eq!(cloud.physical_id("OfSecret").await, secret["ARN"].as_str().unwrap());
    let name = json!({"repositoryName": "images"});
    let repository = cloud.ask("ecr:GetRepositoryPolicy", name.clone()).await.unwrap();
    assert!(repository["policyText"].as_str().unwrap().contains("role/bound"));

    let given = json!([{"ParameterKey": "Action", "ParameterValue": "s3:*"}, {"ParameterKey": "Bound", "ParameterValue": "no"}]);
    let changed = POLICIES.replace("      RepositoryPolicyText:", "      Tags:").replace(
        "        Version: 2012-10-17\n        Statement: [{Effect: Allow, Principal: {AWS: !GetAtt Role.Arn}, Action: 'ecr:ListImages'}]",
        "        - {Key: a, Value: b}",
    );
    let input =
        json!({"StackName": "s", "TemplateBody": changed, "Parameters": given, "Capabilities": capabilities});
    cloud.call("UpdateStack", input).await;
    assert_eq!(cloud.settled("s").await, "UPDATE_COMPLETE", "{:#?}", cloud.events("s").await);
    assert_eq!(role().await["PermissionsBoundary"], Value::Null);
    let version = cloud.ask("iam:GetPolicy", json!({"PolicyArn": limit})).await.unwrap();
    assert_eq!(version["Policy"]["DefaultVersionId"], "v2");
    let gone = cloud.ask("ecr:GetRepositoryPolicy", name).await.unwrap_err();
    assert_eq!(gone.code, "RepositoryPolicyNotFoundException");

    cloud.call("DeleteStack", json!({"StackName": "s"})).await;
    assert_eq!(cloud.settled(&id).await, "DELETE_COMPLETE");
    assert_eq!(
        cloud.ask("iam:GetPolicy", json!({"PolicyArn": limit})).await.unwrap_err().code,
        "NoSuchEntity"
    );
}
