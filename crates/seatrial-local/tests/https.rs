//! HTTPS as a user has it: the AWS CLI imports a certificate and makes a listener, curl asks it.

#![expect(clippy::unwrap_used, reason = "a test's support may panic")]

mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use axum::Router;
use seatrial_local::certificate_authority;
use serde_json::Value;
use support::{REGION, Started, start};
use tokio::net::TcpListener;

const NAME: &str = "app.example.com";
const PATIENCE: Duration = Duration::from_secs(60);

/// The client that `cargo xtask check --install-missing` installs, else the one on the PATH.
fn aws_program() -> PathBuf {
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/python/bin/aws");
    if installed.exists() { installed } else { PathBuf::from("aws") }
}

async fn output(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

/// What `aws` answers the operator.
async fn aws(started: &Started, arguments: &[&str]) -> Value {
    let operator = started.cloud.operator();
    let mut command = Command::new(aws_program());
    command
        .args(arguments)
        .env("AWS_ENDPOINT_URL", started.cloud.endpoint())
        .env("AWS_ACCESS_KEY_ID", &operator.access_key_id)
        .env("AWS_SECRET_ACCESS_KEY", &operator.secret_access_key)
        .env("AWS_DEFAULT_REGION", REGION)
        .env("AWS_CONFIG_FILE", "/nonexistent")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
        .env("AWS_PAGER", "");
    let output = output(command).await;
    assert!(output.status.success(), "aws {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap_or_default()
}

/// Asks until a part of the answer is `value`: the client's own waiters look every 15 or 30 seconds.
async fn wait_for(started: &Started, arguments: &[&str], part: &str, value: &str) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = aws(started, arguments).await;
        if answer.pointer(part).is_some_and(|found| found == value) {
            return;
        }
        assert!(Instant::now() < deadline, "{part} is not {value}: {answer:#}");
    }
}

/// What curl prints; `None`: it failed. Whatever the name is, it connects to `address`.
async fn curl(address: &str, authority: &Path, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new("curl");
    command
        .args(["--silent", "--show-error", "--noproxy", "*", "--max-time", "30", "--cacert"])
        .arg(authority);
    command.arg("--connect-to").arg(format!("::{address}")).args(arguments);
    let output = output(command).await;
    output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
}

/// A load balancer whose stack's templates need nothing else; answers its ARN and its address.
async fn load_balancer(started: &Started) -> (String, String) {
    let template = "
Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16}}
  A: {Type: AWS::EC2::Subnet, Properties: {VpcId: !Ref Vpc, CidrBlock: 10.0.0.0/24, AvailabilityZone: eu-central-1a}}
  B: {Type: AWS::EC2::Subnet, Properties: {VpcId: !Ref Vpc, CidrBlock: 10.0.1.0/24, AvailabilityZone: eu-central-1b}}
  LoadBalancer: {Type: AWS::ElasticLoadBalancingV2::LoadBalancer, Properties: {Subnets: [!Ref A, !Ref B]}}
  Group:
    Type: AWS::ElasticLoadBalancingV2::TargetGroup
    Properties: {VpcId: !Ref Vpc, TargetType: ip, Protocol: HTTP, Port: 80}
";
    std::fs::write(started.path("stack.yml"), template).unwrap();
    let path = format!("file://{}", started.path("stack.yml").display());
    aws(started, &["cloudformation", "create-stack", "--stack-name", "web", "--template-body", &path]).await;
    let describe = ["cloudformation", "describe-stacks", "--stack-name", "web"];
    wait_for(started, &describe, "/Stacks/0/StackStatus", "CREATE_COMPLETE").await;
    let described = aws(started, &["elbv2", "describe-load-balancers"]).await;
    let found = &described["LoadBalancers"][0];
    let text = |member: &str| found[member].as_str().unwrap().to_owned();
    (text("LoadBalancerArn"), text("DNSName"))
}

/// A target of the group, healthy.
async fn target(started: &Started) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let app = Router::new().fallback(async |headers: axum::http::HeaderMap| {
        // A health check tells neither.
        let told = |name: &str| headers.get(name).map_or("none", |told| told.to_str().unwrap()).to_owned();
        format!("{} {}", told("x-forwarded-proto"), told("x-forwarded-port"))
    });
    tokio::spawn(async move { axum::serve(listener, app).await });
    let groups = aws(started, &["elbv2", "describe-target-groups"]).await;
    let group = groups["TargetGroups"][0]["TargetGroupArn"].as_str().unwrap().to_owned();
    let target = format!("Id=127.0.0.1,Port={port}");
    aws(started, &["elbv2", "register-targets", "--target-group-arn", &group, "--targets", &target]).await;
    group
}

