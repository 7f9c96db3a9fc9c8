//! Imports: by request, and of whatever exists under a custom name.

use serde_json::{Value, json};

use super::Fixture;

const REPOSITORY: &str = "  R: {Type: 'AWS::ECR::Repository', DeletionPolicy: Retain, \
                          Properties: {RepositoryName: there}}\n";
const THING: &str = "  T: {Type: 'Test::Local::Thing'}\n";
const ARN: &str = "Outputs: {Arn: {Value: !GetAtt R.Arn}}";

fn template(resources: &[&str]) -> String {
    format!("Resources:\n{}{}", resources.concat(), if resources.contains(&REPOSITORY) { ARN } else { "" })
}

fn plain(resources: &[&str]) -> String {
    format!("Resources:\n{}", resources.concat())
}

impl Fixture {
    async fn repository(&self) -> Result<Value, crate::error::ServiceError> {
        let principal = crate::principal::Principal::operator("000000000000");
        let input = json!({"repositoryNames": ["there"]});
        self.local.cloud().dispatch(&principal, ("ecr", "DescribeRepositories"), input).await
    }

    /// With a repository that no stack has made.
    async fn with_repository() -> Self {
        let cloud = Self::new().await;
        let principal = crate::principal::Principal::operator("000000000000");
        let input = json!({"repositoryName": "there"});
        cloud.local.cloud().dispatch(&principal, ("ecr", "CreateRepository"), input).await.unwrap();
        cloud
    }

    async fn importing(&self, kind: &str, body: String, more: Value) -> Result<Value, String> {
        let mut input = json!({"StackName": "s", "ChangeSetName": "c", "ChangeSetType": kind});
        input["TemplateBody"] = json!(body);
        for (name, value) in more.as_object().unwrap() {
            input[name] = value.clone();
        }
        let made = self.try_call("CreateChangeSet", input).await.map_err(|error| error.message)?;
        Ok(self.call("DescribeChangeSet", json!({"ChangeSetName": made["Id"]})).await)
    }

    async fn execute_import(&self) -> String {
        self.call("ExecuteChangeSet", json!({"ChangeSetName": "c", "StackName": "s"})).await;
        self.settled("s").await
    }
}

fn requested() -> Value {
    json!({"ResourcesToImport": [{
        "ResourceType": "AWS::ECR::Repository", "LogicalResourceId": "R",
        "ResourceIdentifier": {"RepositoryName": "there"},
    }]})
}

#[tokio::test]
async fn resources_that_exist_are_taken_in_and_the_rest_is_made() {
    for kind in ["CREATE", "UPDATE"] {
        let cloud = Fixture::with_repository().await;
        if kind == "UPDATE" {
            cloud.create(&template(&["  O: {Type: 'Test::Local::Thing'}\n"])).await;
            cloud.settled("s").await;
        }
        let body = template(&[REPOSITORY, THING, "  O: {Type: 'Test::Local::Thing'}\n"]);
        let refused = cloud.importing(kind, body.clone(), json!({})).await.unwrap();
        assert_eq!(refused["Status"], "FAILED", "the name is taken");
        cloud.call("DeleteChangeSet", json!({"ChangeSetName": refused["ChangeSetId"]})).await;
        let set = cloud.importing(kind, body, json!({"ImportExistingResources": true})).await.unwrap();
        let changes = set["Changes"].as_array().unwrap().iter().map(|change| &change["ResourceChange"]);
        let import = changes.clone().find(|change| change["LogicalResourceId"] == "R").unwrap();
        assert_eq!((&import["Action"], &import["PhysicalResourceId"]), (&json!("Import"), &json!("there")));
        assert_eq!(cloud.execute_import().await, format!("{kind}_COMPLETE"));
        let events = cloud.events("s").await;
        for event in
            ["R IMPORT_IN_PROGRESS Resource import started.", "R IMPORT_COMPLETE Resource import completed."]
        {
            assert!(events.contains(&event.to_owned()), "{events:#?}");
        }
        let stack = cloud.call("DescribeStacks", json!({"StackName": "s"})).await;
        let arn = stack["Stacks"][0]["Outputs"][0]["OutputValue"].as_str().unwrap().to_owned();
        assert!(arn.ends_with(":repository/there"), "{arn}");
    }
}

