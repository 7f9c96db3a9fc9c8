//! ECR and the registry as their clients see them: the official SDK, plain HTTP, and skopeo.

#![expect(clippy::unwrap_used, reason = "a test's support may panic")]

mod support;

use std::path::Path;
use std::process::Command;

use aws_sdk_ecr::Client;
use aws_sdk_ecr::error::ProvideErrorMetadata as _;
use aws_sdk_ecr::types::{
    ImageIdentifier, ImageTagMutability, ImageTagMutabilityExclusionFilter,
    ImageTagMutabilityExclusionFilterType,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client as Http;
use hyper_util::rt::TokioExecutor;
use sha2::{Digest as _, Sha256};
use support::Started;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &[u8] = br#"{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}"#;

/// A cloud with the repository `team/app`.
async fn start() -> Started {
    let started = support::start().await;
    let latest = ImageTagMutabilityExclusionFilter::builder()
        .filter_type(ImageTagMutabilityExclusionFilterType::Wildcard)
        .filter("latest");
    let request = started.ecr().create_repository().repository_name("team/app");
    let request = request.image_tag_mutability(ImageTagMutability::ImmutableWithExclusion);
    request.image_tag_mutability_exclusion_filters(latest.build().unwrap()).send().await.unwrap();
    started
}

impl Started {
    fn ecr(&self) -> Client {
        Client::new(&self.config())
    }

    async fn token(&self) -> String {
        let output = self.ecr().get_authorization_token().send().await.unwrap();
        output.authorization_data()[0].authorization_token().unwrap().to_owned()
    }

    /// A request, `METHOD PATH`, below `/v2/`.
    async fn send(&self, line: &str, token: &str, body: &[u8]) -> Response<Bytes> {
        let (method, path) = line.split_once(' ').unwrap();
        let mut request =
            Request::builder().method(method).uri(format!("{}/v2/{path}", self.cloud.endpoint()));
        if !token.is_empty() {
            request = request.header("authorization", format!("Basic {token}"));
        }
        if line.contains("/manifests/") {
            request = request.header("content-type", MANIFEST);
        }
        if method == "GET" && line.contains("/blobs/sha256") {
            request = request.header("range", "bytes=1-3");
        }
        let client = Http::builder(TokioExecutor::new()).build_http();
        let response = client.request(request.body(Full::new(Bytes::copy_from_slice(body))).unwrap()).await;
        let (parts, body) = response.unwrap().into_parts();
        Response::from_parts(parts, body.collect().await.unwrap().to_bytes())
    }

    /// Pushes an image of one layer in two parts and answers its manifest's status.
    async fn push(&self, token: &str, layer: &[u8], tag: &str) -> Response<Bytes> {
        let line = format!("POST team/app/blobs/uploads/?digest={}", digest(CONFIG));
        assert_eq!(self.send(&line, token, CONFIG).await.status(), StatusCode::CREATED);
        let begun = self.send("POST team/app/blobs/uploads/", token, b"").await;
        assert_eq!(begun.status(), StatusCode::ACCEPTED);
        let place = begun.headers()["location"].to_str().unwrap().trim_start_matches("/v2/").to_owned();
        let (first, rest) = layer.split_at(2);
        let sent = self.send(&format!("PATCH {place}"), token, first).await;
        assert_eq!(
            (sent.status(), &sent.headers()["range"]),
            (StatusCode::ACCEPTED, &"0-1".parse().unwrap())
        );
        let line = format!("PUT {place}?digest={}", digest(layer));
        let done = self.send(&line, token, rest).await;
        assert_eq!(done.status(), StatusCode::CREATED, "{:?}", done.body());
        let manifest = manifest(CONFIG, layer);
        self.send(&format!("PUT team/app/manifests/{tag}"), token, manifest.as_bytes()).await
    }
}

fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

fn manifest(config: &[u8], layer: &[u8]) -> String {
    format!(
        r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}","config":{{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{}","size":{}}},"layers":[{{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"{}","size":{}}}]}}"#,
        digest(config),
        config.len(),
        digest(layer),
        layer.len()
    )
}

