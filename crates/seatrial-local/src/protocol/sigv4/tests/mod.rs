//! The official SDK signs, [`super::verify`] verifies.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ::http::Request;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use axum::Router;
use axum::body::Body;

use super::*;

struct OneKey {
    secret: &'static str,
    token: Option<&'static str>,
    expiration: Option<f64>,
}

const KEY: OneKey = OneKey { secret: "secret", token: None, expiration: None };

impl Keyring for OneKey {
    fn find(&self, access_key_id: &str) -> Option<Key> {
        (access_key_id == "AKIDTEST").then(|| Key {
            secret: self.secret.to_owned(),
            session_token: self.token.map(str::to_owned),
            expiration: self.expiration,
            principal: Principal::operator("000000000000"),
        })
    }
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64()
}

fn judged(keyring: &OneKey, parts: &Parts, body: &[u8], now: f64) -> Result<Bytes, Refusal> {
    let claim = claim(parts)?;
    let key = known(&claim, parts, (keyring, now))?;
    verify(&claim, parts, Bytes::copy_from_slice(body), &key)
}

type Captured = Arc<Mutex<Vec<(Parts, Bytes)>>>;

/// A server that keeps what it receives, and a client that signs for it.
async fn capture(token: Option<&str>) -> (aws_sdk_s3::Client, Captured) {
    let captured = Captured::default();
    let kept = Arc::clone(&captured);
    let router = Router::new().fallback(move |request: Request<Body>| async move {
        let (parts, body) = request.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        kept.lock().unwrap().push((parts, body));
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .endpoint_url(endpoint)
        .force_path_style(true)
        .credentials_provider(Credentials::new("AKIDTEST", "secret", token.map(str::to_owned), None, "test"))
        .build();
    (aws_sdk_s3::Client::from_conf(config), captured)
}

fn only(captured: &Captured) -> (Parts, Bytes) {
    captured.lock().unwrap().pop().expect("a request was captured")
}

#[tokio::test]
async fn a_signed_request_is_accepted_and_any_change_to_it_is_not() {
    let (client, captured) = capture(None).await;
    let put = client.put_object().bucket("b").key("a key/+ü%~").metadata("m", "two  spaces");
    put.body(ByteStream::from_static(b"body")).send().await.unwrap();
    let (parts, body) = only(&captured);
    assert_eq!(judged(&KEY, &parts, &body, now()).unwrap(), "body");
    assert_eq!(judged(&KEY, &parts, b"bodY", now()), Err(Refusal::WrongBody));
    let other = OneKey { secret: "wrong", ..KEY };
    assert_eq!(judged(&other, &parts, &body, now()), Err(Refusal::Mismatch));
    let mut changed = parts.clone();
    changed.headers.insert("x-amz-meta-m", "other".parse().unwrap());
    assert_eq!(judged(&KEY, &changed, &body, now()), Err(Refusal::Mismatch));
    let mut changed = parts.clone();
    changed.uri = "/b/other".parse().unwrap();
    assert_eq!(judged(&KEY, &changed, &body, now()), Err(Refusal::Mismatch));
    for age in [1000.0, -1000.0] {
        assert!(matches!(judged(&KEY, &parts, &body, now() + age), Err(Refusal::Skewed(_))), "{age}");
    }
}

#[tokio::test]
async fn the_frames_of_a_streaming_upload_are_verified_and_taken_off() {
    let (client, captured) = capture(None).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    let content: Vec<u8> = (0..200_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    std::fs::write(file.path(), &content).unwrap();
    let stream = ByteStream::from_path(file.path()).await.unwrap();
    client.put_object().bucket("b").key("k").body(stream).send().await.unwrap();
    let (parts, body) = only(&captured);
    let hash = text(&parts.headers, "x-amz-content-sha256").unwrap();
    assert_eq!(hash, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER");
    assert_eq!(judged(&KEY, &parts, &body, now()).unwrap(), content);
    let mut changed = body.to_vec();
    changed[100_000] ^= 1;
    assert_eq!(judged(&KEY, &parts, &changed, now()), Err(Refusal::Mismatch));
    for cut in [body.len() / 2, 10, 0, body.len() - 4] {
        let short = judged(&KEY, &parts, &body[..cut], now());
        // The line end after the trailer may be missing: everything before it was verified.
        assert!(short.is_err() || cut == body.len() - 4, "{cut}");
    }
}

#[tokio::test]
async fn a_presigned_request_is_accepted_until_it_expires() {
    let (client, _) = capture(None).await;
    let lifetime = PresigningConfig::expires_in(Duration::from_secs(3600)).unwrap();
    let presigned = client.get_object().bucket("b").key("k v").presigned(lifetime).await.unwrap();
    let uri: ::http::Uri = presigned.uri().parse().unwrap();
    let host = uri.authority().unwrap().to_string();
    let (parts, ()) = Request::get(uri).header("host", host).body(()).unwrap().into_parts();
    assert_eq!(judged(&KEY, &parts, b"", now() + 3000.0).unwrap(), "");
    assert!(matches!(judged(&KEY, &parts, b"", now() + 3700.0), Err(Refusal::Skewed(_))));
    assert_eq!(judged(&OneKey { secret: "x", ..KEY }, &parts, b"", now()), Err(Refusal::Mismatch));
}

#[tokio::test]
async fn a_session_needs_its_token_and_its_time() {
    let (client, captured) = capture(Some("token")).await;
    client.get_object().bucket("b").key("k").send().await.unwrap();
    let (parts, body) = only(&captured);
    let session = OneKey { token: Some("token"), expiration: Some(now() + 60.0), ..KEY };
    assert!(judged(&session, &parts, &body, now()).is_ok());
    assert_eq!(judged(&KEY, &parts, &body, now()), Err(Refusal::WrongToken));
    let expired = OneKey { expiration: Some(now() - 60.0), ..session };
    assert_eq!(judged(&expired, &parts, &body, now()), Err(Refusal::ExpiredSession));
    let stranger = Parts::clone(&parts);
    let header = text(&stranger.headers, "authorization").unwrap().replace("AKIDTEST", "AKIDOTHER");
    let mut stranger = stranger;
    stranger.headers.insert("authorization", header.parse().unwrap());
    assert_eq!(judged(&session, &stranger, &body, now()), Err(Refusal::UnknownKey));
}

#[test]
fn a_malformed_claim_is_told_from_a_missing_one() {
    let request =
        |name: &str, value: &str| Request::get("/").header(name, value).body(()).unwrap().into_parts().0;
    assert_eq!(claim(&request("accept", "*/*")).unwrap_err(), Refusal::Unsigned);
    for header in ["Basic eDp5", "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 Credential=a/b, Signature=c"] {
        assert!(matches!(claim(&request("authorization", header)), Err(Refusal::Incomplete(_))), "{header}");
    }
}

/// Headers of AWS's that decide what is done, and one that nobody knows.
const COUNT: [&str; 8] = [
    "x-amz-target",
    "x-amz-copy-source",
    "x-amz-content-sha256",
    "x-amz-security-token",
    "x-amz-acl",
    "x-amz-meta-m",
    "x-amz-decoded-content-length",
    "x-amz-anything-else",
];

#[tokio::test]
async fn a_header_of_awss_that_is_not_signed_is_refused_however_the_request_is_signed() {
    let (client, captured) = capture(None).await;
    client.get_object().bucket("b").key("k").send().await.unwrap();
    let (in_header, _) = only(&captured);
    let lifetime = PresigningConfig::expires_in(Duration::from_secs(60)).unwrap();
    let presigned = client.get_object().bucket("b").key("k").presigned(lifetime).await.unwrap();
    let uri: ::http::Uri = presigned.uri().parse().unwrap();
    let host = uri.authority().unwrap().to_string();
    let (in_query, ()) = Request::get(uri).header("host", host).body(()).unwrap().into_parts();

    for signed in [in_header, in_query] {
        assert!(judged(&KEY, &signed, b"", now()).is_ok());
        for name in COUNT.into_iter().filter(|name| !signed.headers.contains_key(*name)) {
            let mut changed = signed.clone();
            changed.headers.insert(name, "value".parse().unwrap());
            let refusal = Refusal::UnsignedHeaders(vec![name.to_owned()]);
            assert_eq!(judged(&KEY, &changed, b"", now()), Err(refusal));
        }
        let mut changed = signed.clone();
        for name in ["user-agent", "x-amzn-trace-id", "range", "accept"] {
            changed.headers.insert(name, "value".parse().unwrap());
        }
        assert!(judged(&KEY, &changed, b"", now()).is_ok());
    }
}
