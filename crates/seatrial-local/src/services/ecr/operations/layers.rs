//! Layers: uploaded in parts, looked up, and downloaded from signed addresses.

use std::path::Path;
use std::time::Duration;

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::StreamExt as _;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncWriteExt as _;

use super::super::error::{file, invalid, no_upload};
use super::super::store::{Ecr, LayerRow, UploadRow, is_digest, remove_file};
use super::arn;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};

/// What AWS answers, in bytes; parts of any size are taken.
const PART_SIZE: u64 = 10 << 20;
/// How long the address of a layer is good for.
const DOWNLOAD: Duration = Duration::from_secs(3600);

/// `InitiateLayerUpload`.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct InitiateLayerUpload {
    pub repository_name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct InitiateLayerUploadOutput {
    pub upload_id: String,
    pub part_size: u64,
}

impl Operation for InitiateLayerUpload {
    type Output = InitiateLayerUploadOutput;
    const SERVICE: &'static str = "ecr";
    const NAME: &'static str = "InitiateLayerUpload";

    fn resource(&self, cloud: &Cloud) -> String {
        arn(cloud, &self.repository_name)
    }

    async fn handle(self, call: &Call) -> Result<InitiateLayerUploadOutput, ServiceError> {
        let ecr = call.cloud.part::<Ecr>();
        ecr.repository(&call.cloud, &self.repository_name)?;
        let upload_id = crate::id::uuid();
        let path = ecr.upload_file(&upload_id);
        create(&path).map_err(|error| file("the upload cannot be kept", &error))?;
        ecr.uploads.put(&upload_id, &UploadRow { repository: self.repository_name })?;
        Ok(InitiateLayerUploadOutput { upload_id, part_size: PART_SIZE })
    }
}

fn create(path: &Path) -> std::io::Result<()> {
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir)?;
    }
    std::fs::File::create(path).map(drop)
}

/// `UploadLayerPart`. The registry gives the part as a stream instead, of a length that nobody knows yet.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UploadLayerPart {
    pub repository_name: String,
    pub upload_id: String,
    /// Must be where the upload stands. `None`: wherever that is.
    pub part_first_byte: Option<u64>,
    #[serde(default, skip_serializing)]
    pub layer_part_blob: String,
    #[serde(skip)]
    pub stream: Option<Body>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UploadLayerPartOutput {
    pub registry_id: String,
    pub repository_name: String,
    pub upload_id: String,
    pub last_byte_received: u64,
}

impl Operation for UploadLayerPart {
    type Output = UploadLayerPartOutput;
    const SERVICE: &'static str = "ecr";
    const NAME: &'static str = "UploadLayerPart";

    fn resource(&self, cloud: &Cloud) -> String {
        arn(cloud, &self.repository_name)
    }

    async fn handle(self, call: &Call) -> Result<UploadLayerPartOutput, ServiceError> {
        let (cloud, name) = (&call.cloud, self.repository_name);
        let ecr = cloud.part::<Ecr>();
        ecr.repository(cloud, &name)?;
        if !ecr.is_uploading(&name, &self.upload_id) {
            return Err(no_upload(&name, &self.upload_id));
        }
        let Some(_hold) = ecr.hold_upload(&self.upload_id) else {
            let message = "Another part of this upload is being received, or it is being completed";
            return Err(ServiceError::new("InvalidLayerPartException", message));
        };
        let path = ecr.upload_file(&self.upload_id);
        let received = std::fs::metadata(&path).map_err(|error| file("the upload is gone", &error))?.len();
        if let Some(first) = self.part_first_byte
            && first != received
        {
            let message = format!(
                "Layer part contains invalid first byte: the upload stands at {received}, the part begins at {first}"
            );
            return Err(ServiceError::new("InvalidLayerPartException", message));
        }
        let part = match self.stream {
            Some(stream) => stream,
            None => {
                let decoded = STANDARD.decode(&self.layer_part_blob);
                Body::from(decoded.map_err(|error| invalid(error.to_string()))?)
            }
        };
        let length = received + append(&path, part).await?;
        Ok(UploadLayerPartOutput {
            registry_id: cloud.account().to_owned(),
            repository_name: name,
            upload_id: self.upload_id,
            last_byte_received: length.saturating_sub(1),
        })
    }
}

