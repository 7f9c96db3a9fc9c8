//! What is answered before a body is read.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::tests::ACCOUNT;
use crate::{Latencies, LocalCloud, Options, Settings};

async fn cloud(dir: &std::path::Path) -> LocalCloud {
    let settings = Settings {
        account: ACCOUNT.to_owned(),
        region: "eu-central-1".to_owned(),
        source: dir.to_owned(),
        task_agent: Vec::new(),
    };
    let (data_dir, latencies) = (dir.join("data"), Latencies::default());
    LocalCloud::start(Options { data_dir, port: Some(0), settings, time_scale: 60.0, latencies })
        .await
        .unwrap()
}

/// The answer to a head whose body does not come.
async fn answered(cloud: &LocalCloud, path: &str, headers: &[String]) -> String {
    let address = cloud.endpoint().trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!("PUT {path} HTTP/1.1\r\nHost: {address}\r\n{}\r\n\r\n", headers.join("\r\n"));
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    // A server that waits for the body answers nothing.
    tokio::time::timeout(Duration::from_secs(10), read).await.unwrap().unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn no_body_is_read_for_somebody_unknown_nor_one_that_is_too_long() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud(dir.path()).await;
    let known = cloud.operator().access_key_id.clone();
    let now = jiff::Timestamp::now();
    let (now, old) = (now, now - jiff::SignedDuration::from_hours(1));
    let signed = |key: &str, date: jiff::Timestamp, service: &str, length: u64| {
        vec![
            format!("Content-Length: {length}"),
            format!("X-Amz-Date: {}", date.strftime("%Y%m%dT%H%M%SZ")),
            format!("X-Amz-Content-Sha256: {}", "0".repeat(64)),
            format!(
                "Authorization: AWS4-HMAC-SHA256 Credential={key}/{}/eu-central-1/{service}/aws4_request, \
                 SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature={}",
                date.strftime("%Y%m%d"),
                "0".repeat(64)
            ),
        ]
    };
    let mib = 1 << 20;
    for (headers, status, code) in [
        (vec![format!("Content-Length: {mib}")], 403, "AccessDenied"),
        (signed("AKIAUNKNOWN", now, "s3", 500 * mib), 403, "InvalidAccessKeyId"),
        (signed("operator", now, "s3", mib), 403, "InvalidAccessKeyId"),
        (signed(&known, old, "s3", mib), 403, "RequestTimeTooSkewed"),
        (signed(&known, now, "s3", mib), 403, "SignatureDoesNotMatch"),
        (signed("AKIAUNKNOWN", now, "cloudformation", 60 * mib), 403, "InvalidClientTokenId"),
    ] {
        let answer = answered(&cloud, "/bucket/key", &headers).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")) && answer.contains(code),
            "{code}: {answer}"
        );
    }
    cloud.stop().await;
}
