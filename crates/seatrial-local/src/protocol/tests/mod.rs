//! Objects through the server, with the official SDK as the client.

mod door;
mod hostile;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use ::http::StatusCode;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_s3::error::ProvideErrorMetadata as _;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{Doors, Transfer, TransferOutput};
use crate::LocalCloud;
use crate::error::ServiceError;

struct Started {
    cloud: LocalCloud,
    endpoint: String,
    _data: tempfile::TempDir,
}

/// A bucket of one object.
type Slot = Arc<Mutex<Bytes>>;

fn kept(slot: &Slot, transfer: Transfer) -> Result<TransferOutput, ServiceError> {
    let mut slot = slot.lock().unwrap();
    let key = transfer.input["Key"].as_str().unwrap_or_default();
    match (transfer.operation, key) {
        (_, "panic") => panic!("as asked"),
        (_, "missing") => Err(ServiceError::new("NoSuchKey", "The specified key does not exist.")),
        ("PutObject", _) => {
            *slot = std::fs::read(transfer.body.unwrap().path()).unwrap().into();
            let output = json!({"ETag": "\"e\"", "VersionId": transfer.input["Metadata"]["m"]});
            Ok(TransferOutput { status: StatusCode::OK, output, body: Body::empty() })
        }
        _ => {
            let part = slot.slice(1..3);
            let output = json!({"ContentLength": part.len(), "ContentRange": "bytes 1-2/4",
                "ContentType": null, "LastModified": 0, "Metadata": {"m": "1"}});
            Ok(TransferOutput { status: StatusCode::PARTIAL_CONTENT, output, body: Body::from(part) })
        }
    }
}

async fn start() -> Started {
    let data = tempfile::tempdir().unwrap();
    let options = crate::tests::options_in(data.path());
    let cloud = LocalCloud::start(options).await.unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let slot = Slot::default();
    let doors = Doors {
        local: Router::new(),
        registry: Router::new(),
        transfer: Arc::new(move |transfer| {
            let slot = Arc::clone(&slot);
            Box::pin(async move { kept(&slot, transfer) })
        }),
        folder: data.path().join("received"),
        front: |_| None,
    };
    tokio::spawn(super::serve(cloud.cloud().clone(), listener, doors));
    Started { cloud, endpoint, _data: data }
}

impl Started {
    fn client(&self) -> Client {
        let key = self.cloud.operator();
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-central-1"))
            .endpoint_url(&self.endpoint)
            .credentials_provider(Credentials::new(
                &key.access_key_id,
                &key.secret_access_key,
                None,
                None,
                "test",
            ))
            .build();
        Client::from_conf(config)
    }
}

#[tokio::test]
async fn an_objects_bytes_go_in_and_out_beside_its_members() {
    let started = start().await;
    let client = started.client();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), b"abcd").unwrap();
    let put = client.put_object().bucket("bucket").key("k").metadata("m", "7");
    let put = put.body(ByteStream::from_path(file.path()).await.unwrap()).send().await.unwrap();
    assert_eq!((put.e_tag(), put.version_id()), (Some("\"e\""), Some("7")));
    let got = client.get_object().bucket("bucket").key("k").range("bytes=1-2").send().await.unwrap();
    assert_eq!(got.content_range(), Some("bytes 1-2/4"));
    assert_eq!(got.metadata().unwrap()["m"], "1");
    assert_eq!(got.body.collect().await.unwrap().into_bytes(), "bc");
}

#[tokio::test]
async fn a_handlers_refusal_and_its_panic_become_s3s_errors() {
    let started = start().await;
    let client = started.client();
    let error = client.get_object().bucket("bucket").key("missing").send().await.unwrap_err();
    assert_eq!(error.code(), Some("NoSuchKey"));
    assert_eq!(error.raw_response().unwrap().status().as_u16(), 404);
    let no_retry =
        aws_sdk_s3::config::Builder::new().retry_config(aws_sdk_s3::config::retry::RetryConfig::disabled());
    let call = client.get_object().bucket("bucket").key("panic").customize().config_override(no_retry);
    let error = call.send().await.unwrap_err();
    assert_eq!(error.code(), Some("InternalError"));
}

#[tokio::test]
async fn a_body_that_does_not_fit_its_checksum_is_a_bad_digest() {
    let started = start().await;
    let put = started.client().put_object().bucket("bucket").key("k").checksum_crc32("AAAAAA==");
    let error = put.body(ByteStream::from_static(b"abcd")).send().await.unwrap_err();
    assert_eq!(error.code(), Some("BadDigest"));
}

/// Resident memory of this process, in KiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}

