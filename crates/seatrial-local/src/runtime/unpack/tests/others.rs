//! A stack of layers as Debian's images have them, beside what buildah unpacks of it.

use std::process::Command;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::*;
use crate::tests::is_root_of_a_namespace;

type Entries<'a> = &'a [(EntryType, &'a str, &'a str, (u64, u64, u32))];

const FIRST: Entries<'static> = &[
    (EntryType::Directory, "etc/", "", (0, 0, 0o755)),
    (EntryType::Regular, "etc/passwd", "root:x:0:0::/root:/bin/sh", (0, 0, 0o644)),
    (EntryType::Regular, "etc/shadow", "root:*", (0, 42, 0o640)),
    (EntryType::Directory, "usr/bin/", "", (0, 0, 0o755)),
    (EntryType::Symlink, "bin", "usr/bin", (0, 0, 0o777)),
    (EntryType::Regular, "bin/su", "su", (0, 0, 0o4755)),
    (EntryType::Link, "usr/bin/newgrp", "usr/bin/su", (0, 0, 0o4755)),
    (EntryType::Directory, "run", "", (0, 0, 0o755)),
    (EntryType::Directory, "var/lib/app", "", (100, 101, 0o750)),
    (EntryType::Regular, "var/lib/app/old", "old", (100, 101, 0o600)),
    (EntryType::Regular, "var/lib/app/kept", "kept", (100, 101, 0o600)),
    (EntryType::Symlink, "var/run", "/run", (0, 0, 0o777)),
    (EntryType::Directory, "tmp/", "", (0, 0, 0o1777)),
    (EntryType::Directory, "var/mail", "", (0, 8, 0o2775)),
    (EntryType::Directory, "opt/a", "", (0, 0, 0o755)),
    (EntryType::Regular, "opt/a/one", "1", (0, 0, 0o644)),
    (EntryType::Regular, "opt/file", "file", (0, 0, 0o644)),
    (EntryType::Regular, "implied/by/name", "", (7, 7, 0o600)),
];

const SECOND: Entries<'static> = &[
    (EntryType::Regular, "var/run/app.pid", "1", (100, 101, 0o644)),
    (EntryType::Regular, "var/lib/app/.wh.old", "", (0, 0, 0o644)),
    (EntryType::Directory, "opt/a/", "", (1000, 1000, 0o700)),
    (EntryType::Regular, "opt/a/.wh..wh..opq", "", (0, 0, 0o644)),
    (EntryType::Regular, "opt/a/two", "2", (1000, 1000, 0o644)),
    (EntryType::Directory, "opt/file", "", (0, 0, 0o755)),
    (EntryType::Regular, "opt/file/inner", "", (0, 0, 0o644)),
    (EntryType::Link, "etc/passwd-", "etc/passwd", (0, 0, 0o644)),
    (EntryType::Regular, "bin/.wh.newgrp", "", (0, 0, 0o644)),
    (EntryType::Symlink, "home", "/nowhere", (65_534, 65_534, 0o777)),
];

fn tar(entries: Entries<'_>) -> Vec<u8> {
    let mut layer = tar::Builder::new(Vec::new());
    for (kind, name, content, (uid, gid, mode)) in entries {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(*kind);
        header.set_uid(*uid);
        header.set_gid(*gid);
        header.set_mode(*mode);
        let is_link = matches!(kind, EntryType::Symlink | EntryType::Link);
        header.set_size(if is_link { 0 } else { content.len() as u64 });
        match is_link {
            true => layer.append_link(&mut header, name, content).unwrap(),
            false => layer.append_data(&mut header, name, content.as_bytes()).unwrap(),
        }
    }
    layer.into_inner().unwrap()
}

/// Writes a blob of an OCI layout, and answers how it is named.
fn blob(layout: &Path, kind: &str, content: &[u8]) -> Value {
    let digest = hex::encode(Sha256::digest(content));
    let blobs = layout.join("blobs/sha256");
    std::fs::create_dir_all(&blobs).unwrap();
    std::fs::write(blobs.join(&digest), content).unwrap();
    let media_type = format!("application/vnd.oci.image.{kind}");
    json!({ "mediaType": media_type, "digest": format!("sha256:{digest}"), "size": content.len() })
}

fn lay_out(layout: &Path, layers: &[Vec<u8>]) {
    let ids: Vec<_> =
        layers.iter().map(|layer| format!("sha256:{}", hex::encode(Sha256::digest(layer)))).collect();
    let config = json!({ "architecture": "amd64", "os": "linux", "config": {},
        "rootfs": { "type": "layers", "diff_ids": ids } });
    let config = blob(layout, "config.v1+json", config.to_string().as_bytes());
    let layers: Vec<_> = layers.iter().map(|layer| blob(layout, "layer.v1.tar", layer)).collect();
    let manifest = json!({ "schemaVersion": 2, "config": config, "layers": layers,
        "mediaType": "application/vnd.oci.image.manifest.v1+json" });
    let mut manifest = blob(layout, "manifest.v1+json", manifest.to_string().as_bytes());
    manifest["annotations"] = json!({ "org.opencontainers.image.ref.name": "v1" });
    let index = json!({ "schemaVersion": 2, "manifests": [manifest] });
    std::fs::write(layout.join("index.json"), index.to_string()).unwrap();
    std::fs::write(layout.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
}

/// What is at each path: mode and owner besides what [`look`] sees.
fn look_closely(root: &Path) -> BTreeMap<PathBuf, (u32, u64, Vec<u8>, u32, u32)> {
    let seen = look(root, None).into_iter();
    let closely = seen.map(|(path, (mode, links, content))| {
        let metadata = root.join(&path).symlink_metadata().unwrap();
        (path, (mode, links, content, metadata.uid(), metadata.gid()))
    });
    closely.collect()
}

#[test]
fn a_debian_like_stack_is_what_buildah_makes_of_it() {
    const NAME: &str = "a_debian_like_stack_is_what_buildah_makes_of_it";
    if !is_root_of_a_namespace(&format!("runtime::unpack::tests::others::{NAME}")) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let layers = [tar(FIRST), tar(SECOND)];
    std::fs::create_dir(at("root")).unwrap();
    for (number, layer) in layers.iter().enumerate() {
        std::fs::write(at(&number.to_string()), layer).unwrap();
        unpack(File::open(at(&number.to_string())).unwrap(), &at("root"), Owners::Kept).unwrap();
    }

    lay_out(&at("layout"), &layers);
    std::fs::write(at("policy"), r#"{"default":[{"type":"insecureAcceptAnything"}]}"#).unwrap();
    let buildah = |arguments: &[&str]| {
        let mut command = Command::new("buildah");
        command
            .arg("--root")
            .arg(at("storage"))
            .arg("--runroot")
            .arg(at("run"))
            .args(["--storage-driver", "vfs"]);
        let output = command.args(arguments).current_dir(dir.path()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    // From its folder: no name with capital letters is a reference.
    let image = "oci:layout:v1";
    let policy = at("policy").display().to_string();
    let container = buildah(&["from", "--signature-policy", &policy, image]);
    let mounted = buildah(&["mount", &container]);

    assert_eq!(look_closely(&at("root")), look_closely(Path::new(&mounted)));
    assert!(look(&at("root"), None).contains_key(Path::new("run/app.pid")));
    buildah(&["rm", &container]);
}
