//! What a static binary was made of, as cargo resolved it: the packages that are linked in, and those that only took part in
//! the compilation (macros, build scripts and theirs), which CycloneDX calls `excluded`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::Sbom;
use crate::cargo::{Cargo, Metadata, Package};
use crate::error::ImageError;

const CRATES_IO: [&str; 2] =
    ["registry+https://github.com/rust-lang/crates.io-index", "sparse+https://index.crates.io/"];

/// Name and version.
type Key = (String, String);

/// Of the binary of `package` for `target`. `cargo tree` resolves features as the build of this one package does; the
/// metadata unite those of the whole workspace.
///
/// # Errors
/// cargo or a lock file that cannot be read.
pub(crate) fn of_binary(
    cargo: &Cargo<'_>,
    metadata: &Metadata,
    package: &str,
    target: &str,
) -> Result<Sbom, ImageError> {
    let tree = |edges: &str| {
        let arguments = ["tree", "--locked", "--package", package, "--target", target, "--edges", edges];
        let printed = cargo.run("list the packages", &[&arguments[..], &FORMAT].concat())?;
        Ok::<_, ImageError>(listed(&String::from_utf8_lossy(&printed)))
    };
    let (linked, taking_part) = (tree("normal,no-proc-macro")?, tree("normal,build")?);
    let lock = metadata.workspace_root.join("Cargo.lock");
    let lock = match std::fs::read_to_string(&lock) {
        Ok(lock) => lock,
        // Without dependencies there is nothing to lock.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(ImageError::failed(format!("read `{}`", lock.display()), error)),
    };
    Ok(describe(metadata, package, &linked, &taking_part, &checksums(&lock)))
}

const FORMAT: [&str; 4] = ["--prefix", "none", "--format", "{p}"];

/// Of lines such as `serde v1.0.0 (proc-macro) (*)`.
fn listed(tree: &str) -> BTreeSet<Key> {
    let key = |line: &str| {
        let mut words = line.split_whitespace();
        Some((words.next()?.to_owned(), words.next()?.strip_prefix('v')?.to_owned()))
    };
    tree.lines().filter_map(key).collect()
}

/// SHA-256 of the packages' archives, by the lock file, which cargo alone writes.
fn checksums(lock: &str) -> BTreeMap<Key, String> {
    let sum = |package: &str| {
        let of = |key: &str| {
            let line = package.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = \""));
            line.map(|text| text.trim_end_matches('"').to_owned())
        };
        Some(((of("name")?, of("version")?), of("checksum")?))
    };
    lock.split("[[package]]").skip(1).filter_map(sum).collect()
}

fn describe(
    metadata: &Metadata,
    root: &str,
    linked: &BTreeSet<Key>,
    taking_part: &BTreeSet<Key>,
    checksums: &BTreeMap<Key, String>,
) -> Sbom {
    let key = |package: &Package| (package.name.clone(), package.version.clone());
    let packages: BTreeMap<&str, &Package> = metadata
        .packages
        .iter()
        .filter(|package| linked.contains(&key(package)) || taking_part.contains(&key(package)))
        .map(|package| (&*package.id, package))
        .collect();
    let mut application = Value::Null;
    let (mut components, mut dependencies) = (BTreeMap::new(), BTreeMap::new());
    for package in packages.values() {
        let reference = reference(package);
        let needs: BTreeSet<String> = metadata
            .needs(&package.id)
            .filter_map(|id| packages.get(id))
            .map(|package| self::reference(package))
            .collect();
        dependencies.insert(reference.clone(), json!({ "ref": reference, "dependsOn": needs }));
        let mut component = component(package, checksums.get(&key(package)));
        if package.id == root {
            component["type"] = json!("application");
            application = component;
        } else {
            let scope = if linked.contains(&key(package)) { "required" } else { "excluded" };
            component["scope"] = json!(scope);
            components.insert(reference, component);
        }
    }
    Sbom::new(application, components.into_values().collect(), dependencies.into_values().collect())
}

fn component(package: &Package, checksum: Option<&String>) -> Value {
    let mut component = json!({
        "type": "library",
        "bom-ref": reference(package),
        "name": package.name,
        "version": package.version,
    });
    if let Some(purl) = purl(package) {
        component["purl"] = json!(purl);
    }
    if let Some(license) = &package.license {
        // As SPDX writes it since 2015; older packages have a slash.
        component["licenses"] = json!([{ "expression": license.replace('/', " OR ") }]);
    }
    if let Some(checksum) = checksum.filter(|_| package.source.is_some()) {
        component["hashes"] = json!([{ "alg": "SHA-256", "content": checksum }]);
    }
    component
}

/// What names a package in the document. No path of this machine is in it.
fn reference(package: &Package) -> String {
    purl(package).unwrap_or_else(|| format!("{}@{}", package.name, package.version))
}