/// `SOAK_BODY_MIB=1024 cargo test --release -p seatrial-local --lib three_objects -- --nocapture` takes so long ones, and
/// holds memory against a bound; beside other tests nobody could say whose it is.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn three_objects_that_come_and_go_at_once_are_whole() {
    const BOUND_KIB: u64 = 128 << 10;
    let mib = std::env::var("SOAK_BODY_MIB").ok().and_then(|text| text.parse::<u64>().ok());
    let size = mib.unwrap_or(8) << 20;
    let mut started = start().await;
    started.endpoint = started.cloud.endpoint().to_owned();
    let client = started.client();
    client.create_bucket().bucket("large").send().await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("body");
    // Holes are read as zeros, and take no room.
    std::fs::File::create(&path).unwrap().set_len(size).unwrap();
    let before = resident();
    let most = Arc::new(std::sync::atomic::AtomicU64::new(before));
    let watched = tokio::spawn({
        let most = Arc::clone(&most);
        async move {
            loop {
                most.fetch_max(resident(), std::sync::atomic::Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    });
    let upload = |key: &'static str| {
        let (client, path) = (client.clone(), path.clone());
        tokio::spawn(async move {
            let body = ByteStream::from_path(path).await.unwrap();
            client.put_object().bucket("large").key(key).body(body).send().await.unwrap();
            let mut body = client.get_object().bucket("large").key(key).send().await.unwrap().body;
            let mut length = 0;
            while let Some(piece) = body.try_next().await.unwrap() {
                length += piece.len() as u64;
            }
            length
        })
    };
    let uploads = [upload("a"), upload("b"), upload("c")];
    for upload in uploads {
        assert_eq!(upload.await.unwrap(), size);
    }
    watched.abort();
    let grown = most.load(std::sync::atomic::Ordering::Relaxed) - before;
    println!("three objects of {} MiB: memory grew by {} MiB at most", size >> 20, grown >> 10);
    assert!(mib.is_none() || grown < BOUND_KIB, "{grown} KiB");
}

const LIST_CLUSTERS: &str = "AmazonEC2ContainerServiceV20141113.ListClusters";

#[tokio::test]
async fn a_presigned_download_with_another_calls_headers_is_neither() {
    let started = start().await;
    let lifetime = PresigningConfig::expires_in(Duration::from_secs(60)).unwrap();
    let get = started.client().get_object().bucket("bucket").key("k");
    let presigned = get.presigned(lifetime).await.unwrap();
    for (name, value) in [("x-amz-target", LIST_CLUSTERS), ("x-amz-copy-source", "other/secret")] {
        for content_type in ["application/x-amz-json-1.1", "application/x-www-form-urlencoded"] {
            let request = ::http::Request::get(presigned.uri()).header(name, value);
            let request = request.header("content-type", content_type).body(Empty::<Bytes>::new()).unwrap();
            let client = hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build_http();
            let response = client.request(request).await.unwrap();
            assert_eq!(response.status(), StatusCode::FORBIDDEN);
            let body = response.into_body().collect().await.unwrap().to_bytes();
            let body = String::from_utf8_lossy(&body);
            assert!(body.contains("<Code>AccessDenied</Code>"), "{body}");
            assert!(body.contains(&format!("<HeadersNotSigned>{name}</HeadersNotSigned>")), "{body}");
        }
    }
    assert!(started.cloud.cloud().journal().entries().is_empty());
}

#[tokio::test]
async fn a_request_signed_for_s3_stays_one_whatever_its_headers_say() {
    let started = start().await;
    let get = started.client().get_object().bucket("bucket").key("missing").customize();
    let get = get.mutate_request(|request| {
        request.headers_mut().insert("x-amz-target", LIST_CLUSTERS);
        request.headers_mut().insert("content-type", "application/x-amz-json-1.1");
        request.headers_mut().insert("smithy-protocol", "rpc-v2-cbor");
    });
    let error = get.send().await.unwrap_err();
    assert_eq!(error.code(), Some("NoSuchKey"));
}

#[tokio::test]
async fn a_request_that_names_two_hosts_or_none_is_refused() {
    let started = start().await;
    let host = started.endpoint.trim_start_matches("http://");
    for hosts in [format!("Host: {host}\r\nHost: other\r\n"), String::new()] {
        for path in ["/bucket/k", "/v2/", "/_local/faults"] {
            let mut stream = tokio::net::TcpStream::connect(host).await.unwrap();
            let request = format!("GET {path} HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n");
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            assert!(answer.starts_with("HTTP/1.1 400"), "{path}: {answer}");
        }
    }
}

#[test]
fn a_blob_is_never_read_into_a_value() {
    let model = super::model::Model::of("s3").unwrap();
    let put = &model.operations["PutObject"];
    assert!(super::rest::is_transfer(model, put));
    let request = ::http::Request::put("/bucket/k").body(()).unwrap().into_parts().0;
    let value = super::rest::decode(model, put, &request, b"abcd").unwrap();
    assert_eq!(value.get("Body"), None::<&Value>);
}
