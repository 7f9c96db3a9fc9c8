//! HTTPS listeners of the stacks' load balancer: a certificate of ACM, shown to a client that trusts its authority.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

use super::*;
use crate::authority::{Authority, Issued, KeyKind};
use crate::error::ServiceError;

const NAME: &str = "app.example.com";

/// A certificate that an authority of the user's signed.
fn own(names: &[&str]) -> Issued {
    let dir = tempfile::tempdir().unwrap();
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    Authority::open(dir.path()).unwrap().issue(&names, KeyKind::P256).unwrap()
}

/// Imports it, under `arn` if there is one; answers the ARN.
async fn import(cloud: &Cloud, own: &Issued, arn: Option<&Value>) -> Value {
    let input = json!({
        "Certificate": STANDARD.encode(&own.certificate), "PrivateKey": STANDARD.encode(&own.key),
        "CertificateChain": STANDARD.encode(&own.chain), "CertificateArn": arn,
    });
    call(cloud, "acm:ImportCertificate", input).await.unwrap()["CertificateArn"].clone()
}

/// As [`fetch`], in TLS, from whom the authority certifies to be [`NAME`].
async fn fetch_securely(address: &str, authority: &str) -> std::io::Result<String> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = builder.unwrap().with_root_certificates(roots).with_no_client_auth();
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from(NAME).unwrap();
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
    stream
        .write_all(format!("GET / HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n").as_bytes())
        .await?;
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer).await;
    Ok(answer)
}

/// A server that answers what it was told of the client.
async fn telltale() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let app = Router::new().fallback(async |headers: http::HeaderMap| {
        let told = |name: &str| headers.get(name).map_or("none", |value| value.to_str().unwrap()).to_owned();
        [told("x-forwarded-proto"), told("x-forwarded-port"), told("host")].join(" ")
    });
    tokio::spawn(async move { axum::serve(listener, app).await });
    port
}

impl Balancer {
    /// What CreateListener is asked for HTTPS on 443, forwarding to blue.
    fn https(&self, certificate: &Value) -> Value {
        json!({
            "LoadBalancerArn": self.output("LoadBalancerArn"), "Port": 443, "Protocol": "HTTPS",
            "Certificates": [{ "CertificateArn": certificate }],
            "DefaultActions": [{ "Type": "forward", "TargetGroupArn": self.output("BlueTargetGroupArn") }],
        })
    }

    async fn create(&self, input: Value) -> Result<Value, ServiceError> {
        let made = call(&self.cloud, "elasticloadbalancing:CreateListener", input).await?;
        // The stack opens 443 only where it has a certificate itself. A second listener finds it open.
        let group = &self.groups["LoadBalancerSecurityGroupId"];
        let open = json!({
            "GroupId": group, "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIp": "0.0.0.0/0",
        });
        let _ = call(&self.cloud, "ec2:AuthorizeSecurityGroupIngress", open).await;
        Ok(made["Listeners"][0].clone())
    }

    /// Where `port` is served here.
    fn local_address(&self, port: u16) -> String {
        let listeners = super::super::local_listeners(&self.cloud);
        listeners.into_iter().find(|listener| listener.port == port).unwrap().address
    }
}

#[tokio::test]
async fn an_https_listener_shows_its_imported_certificate_and_tells_the_target_of_https() {
    let dir = tempfile::tempdir().unwrap();
    let balancer = Balancer::new(dir.path()).await;
    let targets = json!([{ "Id": "127.0.0.1", "Port": telltale().await }]);
    let group = balancer.output("BlueTargetGroupArn");
    balancer.call("RegisterTargets", json!({ "TargetGroupArn": group, "Targets": targets })).await;
    balancer.wait_for("BlueTargetGroupArn", "healthy").await;
    let own = own(&[NAME]);
    let arn = import(&balancer.cloud, &own, None).await;

    let listener = balancer.create(balancer.https(&arn)).await.unwrap();

    assert_eq!(listener["SslPolicy"], "ELBSecurityPolicy-2016-08");
    let told = format!("https 443 {NAME}");
    // The load balancer's own address leads to 443 from now on.
    let dns_name = balancer.output("LoadBalancerDnsName");
    for address in [&balancer.local_address(443), dns_name] {
        let answer = fetch_securely(address, &own.chain).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with(&told), "{answer}");
        assert!(fetch(address).await.starts_with("HTTP/1.1 400"));
    }
    let local = std::fs::read_to_string(crate::certificate_authority(dir.path()));
    assert!(local.is_err(), "nothing was issued here");

    balancer.cloud.drivers().shutdown(PATIENCE).await;
    super::super::stop(&balancer.cloud).await;
    let balancer = Balancer { cloud: cloud_in(dir.path()), ..balancer };
    super::super::resume(&balancer.cloud).await;
    balancer.wait_for("BlueTargetGroupArn", "healthy").await;
    let answer = fetch_securely(balancer.output("LoadBalancerDnsName"), &own.chain).await.unwrap();
    assert!(answer.ends_with(&told), "{answer}");
}