/// A certificate of its own key that may certify others, as `openssl req -x509` makes it.
fn own_certificate(certificate: &Path, key: &Path) {
    let mut parameters = rcgen::CertificateParams::new(vec![NAME.to_owned()]).unwrap();
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    parameters.distinguished_name.push(rcgen::DnType::CommonName, NAME);
    let own_key = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
    std::fs::write(certificate, parameters.self_signed(&own_key).unwrap().pem()).unwrap();
    std::fs::write(key, own_key.serialize_pem()).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_aws_cli_gives_a_listener_its_certificate_and_curl_is_answered_through_it() {
    let started = start().await;
    let (load_balancer, address) = load_balancer(&started).await;
    let group = target(&started).await;
    let request = ["acm", "request-certificate", "--domain-name", NAME, "--validation-method", "DNS"];
    let requested = aws(&started, &request).await["CertificateArn"].as_str().unwrap().to_owned();
    let id = requested.rsplit_once('/').unwrap().1;
    let door = format!("{}/_local/certificates/{id}/validate", started.cloud.endpoint());
    let mut command = Command::new("curl");
    let token = format!("x-seatrial-token: {}", started.cloud.token());
    command.args(["--silent", "--fail", "--noproxy", "*", "--request", "POST", "--header", &token, &door]);
    assert!(output(command).await.status.success());
    let describe = ["acm", "describe-certificate", "--certificate-arn", &requested];
    assert_eq!(aws(&started, &describe).await["Certificate"]["Status"], "ISSUED");
    let (certificate, key) = (started.path("own.pem"), started.path("own.key"));
    own_certificate(&certificate, &key);
    let file = |path: &Path| format!("fileb://{}", path.display());
    let (certificate_file, key_file) = (file(&certificate), file(&key));
    let import =
        ["acm", "import-certificate", "--certificate", &certificate_file, "--private-key", &key_file];
    let imported = aws(&started, &import).await["CertificateArn"].as_str().unwrap().to_owned();
    let listed = aws(&started, &["acm", "list-certificates", "--max-items", "1"]).await;
    assert_eq!(listed["CertificateSummaryList"].as_array().unwrap().len(), 1);

    let certificates = |arn: &str| format!("CertificateArn={arn}");
    let actions = format!("Type=forward,TargetGroupArn={group}");
    let create = ["elbv2", "create-listener", "--load-balancer-arn", &load_balancer, "--port", "443"];
    let policy = "ELBSecurityPolicy-TLS13-1-2-2021-06";
    let of = certificates(&imported);
    let more =
        ["--protocol", "HTTPS", "--certificates", &of, "--ssl-policy", policy, "--default-actions", &actions];
    let made = aws(&started, &[&create[..], &more].concat()).await;
    let listener = made["Listeners"][0]["ListenerArn"].as_str().unwrap();
    let balancers =
        aws(&started, &["elbv2", "describe-load-balancers", "--load-balancer-arns", &load_balancer]).await;
    let own = balancers["LoadBalancers"][0]["SecurityGroups"][0].as_str().unwrap();
    let opening = ["ec2", "authorize-security-group-ingress", "--group-id", own, "--protocol", "tcp"];
    let opened = aws(&started, &[&opening[..], &["--port", "443", "--cidr", "127.0.0.0/8"]].concat()).await;
    assert_eq!(opened["Return"], true);
    let health = ["elbv2", "describe-target-health", "--target-group-arn", &group];
    wait_for(&started, &health, "/TargetHealthDescriptions/0/TargetHealth/State", "healthy").await;
    let authority = certificate_authority(&started.path("data"));
    let url = format!("https://{NAME}/");

    assert_eq!(curl(&address, &certificate, &[&url]).await.as_deref(), Some("https 443"));
    let refused = ["--tls-max", "1.1", &url];
    assert_eq!(curl(&address, &certificate, &refused).await, None);
    assert_eq!(curl(&address, &authority, &[&url]).await, None);
    let plain = curl(&address, &certificate, &[&format!("http://{NAME}/")]).await.unwrap();
    assert!(plain.contains("The plain HTTP request was sent to HTTPS port"), "{plain}");
    let of = certificates(&requested);
    aws(&started, &["elbv2", "modify-listener", "--listener-arn", listener, "--certificates", &of]).await;
    assert_eq!(curl(&address, &authority, &["--http2", &url]).await.as_deref(), Some("https 443"));
    let described = aws(&started, &describe).await;
    assert_eq!(described["Certificate"]["InUseBy"][0], load_balancer);
    aws(&started, &["acm", "delete-certificate", "--certificate-arn", &imported]).await;
}
