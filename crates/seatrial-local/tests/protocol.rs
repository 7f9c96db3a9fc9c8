//! The wire as clients see it: who is refused, how, and what is not served.

mod support;

use aws_sdk_sts::error::ProvideErrorMetadata as _;
use support::start;

#[tokio::test]
async fn the_caller_is_told_who_it_is() {
    let started = start().await;
    let identity = aws_sdk_sts::Client::new(&started.config()).get_caller_identity().send().await.unwrap();
    assert_eq!(identity.account(), Some("000000000000"));
    assert_eq!(identity.arn(), Some("arn:aws:iam::000000000000:user/operator"));
}

#[tokio::test]
async fn a_wrong_secret_is_refused_in_each_protocols_words() {
    let started = start().await;
    let config = started.config_with_secret("wrong");
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
    let config = started.config();
    let error =
        aws_sdk_ecs::Client::new(&config).put_account_setting_default().name("serviceLongArnFormat".into());
    let error = error.value("enabled").send().await.unwrap_err();
    assert_eq!(error.raw_response().unwrap().status().as_u16(), 501);
    assert!(error.message().unwrap().contains("ecs:PutAccountSettingDefault"), "{error:?}");
}

#[tokio::test]
async fn a_request_that_the_model_rejects_never_reaches_the_service() {
    let started = start().await;
    let client = aws_sdk_cloudformation::Client::new(&started.config());
    let error = client.describe_change_set().stack_name("s").change_set_name("a_b").send().await.unwrap_err();
    assert_eq!(error.code(), Some("ValidationError"));
    assert!(error.message().unwrap().contains("'changeSetName' failed to satisfy constraint"), "{error:?}");
    assert!(started.cloud.cloud().journal().entries().is_empty());
}