#[tokio::test]
async fn a_certificate_that_is_imported_again_is_shown_to_the_next_client() {
    let dir = tempfile::tempdir().unwrap();
    let balancer = Balancer::new(dir.path()).await;
    let (old, new) = (own(&[NAME]), own(&[NAME]));
    let arn = import(&balancer.cloud, &old, None).await;
    balancer.create(balancer.https(&arn)).await.unwrap();
    let address = balancer.local_address(443);
    assert!(fetch_securely(&address, &new.chain).await.is_err());

    import(&balancer.cloud, &new, Some(&arn)).await;

    assert!(fetch_securely(&address, &new.chain).await.is_ok());
    assert!(fetch_securely(&address, &old.chain).await.is_err());
}

#[tokio::test]
async fn a_redirect_to_https_leads_to_where_443_is_served_here() {
    let dir = tempfile::tempdir().unwrap();
    let balancer = Balancer::new(dir.path()).await;
    let own = own(&[NAME]);
    let arn = import(&balancer.cloud, &own, None).await;
    balancer.create(balancer.https(&arn)).await.unwrap();
    let redirect = json!({ "Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301" });
    let actions = json!([{ "Type": "redirect", "RedirectConfig": redirect }]);
    let rule = balancer.rules().await[0]["RuleArn"].clone();
    balancer.call("ModifyRule", json!({ "RuleArn": rule, "Actions": actions })).await;

    let answer = fetch(&balancer.local_address(80)).await;

    let address = balancer.local_address(443);
    let port = address.rsplit_once(':').unwrap().1;
    assert!(answer.starts_with("HTTP/1.1 301"), "{answer}");
    assert!(answer.contains(&format!("location: https://x:{port}/\r\n")), "{answer}");
    assert!(fetch_securely(&address, &own.chain).await.unwrap().starts_with("HTTP/1.1 503"));
}

#[tokio::test]
async fn a_certificate_that_was_requested_here_is_signed_by_the_local_authority() {
    let dir = tempfile::tempdir().unwrap();
    let balancer = Balancer::new(dir.path()).await;
    let input = json!({ "DomainName": NAME, "ValidationMethod": "DNS", "KeyAlgorithm": "EC_prime256v1" });
    let made = call(&balancer.cloud, "acm:RequestCertificate", input).await.unwrap();
    let arn = &made["CertificateArn"];

    let pending = balancer.create(balancer.https(arn)).await.unwrap_err();
    crate::services::acm::validate(&balancer.cloud, arn.as_str().unwrap().rsplit_once('/').unwrap().1)
        .unwrap();
    balancer.create(balancer.https(arn)).await.unwrap();

    // DataBiosphere/azul#8321
    assert_eq!(pending.code, "UnsupportedCertificate");
    assert!(pending.message.ends_with(
        "must have a fully-qualified domain name, a supported signature, and a supported key size."
    ));
    let authority = std::fs::read_to_string(crate::certificate_authority(dir.path())).unwrap();
    assert!(fetch_securely(&balancer.local_address(443), &authority).await.is_ok());
}

#[tokio::test]
async fn what_aws_refuses_of_a_listeners_security_is_refused_in_its_words() {
    let dir = tempfile::tempdir().unwrap();
    let balancer = Balancer::new(dir.path()).await;
    let arn = import(&balancer.cloud, &own(&[NAME]), None).await;
    let nameless = import(&balancer.cloud, &own(&["localhost"]), None).await;
    let none = "arn:aws:acm:eu-central-1:000000000000:certificate/none";
    let abroad = arn.as_str().unwrap().replace("eu-central-1", "us-east-1");
    let with = |member: &str, value: Value| {
        let mut input = balancer.https(&arn);
        input[member] = value;
        input
    };
    let of = |arn: &Value| with("Certificates", json!([{ "CertificateArn": arn }]));
    let plain = |member: &str, value: Value| {
        let mut input = with("Protocol", json!("HTTP"));
        input["Certificates"] = json!([]);
        input[member] = value;
        input
    };

    for (input, code, message) in [
        (
            with("Certificates", json!([])),
            "ValidationError",
            "A certificate must be specified for HTTPS listeners",
        ),
        (of(&json!(none)), "CertificateNotFound", &*format!("Certificate '{none}' not found")),
        (of(&json!(abroad)), "ValidationError", &*format!("Certificate ARN '{abroad}' is not valid")),
        (of(&json!("nothing")), "ValidationError", "Certificate ARN 'nothing' is not valid"),
        (of(&nameless), "UnsupportedCertificate", "must have a fully-qualified domain name"),
        (with("SslPolicy", json!("ELBSecurityPolicy-2015-05")), "SSLPolicyNotFound", "not found"),
        (with("SslPolicy", json!("TLS13-1-2-2021-06")), "SSLPolicyNotFound", "not found"),
        (
            plain("SslPolicy", json!("ELBSecurityPolicy-2016-08")),
            "ValidationError",
            "An SSL policy cannot be specifed",
        ),
        (plain("Certificates", json!([{ "CertificateArn": arn }])), "ValidationError", "HTTP listeners"),
    ] {
        let refused = balancer.create(input).await.unwrap_err();
        assert_eq!(refused.code, code, "{refused}");
        assert!(refused.message.contains(message), "{refused}");
    }
    let listener = balancer.create(balancer.https(&arn)).await.unwrap();
    let modify =
        json!({ "ListenerArn": listener["ListenerArn"], "Certificates": [{ "CertificateArn": none }] });
    assert_eq!(refused(&balancer.cloud, "ModifyListener", modify).await, "CertificateNotFound");
    // What was refused changed nothing.
    let listeners =
        balancer.call("DescribeListeners", json!({ "ListenerArns": [listener["ListenerArn"]] })).await;
    assert_eq!(listeners["Listeners"][0], listener);
}

