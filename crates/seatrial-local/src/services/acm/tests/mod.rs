//! Certificates as their users make and see them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::Cloud;
use crate::authority::{Authority, Issued, KeyKind};
use crate::error::ServiceError;
use crate::tests::{call, cloud_in};

async fn acm(cloud: &Cloud, operation: &str, input: Value) -> Result<Value, ServiceError> {
    call(cloud, &format!("acm:{operation}"), input).await
}

async fn describe(cloud: &Cloud, arn: &Value) -> Value {
    let described = acm(cloud, "DescribeCertificate", json!({ "CertificateArn": arn })).await.unwrap();
    described["Certificate"].clone()
}

/// A certificate that another authority signed, as a user has one.
fn own(name: &str, kind: KeyKind) -> Issued {
    let dir = tempfile::tempdir().unwrap();
    Authority::open(dir.path()).unwrap().issue(&[name.to_owned(), format!("www.{name}")], kind).unwrap()
}

/// What ImportCertificate is asked.
fn import(certificate: &str, key: &str, chain: Option<&str>) -> Value {
    let mut input =
        json!({ "Certificate": STANDARD.encode(certificate), "PrivateKey": STANDARD.encode(key) });
    if let Some(chain) = chain {
        input["CertificateChain"] = STANDARD.encode(chain).into();
    }
    input
}

/// A certificate of its own key, and its key.
fn self_signed(change: impl FnOnce(&mut rcgen::CertificateParams)) -> (String, String) {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut parameters = rcgen::CertificateParams::new(vec!["app.example.com".to_owned()]).unwrap();
    parameters.not_before = rcgen::date_time_ymd(2026, 1, 1);
    change(&mut parameters);
    (parameters.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

#[tokio::test]
async fn an_imported_certificate_is_issued_at_once_and_told_of_without_its_key() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud_in(dir.path());
    let own = own("app.example.com", KeyKind::Rsa2048);
    let mut input = import(&own.certificate, &own.key, Some(&own.chain));
    input["Tags"] = json!([{ "Key": "team", "Value": "web" }]);

    let arn = acm(&cloud, "ImportCertificate", input).await.unwrap()["CertificateArn"].clone();
    let cloud = cloud_in(dir.path());
    let found = describe(&cloud, &arn).await;

    assert!(arn.as_str().unwrap().starts_with("arn:aws:acm:eu-central-1:000000000000:certificate/"), "{arn}");
    for (member, value) in [
        ("Status", json!("ISSUED")),
        ("Type", json!("IMPORTED")),
        ("DomainName", json!("app.example.com")),
        ("SubjectAlternativeNames", json!(["app.example.com", "www.app.example.com"])),
        ("KeyAlgorithm", json!("RSA-2048")),
        ("SignatureAlgorithm", json!("SHA256WITHECDSA")),
        ("InUseBy", json!([])),
        ("RenewalEligibility", json!("INELIGIBLE")),
        ("IssuedAt", Value::Null),
        ("DomainValidationOptions", Value::Null),
    ] {
        assert_eq!(found[member], value, "{member}: {found:#}");
    }
    assert_eq!(found["KeyUsages"][0]["Name"], "DIGITAL_SIGNATURE");
    assert_eq!(found["ExtendedKeyUsages"][0]["Name"], "TLS_WEB_SERVER_AUTHENTICATION");
    let got = acm(&cloud, "GetCertificate", json!({ "CertificateArn": arn })).await.unwrap();
    assert_eq!(got, json!({ "Certificate": own.certificate, "CertificateChain": own.chain }));
    let tags = acm(&cloud, "ListTagsForCertificate", json!({ "CertificateArn": arn })).await.unwrap();
    assert_eq!(tags["Tags"], json!([{ "Key": "team", "Value": "web" }]));
    assert!(cloud.journal().entries().iter().all(|entry| !format!("{entry:?}").contains("PRIVATE")));
}

#[tokio::test]
async fn what_acm_does_not_take_is_not_imported() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud_in(dir.path());
    let (own, other) = (own("app.example.com", KeyKind::P256), own("app.example.com", KeyKind::P256));
    let (alone, alone_key) = self_signed(|_| {});
    let (expired, expired_key) = self_signed(|parameters| {
        parameters.not_before = rcgen::date_time_ymd(2020, 1, 1);
        parameters.not_after = rcgen::date_time_ymd(2021, 1, 1);
    });
    let (early, early_key) =
        self_signed(|parameters| parameters.not_before = rcgen::date_time_ymd(4000, 1, 1));
    let two = format!("{}{}", own.certificate, own.chain);
    let chain = Some(own.chain.as_str());

    for (certificate, key, chain, refused) in [
        (two.as_str(), own.key.as_str(), None, "contains more than one certificate"),
        ("", &own.key, chain, "The certificate is not PEM-encoded"),
        (&own.key, &own.key, chain, "The certificate is not PEM-encoded"),
        (&own.certificate, &own.key, None, "not a valid self signed"),
        (&own.certificate, &own.key, Some(&other.chain), "Could not validate the certificate with the"),
        (&own.certificate, &own.key, Some("nothing"), "The certificate chain is not PEM-encoded"),
        (&own.certificate, &other.key, chain, "not that of the certificate"),
        (&own.certificate, "nothing", chain, "not that of the certificate"),
        (&expired, &expired_key, None, "has expired"),
        (&early, &early_key, None, "not in effect yet"),
    ] {
        let refusal = acm(&cloud, "ImportCertificate", import(certificate, key, chain)).await.unwrap_err();
        assert_eq!(refusal.code, "ValidationException");
        assert!(refusal.message.contains(refused), "{refused}: {}", refusal.message);
        assert!(!refusal.message.contains("PRIVATE"));
    }
    assert!(acm(&cloud, "ImportCertificate", import(&alone, &alone_key, None)).await.is_ok());
}

