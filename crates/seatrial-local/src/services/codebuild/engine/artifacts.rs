//! UPLOAD_ARTIFACTS: the files a buildspec names, zipped and put into S3.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::super::buildspec::{Artifacts as Named, Buildspec};
use super::super::store::{Artifacts, BuildArtifacts, BuildRecord, PhaseContext};
use super::host::{Host, client_error};
use crate::archive;
use crate::services::s3::objects::{self, Place};
use crate::wildcards::Wildcards;

/// What was uploaded: the primary artifact and the secondary ones.
#[derive(Default)]
pub(super) struct Uploaded {
    pub primary: Option<BuildArtifacts>,
    pub secondary: Vec<BuildArtifacts>,
}

/// Where one artifact goes.
struct Target {
    bucket: String,
    key: String,
    zip: bool,
    /// `None`: the primary artifact.
    identifier: Option<String>,
}

/// Uploads every artifact the build was asked for.
pub(super) async fn upload(
    host: &Host,
    record: &BuildRecord,
    spec: &Buildspec,
) -> Result<Uploaded, PhaseContext> {
    let mut uploaded = Uploaded::default();
    for target in targets(record) {
        let named = named(spec, target.identifier.as_deref())?;
        host.log.note(format!("Expanding base directory path: {}", base(named))).await;
        let files = files(&host.folder, named)?;
        host.log.note(format!("Found {} file(s)", files.len())).await;
        let artifact = send(host, &target, files).await?;
        match target.identifier {
            None => uploaded.primary = Some(artifact),
            Some(_) => uploaded.secondary.push(artifact),
        }
    }
    Ok(uploaded)
}

fn targets(record: &BuildRecord) -> Vec<Target> {
    if let Some(job) = &record.job {
        let single = job.outputs.len() == 1;
        let target = |output: &super::super::store::PipelineArtifact| Target {
            bucket: output.bucket.clone(),
            key: output.key.clone(),
            zip: true,
            identifier: (!single).then(|| output.name.clone()),
        };
        return job.outputs.iter().map(target).collect();
    }
    let target = |artifacts: &Artifacts, identifier: Option<String>| {
        (artifacts.kind == "S3").then(|| s3_target(record, artifacts, identifier))
    };
    let secondary = record.secondary_artifacts.iter();
    let secondary =
        secondary.filter_map(|artifacts| target(artifacts, artifacts.artifact_identifier.clone()));
    target(&record.artifacts, None).into_iter().chain(secondary).collect()
}

/// `LOCATION/PATH/[BUILD-ID/]NAME`.
fn s3_target(record: &BuildRecord, artifacts: &Artifacts, identifier: Option<String>) -> Target {
    let mut parts = Vec::new();
    parts.extend(artifacts.path.clone().map(|path| path.trim_matches('/').to_owned()));
    if artifacts.namespace_type.as_deref() == Some("BUILD_ID") {
        parts.extend(record.build.id.split_once(':').map(|(_, uuid)| uuid.to_owned()));
    }
    parts.push(artifacts.name.clone().unwrap_or_else(|| record.build.project_name.clone()));
    parts.retain(|part| !part.is_empty() && part != "/");
    Target {
        bucket: artifacts.location.clone().unwrap_or_default(),
        key: parts.join("/"),
        zip: artifacts.packaging.as_deref() == Some("ZIP"),
        identifier,
    }
}

fn named<'a>(spec: &'a Buildspec, identifier: Option<&str>) -> Result<&'a Named, PhaseContext> {
    let artifacts = spec.artifacts.as_ref();
    let found = match identifier {
        None => artifacts,
        Some(name) => artifacts
            .and_then(|artifacts| artifacts.secondary_artifacts.iter().find(|(found, _)| found == name))
            .map(|(_, artifacts)| artifacts),
    };
    found.filter(|named| !named.files.is_empty()).ok_or_else(|| {
        let what =
            identifier.map_or_else(|| "artifacts".to_owned(), |name| format!("secondary artifact {name}"));
        client_error(format!("no definition for {what} in the buildspec"))
    })
}

