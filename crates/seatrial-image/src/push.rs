//! What goes into the repository and under which tags: the commit's tag belongs to one image for ever.

use http::HeaderValue;
use serde::Deserialize;

use crate::architecture::ArchitectureNames as _;
use crate::credentials::Credentials;
use crate::error::ImageError;
use crate::image::{Packed, REVISION_LABEL};
use crate::registry::{Registry, StoredManifest};
use crate::report::Report;
use crate::request::{BuildImage, BuildRequest, outcome};
use crate::sbom::{self, Artifact};
use crate::source::Revision;

/// A repository and the right to write to it.
pub(crate) struct Repository {
    registry: Registry,
}

impl Repository {
    pub(crate) async fn open(address: &str, credentials: &Credentials) -> Result<Self, ImageError> {
        let action = || format!("open repository `{address}`");
        let token = credentials.token().await?;
        let mut header = None;
        if let Some(token) = token {
            let mut value = HeaderValue::from_str(&format!("Basic {token}"))
                .map_err(|error| ImageError::failed(action(), error))?;
            value.set_sensitive(true);
            header = Some(value);
        }
        let registry = Registry::new(address, header).map_err(|error| ImageError::failed(action(), error))?;
        Ok(Self { registry })
    }
}

/// The image of `revision` if its tag is taken already: by the right image, or this is refused.
pub(crate) async fn find(
    repository: &Repository,
    request: &BuildRequest,
    revision: &Revision,
) -> Result<Option<BuildImage>, ImageError> {
    let tag = revision.tag();
    let failed = |error| ImageError::failed(format!("look up `{}:{tag}`", request.repository), error);
    let registry = &repository.registry;
    let Some(stored) = registry.manifest(&tag).await.map_err(failed)? else { return Ok(None) };
    let found = describe(registry, &stored).await?;
    let expected = (request.architecture.oci(), revision.id.as_str());
    if (found.architecture.as_str(), found.revision.as_str()) != expected {
        return Err(ImageError::refused(format!(
            "`{}:{tag}` is for {} with revision `{}`, expected {} with `{}`",
            request.repository, found.architecture, found.revision, expected.0, expected.1
        ))
        .with_hint("a commit's tag is never moved: delete the image by its digest, or build a new commit"));
    }
    let mut image = outcome(request, revision, &stored.digest, found.size_bytes);
    image.reused = true;
    let sbom = registry.manifest(&sbom::tag(&stored.digest)).await.map_err(failed)?;
    image.sbom = sbom.map(|sbom| format!("{}@{}", request.repository, sbom.digest));
    if !revision.dirty {
        // A later commit may have taken it.
        let latest = registry.manifest("latest").await.map_err(failed)?;
        if latest.is_none_or(|latest| latest.digest != stored.digest) {
            image.tags.retain(|tag| tag != "latest");
        }
    }
    Ok(Some(image))
}

/// Uploads what is missing, then the manifest under each tag; the commit's own comes last, because it says that
/// everything else is there. Answers where the SBOM is, if there is one.
pub(crate) async fn push(
    repository: &Repository,
    request: &BuildRequest,
    (packed, sbom): (&Packed, Option<&Artifact>),
    revision: &Revision,
    report: Report<'_>,
) -> Result<Option<String>, ImageError> {
    let registry = &repository.registry;
    let of_sbom = sbom.into_iter().flat_map(|sbom| [&sbom.document, &sbom.config]);
    for blob in packed.layers.iter().map(|layer| &layer.blob).chain([&packed.config]).chain(of_sbom) {
        let uploaded = registry
            .put_blob(blob)
            .await
            .map_err(|error| ImageError::failed(format!("upload `{}`", blob.digest), error))?;
        let verb = if uploaded { "pushed" } else { "exists:" };
        report(&format!("{verb} {} ({} bytes)", blob.digest, blob.size));
    }
    let mut place = None;
    if let Some(sbom) = sbom {
        // The image first, by its digest: what a list refers to is there.
        let digest = packed.digest();
        let pushed = registry.put_manifest(digest, &packed.manifest).await;
        pushed.map_err(|error| ImageError::failed(format!("push `{digest}`"), error))?;
        let digest = push_sbom(registry, &sbom::tag(digest), sbom).await?;
        place = Some(format!("{}@{digest}", request.repository));
        report(&format!("listed what is in it: {digest}"));
    }
    for tag in revision.tags().iter().rev() {
        if let Err(error) = registry.put_manifest(tag, &packed.manifest).await {
            // An immutable tag that another build pushed in the meantime: fine, if it is the same image.
            let stored = registry.manifest(tag).await;
            if !stored
                .is_ok_and(|stored| stored.is_some_and(|stored| stored.digest == packed.manifest.digest))
            {
                return Err(ImageError::failed(format!("push tag `{tag}`"), error));
            }
        }
        report(&format!("tagged {tag}"));
    }
    Ok(place)
}

