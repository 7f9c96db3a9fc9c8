//! Archives as docker, podman and buildah write them, and what a context holds.

use std::io::{Read as _, Write as _};

use seatrial_project::{Architecture, Project};
use serde_json::{Value, json};

use super::*;
use crate::image::{GZIP_LAYER, REVISION_LABEL, SOURCE_LABEL, ZSTD_LAYER, digest};

const REVISION: &str = "0123456789abcdef0123456789abcdef01234567";
const SOURCE: &str = "https://github.com/a/b";

/// A file of an archive: its bytes, or what it is a symbolic link to.
enum Part<'a> {
    Bytes(&'a [u8]),
    Link(&'a str),
}

fn write(path: &Path, parts: &[(&str, Part<'_>)]) {
    let mut archive = tar::Builder::new(fs::File::create(path).unwrap());
    for (name, part) in parts {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        match part {
            Part::Bytes(bytes) => {
                header.set_size(bytes.len() as u64);
                archive.append_data(&mut header, name, *bytes).unwrap();
            }
            Part::Link(target) => {
                header.set_entry_type(tar::EntryType::Symlink);
                header.set_size(0);
                archive.append_link(&mut header, name, target).unwrap();
            }
        }
    }
    archive.finish().unwrap();
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn config(layers: &[&[u8]]) -> Value {
    let sums: Vec<String> = layers.iter().map(|layer| digest(layer)).collect();
    json!({
        "architecture": "amd64", "os": "linux", "created": "2026-01-01T00:00:00Z",
        "config": { "Env": ["PATH=/bin", "APP_COMMIT=of the base"], "Labels": { SOURCE_LABEL: "of the base" }, "Cmd": ["/web"] },
        "rootfs": { "type": "layers", "diff_ids": sums },
    })
}

/// Packs an archive whose second layer is named by a link and whose third is compressed already.
fn pack(folder: &Path, config: &Value, layers: [&[u8]; 3]) -> Result<Packed, ImageError> {
    let path = folder.join("image.tar");
    let manifest = json!([{
        "Config": "c.json", "RepoTags": null, "Layers": ["one.tar", "two/layer.tar", "blobs/sha256/three"],
    }]);
    let third = gzip(layers[2]);
    write(
        &path,
        &[
            ("one.tar", Part::Bytes(layers[0])),
            ("two/layer.tar", Part::Link("../two.tar")),
            ("two.tar", Part::Bytes(layers[1])),
            ("blobs/sha256/three", Part::Bytes(&third)),
            ("c.json", Part::Bytes(config.to_string().as_bytes())),
            ("manifest.json", Part::Bytes(manifest.to_string().as_bytes())),
        ],
    );
    fs::create_dir_all(folder.join("layers")).unwrap();
    Archive::open(&path)?.pack(&folder.join("layers"), Architecture::X86_64, (SOURCE, REVISION))
}

#[tokio::test]
async fn an_archive_becomes_the_same_image_each_time_with_the_revision_for_application_and_registry() {
    let folder = tempfile::tempdir().unwrap();
    let layers: [&[u8]; 3] = [b"base", b"packages", b"program"];

    let packed = pack(folder.path(), &config(&layers), layers).unwrap();

    for (layer, plain) in packed.layers.iter().zip(layers) {
        assert_eq!(layer.media_type, GZIP_LAYER);
        let bytes = layer.blob.read().await.unwrap();
        assert_eq!(
            (layer.blob.digest.as_str(), layer.blob.size),
            (digest(&bytes).as_str(), bytes.len() as u64)
        );
        let mut unpacked = Vec::new();
        flate2::read::GzDecoder::new(&bytes[..]).read_to_end(&mut unpacked).unwrap();
        assert_eq!(unpacked, plain);
    }
    let made: Value = serde_json::from_slice(packed.config.bytes()).unwrap();
    assert_eq!(made["config"]["Env"], json!(["PATH=/bin", format!("APP_COMMIT={REVISION}")]));
    assert_eq!(made["config"]["Labels"], json!({ REVISION_LABEL: REVISION, SOURCE_LABEL: SOURCE }));
    assert_eq!(made["config"]["Cmd"], json!(["/web"]));
    let again = pack(tempfile::tempdir().unwrap().path(), &config(&layers), layers).unwrap();
    assert_eq!(again.digest(), packed.digest());
}

#[tokio::test]
async fn layers_of_the_last_build_are_taken_as_they_are_half_ones_are_not_and_others_are_removed() {
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("layers");
    let names = || -> Vec<String> {
        let entries = fs::read_dir(&kept).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<_> = entries.map(|name| name.into_string().unwrap()).collect();
        names.sort();
        names
    };
    let first: [&[u8]; 3] = [b"base", b"packages", b"program"];
    let packed = pack(folder.path(), &config(&first), first).unwrap();
    let before = names();
    assert_eq!(before.len(), 3);
    let torn = kept.join(before.iter().find(|name| name.starts_with(&digest(b"base")[7..])).unwrap());
    fs::write(&torn, "half").unwrap();
    let time = |path: &Path| path.metadata().unwrap().modified().unwrap();
    let packages = kept.join(before.iter().find(|name| name.starts_with(&digest(b"packages")[7..])).unwrap());
    let written = time(&packages);

    let second: [&[u8]; 3] = [b"base", b"packages", b"other program"];
    let next = pack(folder.path(), &config(&second), second).unwrap();

    let digests = |packed: &Packed| -> Vec<String> {
        packed.layers.iter().map(|layer| layer.blob.digest.clone()).collect()
    };
    assert_eq!(digests(&next)[..2], digests(&packed)[..2]);
    assert_eq!(time(&packages), written);
    assert_eq!(names().len(), 3);
    assert!(!names().iter().any(|name| name.starts_with(&digest(b"program")[7..])));
}

#[test]
fn what_is_no_image_for_the_tasks_is_refused_and_what_is_not_whole_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let layers: [&[u8]; 3] = [b"base", b"packages", b"program"];
    let with = |change: &dyn Fn(&mut Value)| {
        let mut config = config(&layers);
        change(&mut config);
        let error = pack(folder.path(), &config, layers).err().unwrap();
        (error.is_refusal(), format!("{:#}", anyhow::Error::from(error)))
    };
    let arm = with(&|config| config["architecture"] = json!("arm64"));
    assert_eq!(arm, (true, "the image is for linux/arm64, expected linux/amd64".to_owned()));
    let windows = with(&|config| config["os"] = json!("windows"));
    assert!(windows.0, "{windows:?}");
    let other = with(&|config| config["rootfs"]["diff_ids"][0] = json!(digest(b"another")));
    assert!(!other.0 && other.1.contains("expected sha256:"), "{other:?}");
    let fewer = with(&|config| config["rootfs"]["diff_ids"] = json!([]));
    assert!(fewer.1.contains("3 layers, its configuration names 0"), "{fewer:?}");
    let none = folder.path().join("none.tar");
    write(&none, &[("x", Part::Bytes(b""))]);
    let none = Archive::open(&none).unwrap().pack(folder.path(), Architecture::X86_64, (SOURCE, REVISION));
    assert!(format!("{:#}", anyhow::Error::from(none.err().unwrap())).contains("`manifest.json` is missing"));
}

#[test]
fn a_layer_in_zstd_stays_so() {
    let folder = tempfile::tempdir().unwrap();
    let zstd = [&[0x28, 0xb5, 0x2f, 0xfd][..], b"rest"].concat();
    let path = folder.path().join("image.tar");
    let config = config(&[b"plain"]);
    let manifest = json!([{ "Config": "c", "Layers": ["l"] }]);
    write(
        &path,
        &[
            ("l", Part::Bytes(&zstd)),
            ("c", Part::Bytes(config.to_string().as_bytes())),
            ("manifest.json", Part::Bytes(manifest.to_string().as_bytes())),
        ],
    );
    let layers = folder.path().join("layers");
    fs::create_dir(&layers).unwrap();

    let packed =
        Archive::open(&path).unwrap().pack(&layers, Architecture::X86_64, (SOURCE, REVISION)).unwrap();

    assert_eq!(packed.layers[0].media_type, ZSTD_LAYER);
    assert_eq!(packed.layers[0].blob.digest, digest(&zstd));
}

/// A checkout with one file that no commit holds.
fn checkout() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    seatrial_git::bytes(dir.path(), &["init", "--quiet"]).unwrap();
    for (path, text) in [
        ("infra/project.yml", "project: web\nsource: {repository: o/n}\nenvironments: {local: }\n"),
        ("web/docker/Dockerfile", "FROM scratch\n"),
        ("web/docker/Dockerfile.dockerignore", "docs\n"),
        ("web/main.py", "print()\n"),
        ("web/.env", "SECRET=1\n"),
        ("other/big.bin", "0"),
        (".gitignore", ".env\n"),
    ] {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    std::os::unix::fs::symlink("main.py", dir.path().join("web/run.py")).unwrap();
    dir
}

fn request(workspace: &Path, dockerfile: &str, context: &str) -> BuildRequest {
    let text = fs::read(workspace.join("infra/project.yml")).unwrap();
    let project = Project::parse(&text).unwrap();
    let environment = project.environment(None).unwrap();
    let mut request = BuildRequest::of(workspace, environment, "web", None);
    request.options.dockerfile = dockerfile.to_owned();
    request.options.context = context.to_owned();
    request
}

#[test]
fn a_context_holds_what_a_commit_can_hold_of_its_folder_and_the_dockerfile() {
    let dir = checkout();
    let tree = Tree::list(dir.path()).unwrap();
    let request = request(dir.path(), "web/docker/Dockerfile", "web/docker/..");

    let (dockerfile, context) = places(&request, &tree).unwrap();
    let into = tempfile::tempdir().unwrap();
    tree.copy(&context, std::slice::from_ref(&dockerfile), into.path()).unwrap();

    assert_eq!(
        (dockerfile.as_path(), context.as_path()),
        (Path::new("web/docker/Dockerfile"), Path::new("web"))
    );
    let there = |path: &str| into.path().join(path).symlink_metadata().is_ok();
    assert!(there("web/main.py") && there("web/docker/Dockerfile.dockerignore"));
    assert!(!there("web/.env") && !there("other/big.bin"));
    assert_eq!(fs::read_link(into.path().join("web/run.py")).unwrap(), Path::new("main.py"));
}

#[test]
fn a_dockerfile_that_no_commit_holds_and_a_context_outside_of_the_repository_are_refused_by_key() {
    let dir = checkout();
    let tree = Tree::list(dir.path()).unwrap();
    for (dockerfile, context, key) in [
        ("web/.env", "web", "dockerfile"),
        ("web/Dockerfile", "web", "dockerfile"),
        ("../Dockerfile", "web", "dockerfile"),
        ("web/docker/Dockerfile", "..", "context"),
        ("web/docker/Dockerfile", "none", "context"),
    ] {
        let error = places(&request(dir.path(), dockerfile, context), &tree).unwrap_err();
        assert!(
            error.is_refusal() && error.to_string().starts_with(&format!("`image.{key}` must")),
            "{error}"
        );
    }
}