/// hashicorp/terraform-provider-aws#3866
#[tokio::test]
async fn a_certificate_is_kept_while_a_listener_shows_it() {
    let dir = tempfile::tempdir().unwrap();
    let balancer = Balancer::new(dir.path()).await;
    let cloud = &balancer.cloud;
    let arn = import(cloud, &own(&[NAME]), None).await;
    let listener = balancer.create(balancer.https(&arn)).await.unwrap();
    let delete = || call(cloud, "acm:DeleteCertificate", json!({ "CertificateArn": arn }));

    let refused = delete().await.unwrap_err();
    let described = call(cloud, "acm:DescribeCertificate", json!({ "CertificateArn": arn })).await.unwrap();
    balancer.call("DeleteListener", json!({ "ListenerArn": listener["ListenerArn"] })).await;

    assert_eq!(refused.code, "ResourceInUseException");
    let words = format!("Certificate {} in account 000000000000 is in use.", arn.as_str().unwrap());
    assert_eq!(refused.message, words);
    assert_eq!(described["Certificate"]["InUseBy"], json!([balancer.output("LoadBalancerArn")]));
    delete().await.unwrap();
    assert_eq!(delete().await.unwrap_err().code, "ResourceNotFoundException");
}

/// A stack's certificate is issued once its records are there: CloudFormation makes those of a zone it is told.
#[tokio::test]
async fn a_stack_has_a_certificate_as_soon_as_its_domains_are_proved() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud_in(dir.path());
    let create = async |name: &str, zone: &str| {
        let options = format!("[{{DomainName: {NAME}{zone}}}]");
        let template = format!(
            "Resources: {{Certificate: {{Type: AWS::CertificateManager::Certificate, Properties: \
             {{DomainName: {NAME}, ValidationMethod: DNS, DomainValidationOptions: {options}}}}}}}\n\
             Outputs: {{Arn: {{Value: !Ref Certificate}}}}"
        );
        let input = json!({ "StackName": name, "TemplateBody": template });
        call(&cloud, "cloudformation:CreateStack", input).await.unwrap();
    };
    let status = async |name: &str| {
        let input = json!({ "StackName": name });
        let found = call(&cloud, "cloudformation:DescribeStacks", input).await.unwrap();
        found["Stacks"][0]["StackStatus"].as_str().unwrap().to_owned()
    };
    let wait_for = async |name: &str, wanted: &str| {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while status(name).await != wanted {
            assert!(tokio::time::Instant::now() < deadline, "{name} is {}", status(name).await);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let pending = async || {
        let input = json!({ "CertificateStatuses": ["PENDING_VALIDATION"] });
        let listed = call(&cloud, "acm:ListCertificates", input).await.unwrap();
        listed["CertificateSummaryList"][0]["CertificateArn"].as_str().map(str::to_owned)
    };

    create("zoned", ", HostedZoneId: Z1").await;
    wait_for("zoned", "CREATE_COMPLETE").await;
    assert_eq!(pending().await, None);
    create("waiting", "").await;
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while pending().await.is_none() {
        assert!(tokio::time::Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(status("waiting").await, "CREATE_IN_PROGRESS");
    let arn = pending().await.unwrap();
    crate::services::acm::validate(&cloud, arn.rsplit_once('/').unwrap().1).unwrap();
    wait_for("waiting", "CREATE_COMPLETE").await;
    call(&cloud, "cloudformation:DeleteStack", json!({ "StackName": "zoned" })).await.unwrap();
    let own = outputs(&cloud, "waiting").await["Arn"].clone();
    assert_eq!(own, json!(arn));
}