/// Appends a part and answers its length. What came before an interruption stays: the upload goes on from
/// there.
async fn append(path: &Path, part: Body) -> Result<u64, ServiceError> {
    let failed = |error: std::io::Error| file("the part cannot be kept", &error);
    let mut out = tokio::fs::OpenOptions::new().append(true).open(path).await.map_err(failed)?;
    let mut part = part.into_data_stream();
    let mut length = 0;
    while let Some(chunk) = part.next().await {
        let chunk = chunk.map_err(|error| {
            ServiceError::new("InvalidLayerPartException", format!("interrupted: {error}"))
        })?;
        out.write_all(&chunk).await.map_err(failed)?;
        length += chunk.len() as u64;
    }
    out.flush().await.map_err(failed)?;
    Ok(length)
}

/// `CompleteLayerUpload`.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CompleteLayerUpload {
    pub repository_name: String,
    pub upload_id: String,
    /// One: the digest that the bytes must have.
    pub layer_digests: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CompleteLayerUploadOutput {
    pub registry_id: String,
    pub repository_name: String,
    pub upload_id: String,
    pub layer_digest: String,
}

impl Operation for CompleteLayerUpload {
    type Output = CompleteLayerUploadOutput;
    const SERVICE: &'static str = "ecr";
    const NAME: &'static str = "CompleteLayerUpload";

    fn resource(&self, cloud: &Cloud) -> String {
        arn(cloud, &self.repository_name)
    }

    async fn handle(self, call: &Call) -> Result<CompleteLayerUploadOutput, ServiceError> {
        let (cloud, name, upload) = (&call.cloud, self.repository_name, self.upload_id);
        let ecr = cloud.part::<Ecr>();
        ecr.repository(cloud, &name)?;
        if !ecr.is_uploading(&name, &upload) {
            return Err(no_upload(&name, &upload));
        }
        let expected = self.layer_digests.into_iter().next().filter(|digest| is_digest(digest));
        let expected = expected.ok_or_else(|| {
            invalid("Invalid parameter at 'layerDigests' failed to satisfy constraint: 'a sha256 digest'")
        })?;
        let Some(_hold) = ecr.hold_upload(&upload) else {
            let message = "A part of this upload is being received, or it is being completed";
            return Err(ServiceError::new("InvalidLayerException", message));
        };
        let path = ecr.upload_file(&upload);
        let hashed = path.clone();
        let read = tokio::task::spawn_blocking(move || hash(&hashed)).await;
        let (found, size) = read
            .map_err(std::io::Error::other)
            .and_then(|read| read)
            .map_err(|error| file("the upload cannot be read", &error))?;
        if found != expected {
            let message = format!("Layer digest '{expected}' does not match what was uploaded, '{found}'");
            return Err(ServiceError::new("InvalidLayerException", message));
        }
        let _changing = ecr.changing.lock().await;
        ecr.repository(cloud, &name)?;
        let key = format!("{name}@{expected}");
        if ecr.layers.contains(&key) {
            ecr.cancel_upload(&name, &upload)?;
            let message =
                format!("Layer with digest '{expected}' already exists in the repository with name '{name}'");
            return Err(ServiceError::new("LayerAlreadyExistsException", message));
        }
        let place = ecr.layer_file(&expected);
        keep(&path, &place).map_err(|error| file("the layer cannot be kept", &error))?;
        ecr.layers.put(&key, &LayerRow { size })?;
        ecr.uploads.remove(&upload)?;
        Ok(CompleteLayerUploadOutput {
            registry_id: cloud.account().to_owned(),
            repository_name: name,
            upload_id: upload,
            layer_digest: expected,
        })
    }
}