#[tokio::test]
async fn what_was_only_taken_in_survives_the_rollback() {
    let cloud = Fixture::with_repository().await;
    let fails = "  F: {Type: 'Test::Local::Thing', DependsOn: R, Properties: {Fails: true}}\n";
    let repository = REPOSITORY.replace("Retain", "RetainExceptOnCreate");
    let body = format!("Resources:\n{repository}{fails}");
    cloud.importing("CREATE", body, json!({"ImportExistingResources": true})).await.unwrap();
    assert_eq!(cloud.execute_import().await, "ROLLBACK_COMPLETE");
    assert!(cloud.repository().await.is_ok());
}

#[tokio::test]
async fn a_resource_of_another_stack_or_without_a_keeping_policy_is_no_import() {
    let cloud = Fixture::new().await;
    cloud.call("CreateStack", json!({"StackName": "other", "TemplateBody": template(&[REPOSITORY])})).await;
    cloud.settled("other").await;
    let import = json!({"ImportExistingResources": true});
    let held = cloud.importing("CREATE", template(&[REPOSITORY]), import.clone()).await.unwrap();
    assert_eq!(held["Status"], "FAILED");
    let cloud = Fixture::with_repository().await;
    let body = template(&[REPOSITORY]).replace("DeletionPolicy: Retain, ", "");
    assert_eq!(cloud.importing("CREATE", body, import).await.unwrap()["Status"], "FAILED");
}

