//! The wire as clients see it: who is refused, how, and what is not served.

#![expect(clippy::unwrap_used, reason = "a test's support may panic")]

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sts::config::{Credentials, SharedCredentialsProvider};
use aws_sdk_sts::error::ProvideErrorMetadata as _;
use local_cloud::{LocalCloud, Options, Settings};

struct Started {
    cloud: LocalCloud,
    _data: tempfile::TempDir,
}

async fn start() -> Started {
    let data = tempfile::tempdir().unwrap();
    let settings = Settings {
        account: "000000000000".to_owned(),
        region: "eu-central-1".to_owned(),
        source: data.path().to_owned(),
    };
    let options = Options { data_dir: data.path().join("data"), port: Some(0), settings, time_scale: 60.0 };
    Started { cloud: LocalCloud::start(options).await.unwrap(), _data: data }
}

impl Started {
    fn config(&self, secret: Option<&str>) -> SdkConfig {
        let operator = self.cloud.operator();
        let secret = secret.unwrap_or(&operator.secret_access_key);
        let credentials = Credentials::new(&operator.access_key_id, secret, None, None, "test");
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-central-1"))
            .endpoint_url(self.cloud.endpoint())
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .build()
    }
}

#[tokio::test]
async fn the_caller_is_told_who_it_is() {
    let started = start().await;
    let identity =
        aws_sdk_sts::Client::new(&started.config(None)).get_caller_identity().send().await.unwrap();
    assert_eq!(identity.account(), Some("000000000000"));
    assert_eq!(identity.arn(), Some("arn:aws:iam::000000000000:user/operator"));
}

#[tokio::test]
async fn a_wrong_secret_is_refused_in_each_protocols_words() {
    let started = start().await;
    let config = started.config(Some("wrong"));
    let sts = aws_sdk_sts::Client::new(&config).get_caller_identity().send().await.unwrap_err();
    assert_eq!(sts.code(), Some("SignatureDoesNotMatch"));
    let ecs = aws_sdk_ecs::Client::new(&config).list_clusters().send().await.unwrap_err();
    assert_eq!(ecs.code(), Some("InvalidSignatureException"));
    let connections =
        aws_sdk_codeconnections::Client::new(&config).list_connections().send().await.unwrap_err();
    assert_eq!(connections.code(), Some("InvalidSignatureException"));
    let s3 = aws_sdk_s3::Client::new(&config).list_buckets().send().await.unwrap_err();
    assert_eq!(s3.code(), Some("SignatureDoesNotMatch"));
    assert!(started.cloud.cloud().journal().entries().is_empty());
}

#[tokio::test]
async fn an_operation_that_is_not_served_answers_501_with_its_name() {
    let started = start().await;
    let config = started.config(None);
    let error =
        aws_sdk_ecs::Client::new(&config).put_account_setting_default().name("serviceLongArnFormat".into());
    let error = error.value("enabled").send().await.unwrap_err();
    assert_eq!(error.raw_response().unwrap().status().as_u16(), 501);
    assert!(error.message().unwrap().contains("ecs:PutAccountSettingDefault"), "{error:?}");
}

#[tokio::test]
async fn a_request_that_the_model_rejects_never_reaches_the_service() {
    let started = start().await;
    let client = aws_sdk_cloudformation::Client::new(&started.config(None));
    let error = client.describe_change_set().stack_name("s").change_set_name("a_b").send().await.unwrap_err();
    assert_eq!(error.code(), Some("ValidationError"));
    assert!(error.message().unwrap().contains("'changeSetName' failed to satisfy constraint"), "{error:?}");
    assert!(started.cloud.cloud().journal().entries().is_empty());
}