fn code(response: &Response<Bytes>) -> String {
    let body: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
    body["errors"][0]["code"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_pushed_image_is_described_pulled_and_survives_a_restart() {
    let started = start().await;
    let token = started.token().await;
    let pushed = started.push(&token, b"layer", "0123456789ab").await;
    assert_eq!(pushed.status(), StatusCode::CREATED, "{:?}", pushed.body());
    let image = pushed.headers()["docker-content-digest"].to_str().unwrap().to_owned();

    let started = started.restarted().await;
    let id = ImageIdentifier::builder().image_tag("0123456789ab").build();
    let described = started.ecr().describe_images().repository_name("team/app").image_ids(id).send().await;
    let detail = &described.unwrap().image_details.unwrap()[0];
    assert_eq!(detail.image_digest(), Some(image.as_str()));
    assert_eq!(detail.image_tags(), ["0123456789ab"]);
    assert_eq!(detail.image_manifest_media_type(), Some(MANIFEST));
    assert!(detail.image_pushed_at().is_some() && detail.image_size_in_bytes() > Some(5));

    let found = started.send("HEAD team/app/manifests/0123456789ab", &token, b"").await;
    assert_eq!(found.headers()["docker-content-digest"], image.as_str());
    assert_eq!(found.headers()["content-type"], MANIFEST);
    let part = started.send(&format!("GET team/app/blobs/{}", digest(b"layer")), &token, b"").await;
    assert_eq!((part.status(), part.body().as_ref()), (StatusCode::PARTIAL_CONTENT, &b"aye"[..]));
    let tags = started.send("GET team/app/tags/list", &token, b"").await;
    assert_eq!(tags.body().as_ref(), br#"{"name":"team/app","tags":["0123456789ab"]}"#);
    let layer = digest(b"layer");
    let request = started.ecr().get_download_url_for_layer().repository_name("team/app").layer_digest(layer);
    let url = request.send().await.unwrap().download_url.unwrap();
    let line = format!("GET {}", url.split_once("/v2/").unwrap().1);
    assert_eq!(started.send(&line, "", b"").await.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(started.send(&line.replace("signature=", "signature=00"), "", b"").await.status(), 401);
}

#[tokio::test]
async fn only_excluded_tags_are_moved_to_another_image() {
    let started = start().await;
    let token = started.token().await;
    for tag in ["0123456789ab", "latest"] {
        assert_eq!(started.push(&token, b"one layer", tag).await.status(), StatusCode::CREATED);
        assert_eq!(started.push(&token, b"one layer", tag).await.status(), StatusCode::CREATED);
    }
    let refused = started.push(&token, b"another layer", "0123456789ab").await;
    assert_eq!((refused.status(), code(&refused).as_str()), (StatusCode::BAD_REQUEST, "TAG_INVALID"));
    let body = String::from_utf8_lossy(refused.body()).into_owned();
    assert!(body.contains("'0123456789ab' already exists in the 'team/app' repository"), "{body}");
    assert_eq!(started.push(&token, b"another layer", "latest").await.status(), StatusCode::CREATED);
}

#[tokio::test]
async fn what_is_wrong_is_refused_in_the_protocols_words() {
    let started = start().await;
    let refused = started.send("GET ", "", b"").await;
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    let realm = format!("Basic realm=\"{}/\",service=\"ecr.amazonaws.com\"", started.cloud.endpoint());
    assert_eq!(refused.headers()["www-authenticate"], realm.as_str());
    assert_eq!(refused.headers()["docker-distribution-api-version"], "registry/2.0");
    let wrong = STANDARD.encode("AWS:wrong");
    assert_eq!(started.send("GET ", &wrong, b"").await.status(), StatusCode::UNAUTHORIZED);

    let token = started.token().await;
    assert_eq!(started.send("GET ", &token, b"").await.status(), StatusCode::OK);
    let missing = started.send("GET other/manifests/v1", &token, b"").await;
    assert_eq!((missing.status(), code(&missing).as_str()), (StatusCode::NOT_FOUND, "NAME_UNKNOWN"));
    let missing = started.send("GET team/app/manifests/v1", &token, b"").await;
    assert_eq!((missing.status(), code(&missing).as_str()), (StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN"));
    let text = manifest(b"config", b"layer");
    let without = started.send("PUT team/app/manifests/v1", &token, text.as_bytes()).await;
    assert_eq!(code(&without), "MANIFEST_BLOB_UNKNOWN");
    let line = format!("POST team/app/blobs/uploads/?digest={}", digest(b"this"));
    assert_eq!(code(&started.send(&line, &token, b"that").await), "DIGEST_INVALID");
    let escape = "GET team/app/blobs/sha256:%2e%2e%2f%2e%2e%2fstate.jsonl";
    assert!(started.send(escape, &token, b"").await.status().is_client_error());
}

#[tokio::test]
async fn a_repository_with_images_is_deleted_only_by_force() {
    let started = start().await;
    let token = started.token().await;
    assert_eq!(started.push(&token, b"layer", "v1").await.status(), StatusCode::CREATED);
    let again = started.ecr().create_repository().repository_name("team/app").send().await.unwrap_err();
    assert_eq!(again.code(), Some("RepositoryAlreadyExistsException"));
    let refused = started.ecr().delete_repository().repository_name("team/app").send().await.unwrap_err();
    assert_eq!(refused.code(), Some("RepositoryNotEmptyException"));
    started.ecr().delete_repository().repository_name("team/app").force(true).send().await.unwrap();
    let gone = started.ecr().list_images().repository_name("team/app").send().await.unwrap_err();
    assert_eq!(gone.code(), Some("RepositoryNotFoundException"));
    let blobs = started.path("data/registry/blobs/sha256");
    assert_eq!(std::fs::read_dir(blobs).unwrap().count(), 0);
}

#[tokio::test]
async fn the_last_tag_takes_its_image_along() {
    let started = start().await;
    let token = started.token().await;
    for tag in ["v1", "v2"] {
        assert_eq!(started.push(&token, b"layer", tag).await.status(), StatusCode::CREATED);
    }
    let delete = |tag: &str| {
        let id = ImageIdentifier::builder().image_tag(tag).build();
        started.ecr().batch_delete_image().repository_name("team/app").image_ids(id).send()
    };
    let count = || async {
        let described = started.ecr().describe_images().repository_name("team/app").send().await;
        described.unwrap().image_details.unwrap().len()
    };
    delete("v1").await.unwrap();
    assert_eq!(count().await, 1);
    delete("v2").await.unwrap();
    assert_eq!(count().await, 0);
    let failures = delete("v2").await.unwrap().failures.unwrap();
    assert_eq!(failures[0].failure_code().unwrap().as_str(), "ImageNotFound");
}

#[tokio::test]
async fn an_artifact_is_listed_with_the_image_that_it_names_and_with_no_other() {
    let started = start().await;
    let token = started.token().await;
    let image = started.push(&token, b"layer", "v1").await.headers()["docker-content-digest"].clone();
    let image = image.to_str().unwrap();
    let list = async |query: &str| {
        let line = format!("GET team/app/referrers/{image}{query}");
        let listed = started.send(&line, &token, b"").await;
        assert_eq!(listed.headers()["content-type"], "application/vnd.oci.image.index.v1+json");
        let index: serde_json::Value = serde_json::from_slice(listed.body()).unwrap();
        (index["manifests"].clone(), listed.headers().contains_key("oci-filters-applied"))
    };
    assert_eq!(list("").await, (serde_json::json!([]), false));

    // Pushed before the image that it names, as the specification allows, or after it.
    for (subject, tag) in [(image, "of-this"), (&digest(b"another")[..], "of-another")] {
        let manifest = manifest(CONFIG, b"layer").replacen(
            '{',
            &format!(
                r#"{{"artifactType":"application/x-list","annotations":{{"for":"{tag}"}},"subject":{{"mediaType":"{MANIFEST}","digest":"{subject}","size":2}},"#
            ),
            1,
        );
        let pushed =
            started.send(&format!("PUT team/app/manifests/{tag}"), &token, manifest.as_bytes()).await;
        assert_eq!(
            (pushed.status(), &pushed.headers()["oci-subject"]),
            (StatusCode::CREATED, &subject.parse().unwrap())
        );
    }
    let (found, filtered) = list("").await;
    assert_eq!(found.as_array().unwrap().len(), 1, "{found}");
    assert_eq!((&found[0]["artifactType"], filtered), (&"application/x-list".into(), false));
    assert_eq!(found[0]["annotations"]["for"], "of-this");
    let line = format!("GET team/app/manifests/{}", found[0]["digest"].as_str().unwrap());
    let read = started.send(&line, &token, b"").await;
    assert_eq!(found[0]["size"], read.body().len());
    assert_eq!(list("?artifactType=application/x-list").await, (found, true));
    assert_eq!(list("?artifactType=application/x-other").await, (serde_json::json!([]), true));
    let refused = started.send("GET team/app/referrers/v1", &token, b"").await;
    assert_eq!(code(&refused), "DIGEST_INVALID");
    let refused = started.send(&format!("GET other/referrers/{image}"), &token, b"").await;
    assert_eq!(code(&refused), "NAME_UNKNOWN");
}

/// Makes an image of one file in the OCI layout and answers its configuration's digest.
fn layout(dir: &Path) -> String {
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(5);
    header.set_mode(0o755);
    builder.append_data(&mut header, "app", &b"hello"[..]).unwrap();
    let layer = builder.into_inner().unwrap();
    let config = format!(
        r#"{{"architecture":"amd64","os":"linux","config":{{}},"rootfs":{{"type":"layers","diff_ids":["{}"]}}}}"#,
        digest(&layer)
    );
    let manifest = manifest(config.as_bytes(), &layer);
    let blobs = dir.join("blobs/sha256");
    std::fs::create_dir_all(&blobs).unwrap();
    for bytes in [layer.as_slice(), config.as_bytes(), manifest.as_bytes()] {
        std::fs::write(blobs.join(&digest(bytes)[7..]), bytes).unwrap();
    }
    std::fs::write(dir.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
    let index = format!(
        r#"{{"schemaVersion":2,"manifests":[{{"mediaType":"{MANIFEST}","digest":"{}","size":{},"annotations":{{"org.opencontainers.image.ref.name":"v1"}}}}]}}"#,
        digest(manifest.as_bytes()),
        manifest.len()
    );
    std::fs::write(dir.join("index.json"), index).unwrap();
    digest(config.as_bytes())
}

#[tokio::test(flavor = "multi_thread")]
async fn skopeo_pushes_and_pulls_the_same_image() {
    let started = start().await;
    let login = String::from_utf8(STANDARD.decode(started.token().await).unwrap()).unwrap();
    let config = layout(&started.path("pushed"));
    let remote = format!("docker://{}/team/app:v1", started.cloud.cloud().registry());
    let skopeo = |arguments: &[&str]| {
        Command::new("skopeo").args(["--insecure-policy", "copy"]).args(arguments).output().unwrap()
    };
    let (pushed, pulled) = (format!("oci:{}:v1", started.path("pushed").display()), started.path("pulled"));

    let refused = skopeo(&["--dest-tls-verify=false", "--dest-no-creds", &pushed, &remote]);
    assert!(!refused.status.success());
    for (name, format) in [("v1", "oci"), ("v2", "v2s2")] {
        let remote = remote.replace("v1", name);
        let creds = ["--format", format, "--dest-tls-verify=false", "--dest-creds", &login, &pushed, &remote];
        let push = skopeo(&creds);
        assert!(push.status.success(), "{}", String::from_utf8_lossy(&push.stderr));
    }
    let target = format!("oci:{}:v1", pulled.display());
    let pull = skopeo(&["--src-tls-verify=false", "--src-creds", &login, &remote, &target]);
    assert!(pull.status.success(), "{}", String::from_utf8_lossy(&pull.stderr));
    // The layer was compressed on its way; the configuration names it uncompressed.
    assert!(pulled.join("blobs/sha256").join(&config[7..]).exists());
}
