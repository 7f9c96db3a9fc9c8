//! What tasks find: the stacks up to the load balancer, an image in the registry, a secret, a log group.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::{Value, json};

use crate::services::ecr::digest;
use crate::services::ecs::{AwsVpcConfiguration, NetworkConfiguration};
use crate::services::elbv2::DescribeTargetHealth;
use crate::services::logs::FilterLogEvents;
use crate::tests::{ACCOUNT, call, make_balancer, operator, outputs, server};
use crate::{Cloud, services};

const CONFIG_TYPE: &str = "application/vnd.oci.image.config.v1+json";
const LAYER_TYPE: &str = "application/vnd.oci.image.layer.v1.tar";

/// Makes it all, once for a data directory.
pub(super) async fn make(cloud: &Cloud, app_port: u16) {
    make_balancer(cloud, app_port).await;
    let secret = json!({ "Name": "db", "SecretString": r#"{"password":"hidden"}"# });
    call(cloud, "secretsmanager:CreateSecret", secret).await.unwrap();
    call(cloud, "logs:CreateLogGroup", json!({ "logGroupName": "group" })).await.unwrap();
    push_image(cloud).await;
    services::iam::add_trusting_role(cloud, "execution");
}

/// The role with which tasks pull their image, read secrets and write logs.
pub(super) fn execution_role() -> String {
    format!("arn:aws:iam::{ACCOUNT}:role/execution")
}

/// Pushes `app:v1`.
pub(crate) async fn push_image(cloud: &Cloud) {
    call(cloud, "ecr:CreateRepository", json!({ "repositoryName": "app" })).await.unwrap();
    let config =
        json!({ "config": { "Entrypoint": ["/server"], "Env": ["FROM_IMAGE=yes"], "WorkingDir": "/" } });
    let config = push_layer(cloud, CONFIG_TYPE, config.to_string().as_bytes()).await;
    let layer = push_layer(cloud, LAYER_TYPE, &layer()).await;
    let manifest = json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": config, "layers": [layer],
    });
    let image = json!({ "repositoryName": "app", "imageManifest": manifest.to_string(), "imageTag": "v1" });
    call(cloud, "ecr:PutImage", image).await.unwrap();
}

/// Pushes a layer, and answers how a manifest names it.
async fn push_layer(cloud: &Cloud, media_type: &str, bytes: &[u8]) -> Value {
    let begun = call(cloud, "ecr:InitiateLayerUpload", json!({ "repositoryName": "app" })).await.unwrap();
    let part = json!({
        "repositoryName": "app", "uploadId": begun["uploadId"], "layerPartBlob": BASE64_STANDARD.encode(bytes),
    });
    call(cloud, "ecr:UploadLayerPart", part).await.unwrap();
    let whole = json!({
        "repositoryName": "app", "uploadId": begun["uploadId"], "layerDigests": [digest(bytes)],
    });
    call(cloud, "ecr:CompleteLayerUpload", whole).await.unwrap();
    json!({ "mediaType": media_type, "digest": digest(bytes), "size": bytes.len() })
}

fn layer() -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, content) in [("server", server()), ("script", b"#!/server\n")] {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o755);
        header.set_uid(0);
        header.set_gid(0);
        builder.append_data(&mut header, name, content).unwrap();
    }
    builder.into_inner().unwrap()
}

/// The application's subnets and security group.
pub(super) async fn network(cloud: &Cloud) -> NetworkConfiguration {
    let subnets = outputs(cloud, "network").await["ApplicationSubnetIds"].take();
    let group = outputs(cloud, "security-groups").await["ApplicationSecurityGroupId"].take();
    let awsvpc_configuration = AwsVpcConfiguration {
        subnets: subnets.as_str().unwrap().split(',').map(str::to_owned).collect(),
        security_groups: vec![group.as_str().unwrap().to_owned()],
        assign_public_ip: Some("ENABLED".to_owned()),
    };
    NetworkConfiguration { awsvpc_configuration }
}

/// The ARN of the target group `Blue` or `Green`.
pub(super) async fn target_group(cloud: &Cloud, colour: &str) -> String {
    let outputs = outputs(cloud, "load-balancer").await;
    outputs[format!("{colour}TargetGroupArn")].as_str().unwrap().to_owned()
}

/// The addresses of the target group's targets that do not drain.
pub(super) async fn targets(cloud: &Cloud, colour: &str) -> Vec<(String, u16)> {
    let target_group_arn = target_group(cloud, colour).await;
    let input = DescribeTargetHealth { target_group_arn, targets: Vec::new() };
    let mut found = cloud.call(&operator(), input).await.unwrap().target_health_descriptions;
    found.retain(|found| found.target_health.state != "draining");
    found.into_iter().map(|found| (found.target.id, found.target.port.unwrap())).collect()
}

/// When the containers wrote the line first, in milliseconds since 1970.
pub(super) async fn written(cloud: &Cloud, line: &str) -> Option<i64> {
    let log_group_name = Some("group".to_owned());
    let input = FilterLogEvents { log_group_name, ..FilterLogEvents::default() };
    let events = cloud.call(&operator(), input).await.unwrap().events;
    events.into_iter().find(|event| event.message == line).map(|event| event.timestamp)
}
