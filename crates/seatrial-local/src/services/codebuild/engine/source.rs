//! DOWNLOAD_SOURCE: the source and the further input artifacts of a pipeline, unpacked; the buildspec read.

use std::path::{Path, PathBuf};

use super::super::buildspec::Buildspec;
use super::super::store::{BuildRecord, PhaseContext};
use super::host::{Host, client_error};
use crate::archive;
use crate::error::ServiceError;
use crate::services::s3::objects::{self, Place};

/// Unpacks the sources, each into its own folder. Answers the source's version where it is known.
pub(super) async fn download(host: &mut Host, record: &BuildRecord) -> Result<Option<String>, PhaseContext> {
    let build = &record.build;
    match build.source.kind.as_str() {
        "NO_SOURCE" => Ok(None),
        "CODEPIPELINE" => {
            let Some(job) = &record.job else {
                return Err(client_error("the pipeline handed over no source"));
            };
            for (index, input) in job.inputs.iter().enumerate() {
                let into = match index {
                    0 => host.folder.clone(),
                    _ => host.root.join(format!("src{index}")),
                };
                unpack(host, Place::latest(&input.bucket, &input.key), &into).await?;
                if index > 0 {
                    host.extra_sources.push((input.name.clone(), into));
                }
            }
            Ok(job.revision.clone())
        }
        "S3" => {
            let location = build.source.location.clone().unwrap_or_default();
            let location = location.strip_prefix("arn:aws:s3:::").unwrap_or(&location);
            let Some((bucket, key)) = location.split_once('/') else {
                return Err(client_error(format!("Invalid S3 source location: {location}")));
            };
            let into = host.folder.clone();
            unpack(host, Place { bucket, key, version: build.source_version.as_deref() }, &into).await?;
            Ok(build.source_version.clone())
        }
        other => Err(client_error(format!("the local cloud has no source of type {other}"))),
    }
}

async fn read(host: &Host, place: Place<'_>) -> Result<Vec<u8>, ServiceError> {
    let (cloud, principal) = (&host.cloud, host.role.principal());
    objects::check_store(cloud, principal, place.bucket).await?;
    match place.version {
        Some(_) => objects::get(cloud, principal, place).await,
        None => objects::get_artifact(cloud, principal, place).await,
    }
}

async fn unpack(host: &Host, place: Place<'_>, into: &Path) -> Result<(), PhaseContext> {
    let bytes = read(host, place).await;
    let bytes = bytes.map_err(|error| {
        client_error(format!(
            "error while downloading key {}, error: {error} for primary source and source version ",
            place.key
        ))
    })?;
    let (into, what) = (into.to_owned(), format!("{}/{}", place.bucket, place.key));
    let unpacked = tokio::task::spawn_blocking(move || archive::unpack(&bytes, &into)).await;
    match unpacked {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(client_error(format!("error while unpacking {what}: {error}"))),
        Err(error) => Err(client_error(error.to_string())),
    }
}

/// Where the buildspec is: given as text, or a path from the source's root, `buildspec.yml` unless named.
pub(super) enum BuildspecPlace {
    Inline,
    File(PathBuf),
}

/// Reads the buildspec.
pub(super) fn buildspec(
    host: &Host,
    record: &BuildRecord,
) -> Result<(BuildspecPlace, Buildspec), PhaseContext> {
    let fault = |message: String| PhaseContext { status_code: "YAML_FILE_ERROR".to_owned(), message };
    let given = record.build.source.buildspec.as_deref().filter(|given| !given.is_empty());
    let (place, text) = match given {
        Some(text) if is_inline(text) => (BuildspecPlace::Inline, text.to_owned()),
        path => {
            let path = host.folder.join(path.unwrap_or("buildspec.yml"));
            let text = std::fs::read_to_string(&path)
                .map_err(|error| fault(format!("stat {}: {}", path.display(), reason(&error))))?;
            (BuildspecPlace::File(path), text)
        }
    };
    let spec = Buildspec::parse(&text).map_err(fault)?;
    Ok((place, spec))
}

/// YAML, or JSON as generators write it.
fn is_inline(text: &str) -> bool {
    text.contains('\n')
        || text.trim_start().starts_with(['{', '"'])
        || text.trim_start().starts_with("version:")
}

/// The system's words without Rust's `(os error 2)`, in lower case.
fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "no such file or directory".to_owned(),
        _ => error.to_string(),
    }
}