fn base(named: &Named) -> &str {
    named.base_directory.as_deref().unwrap_or(".")
}

/// A pattern of a buildspec: `*` and `?` stay within one part, `**` takes any number.
pub(super) fn compiled(pattern: &str) -> Wildcards {
    Wildcards::of_path(pattern.trim_start_matches("./"))
}

/// The files that match, each with its name in the artifact. A file that several patterns match counts once.
fn files(root: &Path, named: &Named) -> Result<Vec<(String, PathBuf)>, PhaseContext> {
    let folder = root.join(base(named));
    if !folder.is_dir() {
        return Err(client_error(format!("no matching base directory path found for {}", base(named))));
    }
    let all = archive::walk(&folder, |_| true).map_err(|error| client_error(error.to_string()))?;
    let excluded: Vec<_> = named.exclude_paths.iter().map(|pattern| compiled(pattern)).collect();
    let (mut found, mut taken) = (Vec::new(), HashSet::new());
    for pattern in &named.files {
        let wanted = compiled(pattern);
        let mut any = false;
        for (name, path) in all.iter().filter(|(name, _)| wanted.fits(name)) {
            any = true;
            if !excluded.iter().any(|pattern| pattern.fits(name)) && taken.insert(path) {
                found.push((name.clone(), path.clone()));
            }
        }
        if !any {
            return Err(client_error(format!("no matching artifact paths found for {pattern}")));
        }
    }
    if named.discard_paths {
        for (name, _) in &mut found {
            *name = name.rsplit('/').next().unwrap_or_default().to_owned();
        }
    }
    Ok(found)
}

async fn send(
    host: &Host,
    target: &Target,
    files: Vec<(String, PathBuf)>,
) -> Result<BuildArtifacts, PhaseContext> {
    let principal = host.role.principal();
    let failed = |error: &dyn std::fmt::Display| client_error(format!("Failed to upload artifacts: {error}"));
    let mut sha256sum = None;
    if target.zip {
        let packed = tokio::task::spawn_blocking(move || archive::pack(&files)).await;
        let bytes = packed.map_err(|error| failed(&error))?.map_err(|error| failed(&error))?;
        sha256sum = Some(hex::encode(Sha256::digest(&bytes)));
        let place = Place::latest(&target.bucket, &target.key);
        objects::put(&host.cloud, principal, place, &bytes).await.map_err(|error| failed(&error))?;
    } else {
        for (name, path) in files {
            let bytes = std::fs::read(&path).map_err(|error| failed(&error))?;
            let key = format!("{}/{name}", target.key);
            let place = Place::latest(&target.bucket, &key);
            objects::put(&host.cloud, principal, place, &bytes).await.map_err(|error| failed(&error))?;
        }
    }
    Ok(BuildArtifacts {
        location: format!("arn:aws:s3:::{}/{}", target.bucket, target.key),
        sha256sum,
        artifact_identifier: target.identifier.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_take_what_codebuild_takes() {
        let cases = [
            ("**/*", "a/b/c", true),
            ("**/*", "a", true),
            ("*", "a", true),
            ("*", "a/b", false),
            ("out/**", "out/x/y", true),
            ("out/*.json", "out/x.json", true),
            ("out/*.json", "out/x.yaml", false),
            ("**/x", "a/b/x", true),
            ("./a?c", "abc", true),
            ("a/**/b", "a/b", true),
        ];
        for (pattern, path, expected) in cases {
            assert_eq!(compiled(pattern).fits(path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn a_pattern_without_a_file_fails_by_name() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("out")).unwrap();
        std::fs::write(dir.path().join("out/a.json"), "{}").unwrap();
        let mut named = Named {
            files: vec!["*.json".to_owned()],
            base_directory: Some("out".to_owned()),
            ..Default::default()
        };

        assert_eq!(files(dir.path(), &named).unwrap()[0].0, "a.json");
        named.files.push("b.yaml".to_owned());
        assert!(files(dir.path(), &named).unwrap_err().message.contains("b.yaml"));
    }
}