/// Answers the digest of the one that is there then. Another list of the very same image stays: a build by an older version
/// of this program made it.
async fn push_sbom(registry: &Registry, tag: &str, sbom: &Artifact) -> Result<String, ImageError> {
    let Err(error) = registry.put_manifest(tag, &sbom.manifest).await else {
        return Ok(sbom.manifest.digest.clone());
    };
    match registry.manifest(tag).await {
        Ok(Some(stored)) => Ok(stored.digest),
        _ => Err(ImageError::failed(format!("push `{tag}`"), error)),
    }
}

struct Found {
    architecture: String,
    revision: String,
    size_bytes: u64,
}

#[derive(Deserialize)]
struct Manifest {
    config: Descriptor,
    layers: Vec<Descriptor>,
}

#[derive(Deserialize)]
struct Descriptor {
    digest: String,
    size: u64,
}

impl Manifest {
    fn parse(stored: &StoredManifest) -> Result<Self, ImageError> {
        serde_json::from_slice(&stored.bytes)
            .map_err(|error| ImageError::failed(format!("read manifest `{}`", stored.digest), error))
    }

    fn size(&self) -> u64 {
        self.config.size + self.layers.iter().map(|layer| layer.size).sum::<u64>()
    }
}

async fn describe(registry: &Registry, stored: &StoredManifest) -> Result<Found, ImageError> {
    #[derive(Deserialize)]
    struct Configuration {
        architecture: String,
        #[serde(default)]
        config: Settings,
    }
    // Docker writes `null` for an image without labels.
    #[derive(Default, Deserialize)]
    struct Settings {
        #[serde(rename = "Labels")]
        labels: Option<std::collections::BTreeMap<String, String>>,
    }
    let manifest = Manifest::parse(stored)?;
    let action = || format!("read configuration `{}`", manifest.config.digest);
    let bytes = registry.blob(&manifest.config.digest).await;
    let bytes = bytes.map_err(|error| ImageError::failed(action(), error))?;
    let configuration: Configuration =
        serde_json::from_slice(&bytes).map_err(|error| ImageError::failed(action(), error))?;
    let labels = configuration.config.labels.unwrap_or_default();
    Ok(Found {
        architecture: configuration.architecture,
        revision: labels.get(REVISION_LABEL).cloned().unwrap_or_default(),
        size_bytes: manifest.size(),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::{Arc, Mutex};

    use axum::Router;
    use axum::extract::{Request, State};
    use axum::http::{Method, StatusCode, header};
    use axum::response::{IntoResponse as _, Response};

    use super::*;
    use crate::Builder;
    use seatrial_project::Architecture;

    use crate::image::digest;
    use crate::pack::{Settings, pack};
    use crate::sbom::Sbom;

    /// Blobs and manifests by path, and the requests that were made.
    #[derive(Clone, Default)]
    struct Store {
        contents: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
        requests: Arc<Mutex<Vec<String>>>,
    }

    impl Store {
        /// The protocol of one repository, `myapp`, for the user `AWS` with the password `secret`.
        async fn answer(State(store): State<Self>, request: Request) -> Response {
            let (method, path) = (request.method().clone(), request.uri().path().to_owned());
            let query = request.uri().query().unwrap_or_default().to_owned();
            let authorization = request.headers().get(header::AUTHORIZATION).cloned();
            if authorization != Some(HeaderValue::from_static("Basic QVdTOnNlY3JldA==")) {
                return StatusCode::UNAUTHORIZED.into_response();
            }
            let body = axum::body::to_bytes(request.into_body(), 1 << 20).await.unwrap();
            store.requests.lock().unwrap().push(format!("{method} {path}"));
            let mut contents = store.contents.lock().unwrap();
            let upload = "/v2/myapp/blobs/uploads/1";
            match method {
                Method::POST => (StatusCode::ACCEPTED, [(header::LOCATION, upload)]).into_response(),
                Method::PATCH => {
                    contents.insert(path, body.to_vec());
                    (StatusCode::ACCEPTED, [(header::LOCATION, format!("{upload}?state=a"))]).into_response()
                }
                Method::PUT if path == upload => {
                    let bytes = contents.remove(upload).unwrap();
                    assert_eq!(query, format!("state=a&digest={}", digest(&bytes).replace(':', "%3A")));
                    contents.insert(format!("/v2/myapp/blobs/{}", digest(&bytes)), bytes);
                    StatusCode::CREATED.into_response()
                }
                Method::PUT => {
                    contents.insert(path, body.to_vec());
                    StatusCode::CREATED.into_response()
                }
                _ => contents.get(&path).map_or_else(
                    || StatusCode::NOT_FOUND.into_response(),
                    |bytes| bytes.clone().into_response(),
                ),
            }
        }

        /// References of the manifests that were put, in order.
        fn manifests_put(&self) -> Vec<String> {
            let requests = self.requests.lock().unwrap();
            let put = |line: &String| line.strip_prefix("PUT /v2/myapp/manifests/").map(str::to_owned);
            requests.iter().filter_map(put).collect()
        }

        async fn start(&self) -> String {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = format!("{}/myapp", listener.local_addr().unwrap());
            let router = Router::new().fallback(Self::answer).with_state(self.clone());
            tokio::spawn(async move { axum::serve(listener, router).await });
            address
        }
    }

    fn request(repository: &str, architecture: Architecture) -> BuildRequest {
        BuildRequest {
            workspace: ".".into(),
            cache: "target".into(),
            options: crate::ImageOptions {
                package: "shop".into(),
                port: 8080,
                ..crate::ImageOptions::default()
            },
            architecture,
            library: seatrial_project::ImageTarget::Gnu,
            builder: Builder::Cargo,
            repository: repository.to_owned(),
            push: None,
            stop: None,
        }
    }

    fn packed(revision: &Revision) -> Packed {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "binary").unwrap();
        let (architecture, revision) = (Architecture::X86_64, revision.id.clone());
        let (title, source) = ("app".to_owned(), String::new());
        let settings = Settings { architecture, title, source, revision, port: 8080 };
        pack(file.path(), &settings).unwrap()
    }

    fn revision() -> Revision {
        Revision { id: "0123456789abcdef0123456789abcdef01234567".into(), dirty: false }
    }

    async fn open(address: &str, password: &str) -> Repository {
        let credentials = Credentials::Basic { user: "AWS".into(), password: password.into() };
        Repository::open(address, &credentials).await.unwrap()
    }

    #[tokio::test]
    async fn a_pushed_image_is_found_and_its_blobs_are_not_pushed_again() {
        let store = Store::default();
        let address = store.start().await;
        let repository = open(&address, "secret").await;
        let request = request(&address, Architecture::X86_64);
        assert_eq!(find(&repository, &request, &revision()).await.unwrap(), None);

        let packed = packed(&revision());
        let sbom = Sbom::of_nothing().about(&packed).unwrap();
        let place = push(&repository, &request, (&packed, Some(&sbom)), &revision(), &|_| {}).await.unwrap();
        let image = find(&repository, &request, &revision()).await.unwrap().unwrap();
        assert_eq!(image.uri, format!("{address}@{}", packed.digest()));
        assert_eq!(image.tags, ["0123456789ab", "latest"]);
        assert_eq!(image.size_bytes, packed.size_bytes());
        assert!(image.reused);
        assert_eq!((&image.sbom, &place), (&Some(format!("{address}@{}", sbom.manifest.digest)), &place));
        let puts = store.manifests_put();
        let tag = format!("sha256-{}.sbom", &packed.digest()["sha256:".len()..]);
        // The commit's tag says that everything else is there.
        assert_eq!(puts, [packed.digest(), &tag, "latest", "0123456789ab"]);

        store.requests.lock().unwrap().clear();
        push(&repository, &request, (&packed, Some(&sbom)), &revision(), &|_| {}).await.unwrap();
        let requests = store.requests.lock().unwrap();
        assert!(!requests.iter().any(|request| request.starts_with("POST")), "{requests:?}");
        assert_eq!(requests.last().unwrap(), "PUT /v2/myapp/manifests/0123456789ab");
    }

    #[tokio::test]
    async fn a_tag_that_holds_another_image_is_refused() {
        let store = Store::default();
        let address = store.start().await;
        let repository = open(&address, "secret").await;
        let x86 = request(&address, Architecture::X86_64);
        push(&repository, &x86, (&packed(&revision()), None), &revision(), &|_| {}).await.unwrap();

        let arm = request(&address, Architecture::Arm64);
        let error = find(&repository, &arm, &revision()).await.unwrap_err();
        assert!(error.is_refusal() && error.to_string().contains("is for amd64"), "{error}");
        let same_tag = Revision { id: "0123456789abffffffffffffffffffffffffffff".into(), dirty: false };
        assert!(find(&repository, &x86, &same_tag).await.unwrap_err().is_refusal());
    }

    #[tokio::test]
    async fn a_wrong_password_fails_with_the_status() {
        let address = Store::default().start().await;
        let repository = open(&address, "wrong").await;
        let x86 = request(&address, Architecture::X86_64);
        let error =
            push(&repository, &x86, (&packed(&revision()), None), &revision(), &|_| {}).await.unwrap_err();
        assert!(!error.is_refusal());
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert!(source.contains("401 Unauthorized"), "{source}");
        assert!(!format!("{error:?}").contains("wrong"));
    }
}
