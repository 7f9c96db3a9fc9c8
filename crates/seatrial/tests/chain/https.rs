//! An environment behind HTTPS, by the built binary on the local cloud: its releases are judged by requests that meet
//! TLS, and its health check is asked where users ask.

#![expect(clippy::unwrap_used, reason = "a test that cannot be prepared has failed")]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use crate::support::aws_cli::AwsCli;
use crate::support::checkout::Checkout;
use crate::support::fixture::{Layout, PAGE};

const DOMAIN: &str = "www.example.com";

#[test]
fn a_release_behind_https_is_judged_by_the_requests_of_its_domain() {
    let checkout = Checkout::of_fixture(Layout::Member);
    assert_eq!(checkout.run(&["local", "start"]).code, Some(0));
    let local = checkout.json(&["local", "status"]);
    let certificate = certificate(&local);
    let with = format!("local: {{domain: {DOMAIN}, certificate_arn: '{certificate}'}}");
    checkout.edit_project("local: {}", &with);

    let provisioned = checkout.json(&["provision", "--yes"]);
    assert_eq!(provisioned["outputs"]["Url"], format!("https://{DOMAIN}"));

    checkout.commit_long_ago(PAGE, "a page behind a certificate\n");
    let release = checkout.json(&["release", "--rate", "100"]);
    assert_eq!(release["requests"]["failed"], 0, "{release}");
    assert!(release["requests"]["sent"].as_u64().unwrap() > 100, "{release}");

    // The health check's new path is asked there, too.
    checkout.edit_project("health_check_path: /healthz", "health_check_path: /nowhere");
    let refused = checkout.run(&["provision", "--yes"]);
    assert_eq!(refused.code, Some(3), "{}", refused.stderr);
    assert!(refused.stderr.contains(&format!("https://{DOMAIN}/nowhere answers 404")), "{}", refused.stderr);

    // Whoever cannot reach it is told so before the release, which is then watched by its tasks alone.
    let authority = std::path::Path::new(local["certificate_authority"].as_str().unwrap());
    std::fs::write(authority, "").unwrap();
    checkout.edit_project("health_check_path: /nowhere", "health_check_path: /healthz");
    let release = checkout.run(&["release", "--again"]);
    assert_eq!(release.code, Some(0), "{}", release.stderr);
    assert!(release.stderr.contains("does not answer as it should before the release"), "{}", release.stderr);
}

/// A certificate of the local cloud's own authority, for [`DOMAIN`].
fn certificate(local: &serde_json::Value) -> String {
    let aws = AwsCli::new(local);
    let request = ["acm", "request-certificate", "--domain-name", DOMAIN, "--validation-method", "DNS"];
    let arn = aws.json(&request)["CertificateArn"].as_str().unwrap().to_owned();
    let id = arn.rsplit('/').next().unwrap();
    let address = local["endpoint"].as_str().unwrap().strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let token = local["token"].as_str().unwrap();
    let head = format!("POST /_local/certificates/{id}/validate HTTP/1.1\r\nHost: {address}");
    let head = format!("{head}\r\nx-seatrial-token: {token}");
    write!(stream, "{head}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 2"), "{answer}");
    arn
}