/// Digest and length of a file.
fn hash(path: &Path) -> std::io::Result<(String, u64)> {
    let mut hash = HashWriter(Sha256::new());
    let size = std::io::copy(&mut std::fs::File::open(path)?, &mut hash)?;
    Ok((format!("sha256:{}", hex::encode(hash.0.finalize())), size))
}

struct HashWriter(Sha256);

impl std::io::Write for HashWriter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn keep(upload: &Path, place: &Path) -> std::io::Result<()> {
    if place.exists() {
        remove_file(upload);
        return Ok(());
    }
    if let Some(dir) = place.parent() {
        std::fs::create_dir_all(dir)?;
    }
    std::fs::rename(upload, place)
}

/// `BatchCheckLayerAvailability`.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BatchCheckLayerAvailability {
    pub repository_name: String,
    pub layer_digests: Vec<String>,
}

#[derive(Serialize)]
pub(crate) struct BatchCheckLayerAvailabilityOutput {
    pub layers: Vec<Layer>,
    pub failures: [(); 0],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Layer {
    pub layer_digest: String,
    pub layer_availability: &'static str,
    /// `None`: it is not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layer_size: Option<u64>,
}

impl Operation for BatchCheckLayerAvailability {
    type Output = BatchCheckLayerAvailabilityOutput;
    const SERVICE: &'static str = "ecr";
    const NAME: &'static str = "BatchCheckLayerAvailability";

    fn resource(&self, cloud: &Cloud) -> String {
        arn(cloud, &self.repository_name)
    }

    async fn handle(self, call: &Call) -> Result<BatchCheckLayerAvailabilityOutput, ServiceError> {
        let ecr = call.cloud.part::<Ecr>();
        let name = &self.repository_name;
        ecr.repository(&call.cloud, name)?;
        let check = |digest: String| {
            let found = ecr.layers.get(&format!("{name}@{digest}"));
            let layer_availability = if found.is_some() { "AVAILABLE" } else { "UNAVAILABLE" };
            Layer { layer_digest: digest, layer_availability, layer_size: found.map(|row| row.size) }
        };
        let layers = self.layer_digests.into_iter().map(check).collect();
        Ok(BatchCheckLayerAvailabilityOutput { layers, failures: [] })
    }
}

/// `GetDownloadUrlForLayer`: the address needs no password.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GetDownloadUrlForLayer {
    pub repository_name: String,
    pub layer_digest: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GetDownloadUrlForLayerOutput {
    pub download_url: String,
    pub layer_digest: String,
}

impl Operation for GetDownloadUrlForLayer {
    type Output = GetDownloadUrlForLayerOutput;
    const SERVICE: &'static str = "ecr";
    const NAME: &'static str = "GetDownloadUrlForLayer";

    fn resource(&self, cloud: &Cloud) -> String {
        arn(cloud, &self.repository_name)
    }

    async fn handle(self, call: &Call) -> Result<GetDownloadUrlForLayerOutput, ServiceError> {
        let (cloud, name, digest) = (&call.cloud, &self.repository_name, self.layer_digest);
        let ecr = cloud.part::<Ecr>();
        ecr.repository(cloud, name)?;
        if !ecr.layers.contains(&format!("{name}@{digest}")) {
            let message = format!(
                "The layer with digest '{digest}' does not exist in the repository with name '{name}'"
            );
            return Err(ServiceError::new("LayersNotFoundException", message));
        }
        let expires = cloud.clock().now().plus(DOWNLOAD);
        let query = ecr.sign_download(&digest, expires);
        let download_url = format!("{}/v2/{name}/blobs/{digest}?{query}", cloud.endpoint());
        Ok(GetDownloadUrlForLayerOutput { download_url, layer_digest: digest })
    }
}
