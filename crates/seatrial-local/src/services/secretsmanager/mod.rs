//! Secrets Manager: secrets with versions and stages. Values are neither logged nor in the journal.

mod operations;
mod random;
mod stand_in;
mod store;

pub(crate) use operations::*;
pub(crate) use random::Password;
pub(crate) use stand_in::stand_in;

use crate::cloud::Cloud;
use crate::operation::Operations;

/// The customer's key of a secret: an ARN, id or alias.
pub(crate) fn key_of(cloud: &Cloud, secret_arn: &str) -> Option<String> {
    cloud.part::<store::SecretStore>().find(secret_arn).ok()?.kms_key_id
}

/// The policy that a secret has itself.
pub(crate) fn policy_of(cloud: &Cloud, secret_arn: &str) -> Option<String> {
    cloud.part::<store::SecretStore>().find(secret_arn).ok()?.policy
}

/// The tags of a secret.
pub(crate) fn tags_of(cloud: &Cloud, secret_arn: &str) -> Option<Vec<(String, String)>> {
    Some(cloud.part::<store::SecretStore>().find(secret_arn).ok()?.tags.into_iter().collect())
}

/// The values of all secrets, those of earlier versions too: what is never to be shown.
pub(crate) fn values(cloud: &Cloud) -> Vec<String> {
    let secrets = cloud.part::<store::SecretStore>().secrets.values().into_iter();
    let versions = secrets.flat_map(|secret| secret.versions);
    versions.flat_map(|version| [version.string, version.binary]).flatten().collect()
}

pub(crate) fn register(operations: &mut Operations) {
    operations.add::<PutResourcePolicy>();
    operations.add::<GetResourcePolicy>();
    operations.add::<DeleteResourcePolicy>();
    operations.add::<CreateSecret>();
    operations.add::<PutSecretValue>();
    operations.add::<UpdateSecret>();
    operations.add::<GetSecretValue>();
    operations.add::<DescribeSecret>();
    operations.add::<ListSecrets>();
    operations.add::<DeleteSecret>();
    operations.add::<GetRandomPassword>();
    operations.add::<TagResource>();
    operations.add::<UntagResource>();
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::tests::{call, cloud_in};

    #[tokio::test]
    async fn a_new_value_moves_the_stages_and_the_old_one_stays_readable() {
        let dir = tempfile::tempdir().unwrap();
        let cloud = cloud_in(dir.path());
        let made = json!({"Name": "db", "SecretString": "one"});
        let made = call(&cloud, "secretsmanager:CreateSecret", made).await.unwrap();
        let arn = made["ARN"].as_str().unwrap();
        let put = json!({"SecretId": arn, "SecretString": "two"});
        call(&cloud, "secretsmanager:PutSecretValue", put).await.unwrap();
        let cloud = cloud_in(dir.path());

        let partial = arn.rsplit_once('-').unwrap().0;
        let current =
            call(&cloud, "secretsmanager:GetSecretValue", json!({"SecretId": partial})).await.unwrap();
        let previous = json!({"SecretId": "db", "VersionStage": "AWSPREVIOUS"});
        let previous = call(&cloud, "secretsmanager:GetSecretValue", previous).await.unwrap();

        assert_eq!(current["SecretString"], "two");
        assert_eq!(previous["SecretString"], "one");
        assert_eq!(previous["VersionId"], made["VersionId"]);
    }

    #[tokio::test]
    async fn a_secret_marked_for_deletion_is_neither_read_nor_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let cloud = cloud_in(dir.path());
        let secret = json!({"Name": "db", "SecretString": "hunter2"});
        call(&cloud, "secretsmanager:CreateSecret", secret.clone()).await.unwrap();
        call(&cloud, "secretsmanager:DeleteSecret", json!({"SecretId": "db"})).await.unwrap();

        let read =
            call(&cloud, "secretsmanager:GetSecretValue", json!({"SecretId": "db"})).await.unwrap_err();
        let again = call(&cloud, "secretsmanager:CreateSecret", secret).await.unwrap_err();

        assert_eq!(
            (read.code.as_str(), again.code.as_str()),
            ("InvalidRequestException", "InvalidRequestException")
        );
        assert!(cloud.journal().entries().iter().all(|entry| !format!("{entry:?}").contains("hunter2")));
    }
}
