//! Resource types with a service behind them, in the forms that users' templates have them.

use serde_json::json;

use super::*;

const MANY: &str = "
Parameters: {Text: {Type: String, Default: one}}
Resources:
  Group:
    Type: AWS::EC2::SecurityGroup
    Properties:
      GroupDescription: without a VPC
      SecurityGroupEgress:
        - {CidrIp: 0.0.0.0/0, Description: Allow all outbound traffic by default, IpProtocol: -1}
      SecurityGroupIngress: [{CidrIp: 0.0.0.0/0, IpProtocol: tcp, FromPort: '80', ToPort: 80}]
      Tags: [{Key: number, Value: 4711}, {Key: flag, Value: true}]
  Vpc: {Type: 'AWS::EC2::VPC', Properties: {CidrBlock: 10.0.0.0/16}}
  Gateway: {Type: 'AWS::EC2::InternetGateway'}
  Attachment:
    Type: AWS::EC2::VPCGatewayAttachment
    Properties: {VpcId: !Ref Vpc, InternetGatewayId: !Ref Gateway}
  Table: {Type: 'AWS::EC2::RouteTable', Properties: {VpcId: !Ref Vpc}}
  Route:
    Type: AWS::EC2::Route
    DependsOn: Attachment
    Properties: {RouteTableId: !Ref Table, DestinationIpv6CidrBlock: '::/0', GatewayId: !Ref Gateway}
  Logs: {Type: 'AWS::Logs::LogGroup'}
  Stream: {Type: 'AWS::Logs::LogStream', Properties: {LogGroupName: !Ref Logs}}
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: 2012-10-17
        Statement:
          - {Effect: Allow, Principal: {Service: codebuild.amazonaws.com}, Action: 'sts:AssumeRole'}
  Inline:
    Type: AWS::IAM::RolePolicy
    Properties:
      RoleName: !Ref Role
      PolicyName: inline
      PolicyDocument:
        Version: 2012-10-17
        Statement: [{Sid: !Ref Text, Effect: Allow, Action: 's3:GetObject', Resource: 'arn:aws:s3:::b/*'}]
  Managed:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      Roles: [!Ref Role]
      PolicyDocument:
        Version: 2012-10-17
        Statement: [{Effect: Allow, Action: 's3:ListBucket', Resource: 'arn:aws:s3:::b'}]
  Definition:
    Type: AWS::ECS::TaskDefinition
    Properties:
      Cpu: 256
      Memory: '512'
      NetworkMode: awsvpc
      RequiresCompatibilities: [FARGATE]
      ExecutionRoleArn: !GetAtt Role.Arn
      ContainerDefinitions:
        - Name: web
          Image: example/web:1
          PortMappings: [{ContainerPort: '4000'}]
          Environment: [{Name: TEXT, Value: !Ref Text}, {Name: NUMBER, Value: 7}]
          DockerLabels: {Some: label}
  Connection:
    Type: AWS::CodeStarConnections::Connection
    Properties: {ConnectionName: source, ProviderType: GitHub}
Outputs:
  Definition: {Value: !Ref Definition}
  Managed: {Value: !GetAtt Managed.PolicyArn}
  Acl: {Value: !GetAtt Vpc.DefaultNetworkAcl}
  Connection: {Value: !GetAtt Connection.ConnectionArn}
";

#[tokio::test]
async fn users_stacks_of_served_types_are_deployed_updated_and_destroyed() {
    let fixture = Fixture::new().await;
    let call = |action: &str, text: &str| {
        let parameters = json!([{"ParameterKey": "Text", "ParameterValue": text}]);
        let input = json!({"StackName": "s", "TemplateBody": MANY, "Parameters": parameters,
            "Capabilities": ["CAPABILITY_IAM"]});
        (action.to_owned(), input)
    };
    let (action, input) = call("CreateStack", "one");
    fixture.call(&action, input).await;
    assert_eq!(fixture.settled("s").await, "CREATE_COMPLETE", "{:#?}", fixture.events("s").await);
    let first = fixture.output("Definition").await;
    assert!(first.contains(":task-definition/s-Definition-") && first.ends_with(":1"), "{first}");
    assert!(fixture.output("Managed").await.starts_with("arn:aws:iam::000000000000:policy/s-Managed-"));
    assert!(fixture.output("Acl").await.starts_with("acl-"));
    assert!(fixture.output("Connection").await.contains("connections:eu-central-1:000000000000:connection/"));

    let (action, input) = call("UpdateStack", "two");
    fixture.call(&action, input).await;
    assert_eq!(fixture.settled("s").await, "UPDATE_COMPLETE", "{:#?}", fixture.events("s").await);
    assert_ne!(fixture.output("Definition").await, first);

    let id = fixture.call("DescribeStacks", json!({"StackName": "s"})).await["Stacks"][0]["StackId"].clone();
    fixture.call("DeleteStack", json!({"StackName": "s"})).await;
    let id = id.as_str().unwrap();
    assert_eq!(fixture.settled(id).await, "DELETE_COMPLETE", "{:#?}", fixture.events(id).await);
}