#[tokio::test]
async fn a_certificate_is_imported_again_under_its_arn_if_its_key_is_of_the_same_kind() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud_in(dir.path());
    let put = async |own: &Issued, arn: Option<&Value>| {
        let mut input = import(&own.certificate, &own.key, Some(&own.chain));
        input["CertificateArn"] = arn.cloned().unwrap_or_default();
        acm(&cloud, "ImportCertificate", input).await
    };
    let made = put(&own("app.example.com", KeyKind::P256), None).await.unwrap();
    let arn = &made["CertificateArn"];

    let again = put(&own("new.example.com", KeyKind::P256), Some(arn)).await.unwrap();
    let other_kind = put(&own("new.example.com", KeyKind::P384), Some(arn)).await.unwrap_err();
    let nowhere = json!("arn:aws:acm:eu-central-1:000000000000:certificate/none");
    let missing = put(&own("new.example.com", KeyKind::P256), Some(&nowhere)).await.unwrap_err();

    assert_eq!(&again["CertificateArn"], arn);
    assert_eq!(describe(&cloud, arn).await["DomainName"], "new.example.com");
    let codes = (other_kind.code.as_str(), missing.code.as_str());
    assert_eq!(codes, ("ValidationException", "ResourceNotFoundException"));
}

#[tokio::test]
async fn a_requested_certificate_waits_until_its_records_are_said_to_be_there() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud_in(dir.path());
    let input = json!({
        "DomainName": "app.example.com", "SubjectAlternativeNames": ["*.app.example.com"],
        "ValidationMethod": "DNS", "IdempotencyToken": "once",
    });
    let arn = acm(&cloud, "RequestCertificate", input.clone()).await.unwrap()["CertificateArn"].clone();
    let again = acm(&cloud, "RequestCertificate", input).await.unwrap();

    assert_eq!(again["CertificateArn"], arn);
    let pending = describe(&cloud, &arn).await;
    assert_eq!((&pending["Status"], &pending["Serial"]), (&json!("PENDING_VALIDATION"), &Value::Null));
    let options = pending["DomainValidationOptions"].as_array().unwrap();
    let record = &options[0]["ResourceRecord"];
    assert!(record["Name"].as_str().unwrap().ends_with(".app.example.com."), "{record}");
    assert_eq!(record, &options[1]["ResourceRecord"]);
    let got = acm(&cloud, "GetCertificate", json!({ "CertificateArn": arn })).await.unwrap_err();
    assert_eq!(got.code, "RequestInProgressException");

    let id = arn.as_str().unwrap().rsplit_once('/').unwrap().1;
    super::validate(&cloud, id).unwrap();

    let issued = describe(&cloud, &arn).await;
    assert_eq!((&issued["Status"], &issued["Type"]), (&json!("ISSUED"), &json!("AMAZON_ISSUED")));
    assert_eq!(issued["DomainValidationOptions"][0]["ValidationStatus"], "SUCCESS");
    let got = acm(&cloud, "GetCertificate", json!({ "CertificateArn": arn })).await.unwrap();
    let authority = std::fs::read_to_string(crate::certificate_authority(dir.path())).unwrap();
    assert_eq!(got["CertificateChain"], authority);
    super::validate(&cloud, id).unwrap();
    let unchanged = acm(&cloud, "GetCertificate", json!({ "CertificateArn": arn })).await.unwrap();
    assert_eq!(unchanged, got);
}

