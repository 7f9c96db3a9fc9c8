//! What a project names and an account has, and nobody but the account knows: made up here under the same ARN.

use serde::Deserialize;

use super::{acm, codeconnections, kms, secretsmanager, ssm};
use crate::cloud::Cloud;
use crate::error::ServiceError;

/// Something that is to be there under an ARN which the project names.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum StandIn {
    /// A JSON object with these keys, or a text where there are none; the values say what they stand for.
    Secret {
        arn: String,
        keys: Vec<String>,
    },
    Parameter {
        arn: String,
    },
    /// Signed by the local cloud's own authority.
    Certificate {
        arn: String,
        domain: String,
    },
    /// A key of KMS that its account and CloudWatch Logs may use.
    Key {
        arn: String,
    },
    /// One whose handshake is done.
    Connection {
        arn: String,
    },
}

impl StandIn {
    /// # Errors
    /// The ARN is none of its kind, or of another account or region where AWS takes none of such; something of the name is
    /// there already.
    pub(crate) fn make(self, cloud: &Cloud) -> Result<(), ServiceError> {
        match self {
            Self::Secret { arn, keys } => secretsmanager::stand_in(cloud, &arn, &keys),
            Self::Parameter { arn } => ssm::stand_in(cloud, &arn),
            Self::Certificate { arn, domain } => acm::stand_in(cloud, &arn, &domain),
            Self::Key { arn } => kms::stand_in(cloud, &arn),
            Self::Connection { arn } => codeconnections::stand_in(cloud, &arn),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::tests::{ACCOUNT, call, cloud_in};

    fn make(cloud: &Cloud, wanted: Value) -> Result<(), ServiceError> {
        serde_json::from_value::<StandIn>(wanted).unwrap().make(cloud)
    }

    #[tokio::test]
    async fn what_the_account_has_stands_under_the_arn_that_the_project_names() {
        let dir = tempfile::tempdir().unwrap();
        let cloud = cloud_in(dir.path());
        let foreign = "arn:aws:secretsmanager:us-east-1:123456789012:secret:web/token-AbCdEf";
        let partial = "arn:aws:secretsmanager:us-east-1:123456789012:secret:plain";
        let parameter = "arn:aws:ssm:us-east-1:123456789012:parameter/web/key";
        let certificate = format!("arn:aws:acm:eu-central-1:{ACCOUNT}:certificate/1");
        let connection = "arn:aws:codestar-connections:us-east-1:123456789012:connection/1";
        let key = "arn:aws:kms:us-east-1:123456789012:key/134f2428-cec1-4b25-a1ae-9048164dba47";

        for wanted in [
            json!({"kind": "secret", "arn": foreign, "keys": ["user", "password"]}),
            json!({"kind": "secret", "arn": partial, "keys": []}),
            json!({"kind": "parameter", "arn": parameter}),
            json!({"kind": "certificate", "arn": certificate, "domain": "www.example.com"}),
            json!({"kind": "connection", "arn": connection}),
            json!({"kind": "key", "arn": key}),
        ] {
            make(&cloud, wanted).unwrap();
        }
        let cloud = cloud_in(dir.path());

        let read = |operation: &'static str, input: Value| call(&cloud, operation, input);
        let secret = read("secretsmanager:GetSecretValue", json!({"SecretId": foreign})).await.unwrap();
        let values: Value = serde_json::from_str(secret["SecretString"].as_str().unwrap()).unwrap();
        assert_eq!(values, json!({"user": "stand-in for user", "password": "stand-in for password"}));
        assert_eq!((&secret["ARN"], &secret["Name"]), (&json!(foreign), &json!("web/token")));
        let plain = read("secretsmanager:GetSecretValue", json!({"SecretId": partial})).await.unwrap();
        assert_eq!(plain["SecretString"], "stand-in for plain");
        let found = json!({"Names": [parameter], "WithDecryption": true});
        let found = read("ssm:GetParameters", found).await.unwrap();
        assert_eq!(found["Parameters"][0]["Value"], "stand-in for web/key");
        let issued = read("acm:DescribeCertificate", json!({"CertificateArn": certificate})).await.unwrap();
        assert_eq!(issued["Certificate"]["Status"], "ISSUED");
        assert_eq!(issued["Certificate"]["DomainName"], "www.example.com");
        let sealed = read("kms:Encrypt", json!({"KeyId": key, "Plaintext": "b25l"})).await.unwrap();
        assert_eq!(sealed["KeyId"], key);
        let connected = read("codeconnections:GetConnection", json!({"ConnectionArn": connection})).await;
        assert_eq!(connected.unwrap()["Connection"]["ConnectionStatus"], "AVAILABLE");
    }

    #[tokio::test]
    async fn what_aws_would_not_take_has_no_stand_in_and_what_is_there_is_not_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let cloud = cloud_in(dir.path());
        let secret =
            json!({"kind": "secret", "arn": "arn:aws:secretsmanager:eu-central-1:1:secret:a", "keys": []});
        make(&cloud, secret.clone()).unwrap();
        let elsewhere = format!("arn:aws:acm:us-east-1:{ACCOUNT}:certificate/1");
        let cases = [
            (secret, "ResourceExistsException"),
            (json!({"kind": "secret", "arn": "a-name", "keys": []}), "ValidationException"),
            (
                json!({"kind": "parameter", "arn": "arn:aws:ssm:eu-central-1:1:document/a"}),
                "ValidationException",
            ),
            (json!({"kind": "certificate", "arn": elsewhere, "domain": "a.example"}), "ValidationException"),
            (json!({"kind": "key", "arn": "arn:aws:kms:eu-central-1:1:alias/a"}), "ValidationException"),
            (
                json!({"kind": "connection", "arn": "arn:aws:acm:eu-central-1:1:certificate/1"}),
                "ValidationException",
            ),
        ];
        for (wanted, code) in cases {
            assert_eq!(make(&cloud, wanted.clone()).unwrap_err().code, code, "{wanted}");
        }
    }
}