#[tokio::test]
async fn what_services_refuse_rolls_the_stack_back() {
    let rows = [
        (
            "  P: {Type: 'AWS::S3::BucketPolicy', Properties: {Bucket: !Ref B, PolicyDocument: {Statement: \
             [{Effect: Deny, Principal: '*', Action: 's3:*', Resource: 'arn:aws:s3:::another'}]}}}",
            "Policy has invalid resource",
        ),
        (
            "  P: {Type: 'AWS::S3::BucketPolicy', Properties: {Bucket: !Ref B, PolicyDocument: {Statement: \
             [{Effect: Deny, Principal: '*', Action: 'sqs:*', Resource: !GetAtt B.Arn}]}}}",
            "Policy has invalid action",
        ),
        (
            "  L: {Type: 'AWS::S3::Bucket', Properties: {LifecycleConfiguration: {Rules: \
             [{Status: Enabled, ExpirationInDays: -1}]}}}",
            "must be a positive integer",
        ),
        (
            "  R: {Type: 'AWS::ECR::Repository', Properties: {LifecyclePolicy: {LifecyclePolicyText: \
             '{\"rules\":[{\"rulePriority\":1,\"description\":\"Keep the newest image of all\",\"selection\":{\"tagStatus\":\"some\"}}]}'}}}",
            "tagStatus must be tagged, untagged or any",
        ),
        (
            "  P: {Type: 'AWS::IAM::Policy', Properties: {PolicyName: p, Roles: [], PolicyDocument: \
             {Statement: []}}}",
            "At least one of [Groups,Roles,Users] must be non-empty.",
        ),
    ];
    let fixture = Fixture::new().await;
    for (index, (resource, expected)) in rows.into_iter().enumerate() {
        let name = format!("s{index}");
        let template = format!("Resources:\n  B: {{Type: 'AWS::S3::Bucket'}}\n{resource}");
        let input = json!({"StackName": name, "TemplateBody": template, "Capabilities": ["CAPABILITY_IAM"]});
        fixture.call("CreateStack", input).await;
        assert_eq!(fixture.settled(&name).await, "ROLLBACK_COMPLETE", "{expected}");
        let events = fixture.events(&name).await.join("\n");
        assert!(events.contains(expected), "{expected}: {events}");
    }
}

#[tokio::test]
async fn what_is_not_known_yet_stays_unknown_in_a_change_set() {
    let fixture = Fixture::new().await;
    let template = "
Resources:
  Repo: {Type: 'AWS::ECR::Repository'}
  Logs:
    Type: AWS::Logs::LogGroup
    Properties: {LogGroupName: !Select [4, !Split [':', !GetAtt Repo.Arn]]}
  Other:
    Type: AWS::Logs::LogGroup
    Properties: {LogGroupName: !Join ['-', !Split ['/', !Select [5, !Split [':', !GetAtt Repo.Arn]]]]}
Outputs: {Encoded: {Value: {'Fn::Base64': !Ref Repo}}}
";
    let set = fixture.change_set(template, "CREATE").await;
    assert_eq!(set["Status"], "CREATE_COMPLETE", "{set}");
    fixture.call("ExecuteChangeSet", json!({"StackName": "s", "ChangeSetName": "c"})).await;
    assert_eq!(fixture.settled("s").await, "CREATE_COMPLETE", "{:#?}", fixture.events("s").await);
    assert_eq!(fixture.physical_id("Logs").await, "000000000000");
}

#[tokio::test]
async fn parameter_store_has_what_stacks_put_there() {
    let fixture = Fixture::new().await;
    let stored =
        "Resources: {P: {Type: 'AWS::SSM::Parameter', Properties: {Name: /a/b, Type: String, Value: 42}}}";
    fixture.create(stored).await;
    assert_eq!(fixture.settled("s").await, "CREATE_COMPLETE");
    let template = "
Parameters: {V: {Type: 'AWS::SSM::Parameter::Value<String>', Default: /a/b}}
Resources:
  Logs: {Type: 'AWS::Logs::LogGroup', Properties: {LogGroupName: 'of-{{resolve:ssm:/a/b:1}}'}}
Outputs: {V: {Value: !Ref V}, Logs: {Value: !Ref Logs}}
";
    fixture.call("CreateStack", json!({"StackName": "t", "TemplateBody": template})).await;
    assert_eq!(fixture.settled("t").await, "CREATE_COMPLETE");
    let stack = fixture.call("DescribeStacks", json!({"StackName": "t"})).await["Stacks"][0].clone();
    let parameter = json!({"ParameterKey": "V", "ParameterValue": "/a/b", "ResolvedValue": "42"});
    assert_eq!(stack["Parameters"][0], parameter);
    let outputs = stack["Outputs"].as_array().unwrap().iter();
    let values: Vec<_> = outputs.map(|output| output["OutputValue"].as_str().unwrap()).collect();
    assert_eq!(values, ["42", "of-42"]);
}