#[tokio::test]
async fn what_another_authority_of_this_local_cloud_signed_is_signed_again() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud_in(dir.path());
    let input = json!({ "DomainName": "app.example.com", "ValidationMethod": "DNS" });
    let arn = acm(&cloud, "RequestCertificate", input).await.unwrap()["CertificateArn"].clone();
    super::validate(&cloud, arn.as_str().unwrap().rsplit_once('/').unwrap().1).unwrap();
    let own = own("app.example.com", KeyKind::P256);
    let imported = import(&own.certificate, &own.key, Some(&own.chain));
    let imported = acm(&cloud, "ImportCertificate", imported).await.unwrap()["CertificateArn"].clone();
    let serials = async || {
        (describe(&cloud, &arn).await["Serial"].clone(), describe(&cloud, &imported).await["Serial"].clone())
    };
    let before = serials().await;

    super::renew(&cloud);
    assert_eq!(serials().await, before);
    std::fs::remove_file(crate::certificate_authority(dir.path())).unwrap();
    super::renew(&cloud);

    let after = serials().await;
    assert_ne!(after.0, before.0);
    assert_eq!(after.1, before.1);
}

#[tokio::test]
async fn what_is_not_meant_here_is_refused_and_not_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud_in(dir.path());
    let request = |member: &str, value: Value| {
        let mut input = json!({ "DomainName": "app.example.com", "ValidationMethod": "DNS" });
        input[member] = value;
        input
    };
    for (operation, input) in [
        ("RequestCertificate", json!({ "DomainName": "app.example.com" })),
        ("RequestCertificate", request("KeyAlgorithm", json!("EC_secp521r1"))),
        ("RequestCertificate", request("CertificateAuthorityArn", json!("arn:aws:acm-pca:eu-central-1:1:x"))),
        ("RequestCertificate", request("Options", json!({ "Export": "ENABLED" }))),
        ("ListCertificates", json!({ "Includes": { "keyUsage": ["ANY"] } })),
        ("ListCertificates", json!({ "SortBy": "CREATED_AT", "SortOrder": "ASCENDING" })),
    ] {
        let refused = acm(&cloud, operation, input.clone()).await.unwrap_err();
        assert!(refused.message.ends_with("is not served by the local cloud"), "{input}: {refused}");
    }
}

/// <https://docs.aws.amazon.com/acm/latest/APIReference/API_Filters.html>
#[tokio::test]
async fn certificates_of_elliptic_curves_are_listed_only_if_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud_in(dir.path());
    for kind in [KeyKind::Rsa2048, KeyKind::P256] {
        let own = own("app.example.com", kind);
        let input = import(&own.certificate, &own.key, Some(&own.chain));
        acm(&cloud, "ImportCertificate", input).await.unwrap();
    }
    for (input, expected) in [
        (json!({}), vec!["RSA-2048"]),
        (json!({ "Includes": { "keyTypes": ["EC_prime256v1"] } }), vec!["EC-prime256v1"]),
        (json!({ "CertificateStatuses": ["EXPIRED"] }), vec![]),
    ] {
        let listed = acm(&cloud, "ListCertificates", input).await.unwrap();
        let listed = listed["CertificateSummaryList"].as_array().unwrap().iter();
        let kinds: Vec<_> = listed.map(|one| one["KeyAlgorithm"].as_str().unwrap().to_owned()).collect();
        assert_eq!(kinds, expected);
    }
}