/// None for a folder of the repository: nobody else knows it.
fn purl(package: &Package) -> Option<String> {
    let source = package.source.as_deref()?;
    let plain = format!("pkg:cargo/{}@{}", encode(&package.name), encode(&package.version));
    Some(match source.strip_prefix("git+") {
        _ if CRATES_IO.contains(&source) => plain,
        Some(git) => {
            let (address, commit) = git.split_once('#').unwrap_or((git, ""));
            let address = address.split('?').next().unwrap_or_default();
            format!("{plain}?vcs_url={}", encode(&format!("git+{}@{commit}", without_user(address))))
        }
        None => {
            let registry = source.split_once('+').map_or(source, |(_, address)| address);
            format!("{plain}?repository_url={}", encode(&without_user(registry)))
        }
    })
}

/// An address without what stands before its host: a token, it may be.
fn without_user(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else { return address.to_owned() };
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    format!("{scheme}://{}/{path}", host.rsplit('@').next().unwrap_or_default())
}

/// Percent-encoded, as package URLs have it.
fn encode(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_~:/".contains(&byte);
    let of = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::Packed;

    fn metadata() -> Metadata {
        let package = |name: &str, source: Value, license: Value| {
            json!({"name": name, "version": "1.0.0+b", "id": format!("id-of-{name}"), "source": source, "license": license,
                "manifest_path": "/home/me/Cargo.toml", "default_run": null, "dependencies": [], "targets": []})
        };
        let edge =
            |to: &str, kind: Value| json!({"pkg": format!("id-of-{to}"), "dep_kinds": [{"kind": kind}]});
        let node = |name: &str, deps: Vec<Value>| json!({"id": format!("id-of-{name}"), "deps": deps});
        let none = Value::Null;
        serde_json::from_value(json!({
            "packages": [
                package("shop", none.clone(), none.clone()),
                package("serde", json!(CRATES_IO[0]), json!("MIT/Apache-2.0")),
                package("ours", json!("git+https://me:t0ken@example.org/o/r.git?branch=b#0123"), none.clone()),
                package("cc", json!("sparse+https://u:t0ken@crates.example.org/index/"), none.clone()),
                package("tests", json!(CRATES_IO[1]), none.clone()),
            ],
            "workspace_members": [], "workspace_root": "/home/me",
            "resolve": {"nodes": [
                node("shop", vec![edge("serde", none.clone()), edge("ours", none), edge("tests", json!("dev"))]),
                node("ours", vec![edge("cc", json!("build"))]),
            ]},
        }))
        .unwrap()
    }

    fn document() -> Value {
        let linked = listed(
            "shop v1.0.0+b (/home/me)\nserde v1.0.0+b\nours v1.0.0+b (https://x)\nserde v1.0.0+b (*)\n",
        );
        let all = listed("shop v1.0.0+b\nserde v1.0.0+b\nours v1.0.0+b\ncc v1.0.0+b\n");
        let lock = "version = 4\n\n[[package]]\nname = \"serde\"\nversion = \"1.0.0+b\"\nchecksum = \"5eba\"\n\n\
                    [[package]]\nname = \"shop\"\nversion = \"1.0.0+b\"\n";
        describe(&metadata(), "id-of-shop", &linked, &all, &checksums(lock)).0
    }

    #[test]
    fn what_is_linked_is_told_from_what_took_part_and_from_what_did_not() {
        let document = document();
        assert_eq!(document["metadata"]["component"]["name"], "shop");
        let components: Vec<_> = document["components"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| (it["purl"].as_str().unwrap(), it["scope"].as_str().unwrap()))
            .collect();
        assert_eq!(
            components,
            [
                ("pkg:cargo/cc@1.0.0%2Bb?repository_url=https://crates.example.org/index/", "excluded"),
                ("pkg:cargo/ours@1.0.0%2Bb?vcs_url=git%2Bhttps://example.org/o/r.git%400123", "required"),
                ("pkg:cargo/serde@1.0.0%2Bb", "required"),
            ]
        );
        let serde = &document["components"][2];
        assert_eq!(serde["hashes"], json!([{ "alg": "SHA-256", "content": "5eba" }]));
        assert_eq!(serde["licenses"], json!([{ "expression": "MIT OR Apache-2.0" }]));
        let of_shop =
            document["dependencies"].as_array().unwrap().iter().find(|it| it["ref"] == "shop@1.0.0+b");
        assert_eq!(of_shop.unwrap()["dependsOn"].as_array().unwrap().len(), 2);
    }

    #[test]
    fn it_holds_no_token_no_path_of_this_machine_and_no_time() {
        let text = document().to_string();
        for word in ["t0ken", "/home/me", "timestamp", "serialNumber"] {
            assert!(!text.contains(word), "{text}");
        }
    }

    #[test]
    fn the_artifact_names_its_image_and_is_the_same_each_time() {
        let image = Packed::new(&json!({}), Vec::new()).unwrap();
        let artifact = |sbom: Value| Sbom(sbom).about(&image).unwrap();
        let once = artifact(document());
        let manifest: Value = serde_json::from_slice(once.manifest.bytes()).unwrap();
        assert_eq!(manifest["subject"]["digest"], image.digest());
        assert_eq!(manifest["artifactType"], super::super::CYCLONEDX);
        assert_eq!(manifest["layers"][0]["digest"], once.document.digest);
        assert_eq!(artifact(document()).manifest.digest, once.manifest.digest);
    }
}
