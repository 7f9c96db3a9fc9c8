//! Keys of KMS and their aliases as resources, and what is encrypted with them.

use serde_json::json;

use super::*;
use crate::tests::call;

const KEYS: &str = "
Resources:
  Key:
    Type: AWS::KMS::Key
    Properties:
      Description: first
      EnableKeyRotation: true
      RotationPeriodInDays: 100
      PendingWindowInDays: 7
      KeyPolicy:
        Version: '2012-10-17'
        Statement:
          - {Effect: Allow, Action: 'kms:*', Resource: '*', Principal: {AWS: !Sub 'arn:aws:iam::${AWS::AccountId}:root'}}
          - Effect: Allow
            Action: ['kms:Encrypt*', 'kms:Decrypt*', 'kms:ReEncrypt*', 'kms:GenerateDataKey*', 'kms:Describe*']
            Resource: '*'
            Principal: {Service: !Sub 'logs.${AWS::Region}.amazonaws.com'}
      Tags: [{Key: team, Value: blue}]
  Alias: {Type: 'AWS::KMS::Alias', Properties: {AliasName: alias/app, TargetKeyId: !Ref Key}}
  Group: {Type: 'AWS::Logs::LogGroup', Properties: {LogGroupName: app, KmsKeyId: !GetAtt Key.Arn}}
Outputs:
  Id: {Value: !Ref Key}
  Arn: {Value: !GetAtt Key.Arn}
  Alias: {Value: !Ref Alias}
";

/// Outputs as recorded: `test_cfn_with_kms_resources`.
#[tokio::test]
async fn a_key_is_made_changed_in_place_and_waits_for_its_deletion_as_long_as_its_stack_says() {
    let fixture = Fixture::new().await;
    let cloud = fixture.local.cloud();
    let stack = fixture.create(KEYS).await;
    assert_eq!(fixture.settled("s").await, "CREATE_COMPLETE", "{:#?}", fixture.events("s").await);
    let (id, arn) = (fixture.output("Id").await, fixture.output("Arn").await);
    assert_eq!(arn, format!("arn:aws:kms:eu-central-1:000000000000:key/{id}"));
    assert_eq!(fixture.output("Alias").await, "alias/app");
    let described =
        async || call(cloud, "kms:DescribeKey", json!({"KeyId": id})).await.unwrap()["KeyMetadata"].clone();
    let rotation = json!({"KeyId": id});
    let rotation = call(cloud, "kms:GetKeyRotationStatus", rotation).await.unwrap();
    assert_eq!(rotation["RotationPeriodInDays"], 100);
    let groups = call(cloud, "logs:DescribeLogGroups", json!({})).await.unwrap();
    assert_eq!(groups["logGroups"][0]["kmsKeyId"], arn);

    let changed = KEYS.replace("first", "second").replace("EnableKeyRotation: true", "Enabled: false");
    let changed = changed.replace("KmsKeyId: !GetAtt Key.Arn", "RetentionInDays: 7");
    let changed = changed.replace("      RotationPeriodInDays: 100\n", "");
    fixture.update(&changed).await;
    assert_eq!(fixture.settled("s").await, "UPDATE_COMPLETE", "{:#?}", fixture.events("s").await);
    assert_eq!(fixture.output("Id").await, id);
    let shown = described().await;
    assert_eq!((&shown["Description"], &shown["KeyState"]), (&json!("second"), &json!("Disabled")));

    fixture.call("DeleteStack", json!({"StackName": "s"})).await;
    assert_eq!(fixture.settled(&stack).await, "DELETE_COMPLETE");
    let shown = described().await;
    assert_eq!(shown["KeyState"], "PendingDeletion");
    let seconds = shown["DeletionDate"].as_f64().unwrap() - cloud.clock().now().0;
    assert_eq!((seconds / 86_400.0).round(), 7.0);
    let gone = call(cloud, "kms:DescribeKey", json!({"KeyId": "alias/app"})).await.unwrap_err();
    assert_eq!(gone.code, "NotFoundException");
}