#[tokio::test]
async fn an_import_by_request_does_nothing_else_and_lets_go_what_it_cannot_take() {
    let cloud = Fixture::with_repository().await;
    cloud.create(&template(&[THING])).await;
    cloud.settled("s").await;
    let refusals = [
        (plain(&[REPOSITORY, THING, "  N: {Type: 'Test::Local::Thing'}\n"]), "modified resources [N]"),
        (
            plain(&[REPOSITORY, THING]).replace("DeletionPolicy: Retain, ", ""),
            "[R] must have DeletionPolicy attribute specified in the template.",
        ),
    ];
    for (body, words) in refusals {
        let refused = cloud.importing("IMPORT", body, requested()).await.unwrap_err();
        assert!(refused.contains(words), "{refused}");
    }
    let body = plain(&[REPOSITORY, THING]);
    let set = cloud.importing("IMPORT", body.clone(), requested()).await.unwrap();
    assert_eq!(set["Changes"].as_array().unwrap().len(), 1);
    assert_eq!(set["Changes"][0]["ResourceChange"]["Action"], "Import");
    assert_eq!(cloud.execute_import().await, "IMPORT_COMPLETE");
    let next = cloud.change_set(&body, "UPDATE").await;
    assert_eq!(next["Status"], "FAILED", "there is nothing left to do");
    cloud.call("DeleteChangeSet", json!({"ChangeSetName": next["ChangeSetId"]})).await;

    let more =
        "  G: {Type: 'AWS::ECR::Repository', DeletionPolicy: Retain, Properties: {RepositoryName: gone}}\n";
    let mut missing = requested();
    missing["ResourcesToImport"][0]["LogicalResourceId"] = json!("G");
    missing["ResourcesToImport"][0]["ResourceIdentifier"]["RepositoryName"] = json!("gone");
    let body = format!("Resources:\n{REPOSITORY}{THING}{more}");
    cloud.importing("IMPORT", body, missing).await.unwrap();
    assert_eq!(cloud.execute_import().await, "IMPORT_ROLLBACK_COMPLETE");
    let resources = cloud.call("ListStackResources", json!({"StackName": "s"})).await;
    assert_eq!(resources["StackResourceSummaries"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn an_import_leaves_role_tags_and_outputs_as_they_are_and_takes_nothing_twice() {
    let cloud = Fixture::with_repository().await;
    cloud.create(&plain(&[THING])).await;
    cloud.settled("s").await;
    let with = |more: Value| {
        let mut input = requested();
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        input
    };
    let body = plain(&[REPOSITORY, THING]);
    let tags = with(json!({"Tags": [{"Key": "a", "Value": "b"}]}));
    let refusals = [
        (body.clone(), tags.clone(), "you cannot modify or add [Tags]"),
        (format!("{body}{ARN}"), requested(), "you cannot modify or add [Outputs]"),
        (format!("{body}{ARN}"), tags, "you cannot modify or add [Tags, Outputs]"),
    ];
    for (body, input, words) in refusals {
        let refused = cloud.importing("IMPORT", body, input).await.unwrap_err();
        assert!(refused.contains(words), "{refused}");
    }
    cloud.importing("IMPORT", body.clone(), requested()).await.unwrap();
    assert_eq!(cloud.execute_import().await, "IMPORT_COMPLETE");

    // A stack holds it now.
    cloud.call("CreateStack", json!({"StackName": "other", "TemplateBody": plain(&[THING])})).await;
    cloud.settled("other").await;
    let mut other = requested();
    other["StackName"] = json!("other");
    let refused = cloud.importing("IMPORT", body, other).await.unwrap_err();
    assert!(refused.contains("already belongs to a stack"), "{refused}");
}

#[tokio::test]
async fn what_is_imported_is_updated_to_what_the_template_says() {
    let cloud = Fixture::with_repository().await;
    let body =
        plain(&[&REPOSITORY
            .replace("RepositoryName: there", "RepositoryName: there, ImageTagMutability: IMMUTABLE")]);
    cloud.importing("IMPORT", body, requested()).await.unwrap();
    assert_eq!(cloud.execute_import().await, "IMPORT_COMPLETE");

    let repository = cloud.repository().await.unwrap();
    assert_eq!(repository["repositories"][0]["imageTagMutability"], "IMMUTABLE");
    let events = cloud.events("s").await;
    let applied = "R UPDATE_IN_PROGRESS Apply stack-level tags to imported resource if applicable.";
    assert!(events.contains(&applied.to_owned()), "{events:#?}");
}

#[tokio::test]
async fn a_policy_that_a_failed_update_took_away_is_there_again() {
    let cloud = Fixture::new().await;
    cloud.create(&plain(&[REPOSITORY])).await;
    cloud.settled("s").await;
    let fails = "  F: {Type: 'Test::Local::Thing', Properties: {Fails: true}}\n";
    let body = plain(&[&REPOSITORY.replace("DeletionPolicy: Retain, ", ""), fails]);
    cloud.call("UpdateStack", json!({"StackName": "s", "TemplateBody": body})).await;
    assert_eq!(cloud.settled("s").await, "UPDATE_ROLLBACK_COMPLETE");

    let stack = cloud.call("DescribeStacks", json!({"StackName": "s"})).await;
    cloud.call("DeleteStack", json!({"StackName": "s"})).await;
    assert_eq!(cloud.settled(stack["Stacks"][0]["StackId"].as_str().unwrap()).await, "DELETE_COMPLETE");

    assert!(cloud.repository().await.is_ok(), "it is retained");
}

/// Things of a network that outlived their stack, which no name of their own identifies.
const NETWORK: &str = "
Resources:
  Vpc: {Type: 'AWS::EC2::VPC', DeletionPolicy: Retain, Properties: {CidrBlock: 10.0.0.0/16}}
  Gateway: {Type: 'AWS::EC2::InternetGateway', DeletionPolicy: Retain}
  Attachment:
    Type: AWS::EC2::VPCGatewayAttachment
    DeletionPolicy: Retain
    Properties: {VpcId: !Ref Vpc, InternetGatewayId: !Ref Gateway}
  Table: {Type: 'AWS::EC2::RouteTable', DeletionPolicy: Retain, Properties: {VpcId: !Ref Vpc}}
  Route:
    Type: AWS::EC2::Route
    DependsOn: Attachment
    DeletionPolicy: Retain
    Properties: {RouteTableId: !Ref Table, DestinationCidrBlock: 0.0.0.0/0, GatewayId: !Ref Gateway}
  Address: {Type: 'AWS::EC2::EIP', DeletionPolicy: Retain, Properties: {Domain: vpc}}
Outputs:
  Vpc: {Value: !Ref Vpc}
  Gateway: {Value: !Ref Gateway}
  Table: {Value: !Ref Table}
  Address: {Value: !Ref Address}
  Allocation: {Value: !GetAtt Address.AllocationId}
";

/// What imports one of them: its type, its properties, the identifier with all its members, and the physical ID.
async fn of_several_identifiers(cloud: &Fixture) -> [(&'static str, Value, Value, String); 3] {
    cloud.create(NETWORK).await;
    assert_eq!(cloud.settled("s").await, "CREATE_COMPLETE");
    let (vpc, gateway) = (cloud.output("Vpc").await, cloud.output("Gateway").await);
    let (table, address) = (cloud.output("Table").await, cloud.output("Address").await);
    let allocation = cloud.output("Allocation").await;
    let stack = cloud.call("DescribeStacks", json!({"StackName": "s"})).await;
    cloud.call("DeleteStack", json!({"StackName": "s"})).await;
    cloud.settled(stack["Stacks"][0]["StackId"].as_str().unwrap()).await;
    [
        (
            "AWS::EC2::VPCGatewayAttachment",
            json!({"VpcId": vpc, "InternetGatewayId": gateway}),
            json!({"AttachmentType": "IGW", "VpcId": vpc}),
            format!("IGW|{vpc}"),
        ),
        (
            "AWS::EC2::Route",
            json!({"RouteTableId": table, "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": gateway}),
            json!({"RouteTableId": table, "CidrBlock": "0.0.0.0/0"}),
            format!("{table}|0.0.0.0/0"),
        ),
        (
            "AWS::EC2::EIP",
            json!({"Domain": "vpc"}),
            json!({"PublicIp": address, "AllocationId": allocation}),
            address,
        ),
    ]
}

fn of_type(kind: &str, properties: &Value, identifier: &Value) -> (String, Value) {
    let template =
        json!({"Resources": {"R": {"Type": kind, "DeletionPolicy": "Retain", "Properties": properties}}});
    let import = json!({"ResourcesToImport": [{
        "ResourceType": kind, "LogicalResourceId": "R", "ResourceIdentifier": identifier,
    }]});
    (template.to_string(), import)
}

#[tokio::test]
async fn what_several_identifiers_name_together_is_imported_by_all_of_them() {
    let cloud = Fixture::new().await;
    for (kind, properties, identifier, physical_id) in of_several_identifiers(&cloud).await {
        let names: Vec<&String> = identifier.as_object().unwrap().keys().collect();
        let (first, second) = (names[0].as_str(), names[1].as_str());
        let (template, import) = of_type(kind, &properties, &identifier);
        let summary = cloud.call("GetTemplateSummary", json!({"TemplateBody": template})).await;
        let told = &summary["ResourceIdentifierSummaries"][0]["ResourceIdentifiers"];
        assert_eq!(*told, json!([format!("{first},{second}")]));

        let (_, one) = of_type(kind, &properties, &json!({first: identifier[first]}));
        let refused = cloud.importing("IMPORT", template.clone(), one).await.unwrap_err();
        let words =
            format!("Invalid resource identifier for resource type {kind}. Expected [{first}, {second}]");
        assert_eq!(refused, words);

        for wrong in [first, second] {
            let mut other = identifier.clone();
            other[wrong] = json!("other");
            let (_, import) = of_type(kind, &properties, &other);
            cloud.importing("IMPORT", template.clone(), import).await.unwrap();
            assert_eq!(cloud.execute_import().await, "IMPORT_ROLLBACK_COMPLETE", "{kind} {wrong}");
            let events = cloud.events("s").await;
            assert!(events.iter().any(|event| event.contains("was not found.")), "{events:#?}");
            let stack = cloud.call("DescribeStacks", json!({"StackName": "s"})).await;
            cloud.call("DeleteStack", json!({"StackName": "s"})).await;
            cloud.settled(stack["Stacks"][0]["StackId"].as_str().unwrap()).await;
        }

        let set = cloud.importing("IMPORT", template, import).await.unwrap();
        let change = &set["Changes"][0]["ResourceChange"];
        assert_eq!(
            (&change["Action"], &change["PhysicalResourceId"]),
            (&json!("Import"), &json!(physical_id))
        );
        assert_eq!(cloud.execute_import().await, "IMPORT_COMPLETE", "{:#?}", cloud.events("s").await);
        assert_eq!(cloud.physical_id("R").await, physical_id);
        let stack = cloud.call("DescribeStacks", json!({"StackName": "s"})).await;
        cloud.call("DeleteStack", json!({"StackName": "s"})).await;
        cloud.settled(stack["Stacks"][0]["StackId"].as_str().unwrap()).await;
    }
}

#[tokio::test]
async fn a_type_that_aws_does_not_import_is_refused_in_its_words_and_not_told_how() {
    let cloud = Fixture::new().await;
    let policy = json!({"PolicyName": "p", "Roles": ["r"], "PolicyDocument": {"Statement": []}});
    let (template, import) = of_type("AWS::IAM::Policy", &policy, &json!({"Id": "p"}));
    let import = {
        let mut import = import;
        import["Capabilities"] = json!(["CAPABILITY_NAMED_IAM"]);
        import
    };
    let refused = cloud.importing("IMPORT", template.clone(), import).await.unwrap_err();
    assert_eq!(
        refused,
        "The following resource types are not supported for resource import: AWS::IAM::Policy"
    );
    let summary = cloud.call("GetTemplateSummary", json!({"TemplateBody": template})).await;
    assert_eq!(summary["ResourceIdentifierSummaries"], json!([]));

    let (template, import) = of_type("AWS::SQS::Queue", &json!({}), &json!({"QueueUrl": "q"}));
    let refused = cloud.importing("IMPORT", template, import).await.unwrap_err();
    assert_eq!(refused, "the local cloud does not import AWS::SQS::Queue");
}
