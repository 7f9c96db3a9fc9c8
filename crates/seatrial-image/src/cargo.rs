//! The workspace as cargo sees it: which package and binary become the image, and which packages are local.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use crate::cache::BuildCache;
use crate::error::ImageError;
use crate::request::ImageOptions;
use crate::stop::{self, Stop};
use crate::tree::Tree;

/// What `cargo run` tells the program it runs about that program. Build scripts that watch one of these (ring's does)
/// would run again for every caller, and with them most of the compilation.
const OF_OUR_OWN_PACKAGE: &[&str] =
    &["CARGO_BIN_", "CARGO_CRATE_NAME", "CARGO_MANIFEST_", "CARGO_PKG_", "CARGO_PRIMARY_PACKAGE"];

/// By which build scripts compile C.
const C_COMPILERS: [&str; 2] = ["cc", "cmake"];

/// cargo in one workspace, with its products in one cache.
pub(crate) struct Cargo<'a> {
    pub(crate) workspace: &'a Path,
    pub(crate) cache: &'a BuildCache,
    /// For rustc; encoded, because paths may hold blanks. They take the place of those that a user configured.
    pub(crate) flags: String,
    pub(crate) stop: Option<&'a Stop>,
}

impl Cargo<'_> {
    /// Runs cargo to its end and gives its standard output; its standard error is the user's progress.
    pub(crate) fn run(&self, action: &str, arguments: &[&str]) -> Result<Vec<u8>, ImageError> {
        let program = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.workspace);
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|name| OF_OUR_OWN_PACKAGE.iter().any(|of| name.starts_with(of))) {
                command.env_remove(name);
            }
        }
        command
            .env("CARGO_ENCODED_RUSTFLAGS", &self.flags)
            .env_remove("RUSTFLAGS")
            .env("CARGO_INCREMENTAL", "0")
            // Everything in the one folder that is locked and cleaned, whatever the user configured; and no cache
            // of compilations below cargo, which would not know of files that only a macro reads.
            .env("CARGO_TARGET_DIR", &self.cache.folder)
            .env("CARGO_BUILD_BUILD_DIR", &self.cache.folder)
            .env("RUSTC_WRAPPER", "")
            .env("RUSTC_WORKSPACE_WRAPPER", "");
        let stdin = self.cache.shared_with_child().map_err(|error| ImageError::failed(action, error))?;
        stop::run(self.stop, action, command.stdin(stdin))
    }

    /// The workspace and what it depends on, on the given platforms.
    pub(crate) fn metadata(&self, platforms: &[&str]) -> Result<Metadata, ImageError> {
        let action = "read the workspace";
        let mut arguments = vec!["metadata", "--format-version", "1", "--locked"];
        for platform in platforms {
            arguments.extend(["--filter-platform", platform]);
        }
        let text = self.run(action, &arguments)?;
        serde_json::from_slice(&text).map_err(|error| ImageError::failed(action, error))
    }
}

/// The part of cargo's answer that is needed here (`cargo metadata`, format version 1).
#[derive(Debug, Deserialize)]
pub(crate) struct Metadata {
    pub(crate) packages: Vec<Package>,
    workspace_members: Vec<String>,
    /// Where the lock file is.
    #[serde(default)]
    pub(crate) workspace_root: PathBuf,
    #[serde(default)]
    resolve: Resolve,
}

/// Which package depends on which, on the platforms that were asked for.
#[derive(Debug, Default, Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Debug, Deserialize)]
struct Node {
    id: String,
    deps: Vec<Edge>,
}

#[derive(Debug, Deserialize)]
struct Edge {
    /// A package's id.
    pkg: String,
    dep_kinds: Vec<EdgeKind>,
}

#[derive(Debug, Deserialize)]
struct EdgeKind {
    /// `null` for an ordinary dependency, else `build` or `dev`.
    kind: Option<String>,
}

impl Edge {
    fn is(&self, kind: Option<&str>) -> bool {
        self.dep_kinds.iter().any(|it| it.kind.as_deref() == kind)
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) version: String,
    pub(crate) id: String,
    /// `null` for a folder.
    pub(crate) source: Option<String>,
    /// An SPDX expression.
    pub(crate) license: Option<String>,
    manifest_path: PathBuf,
    default_run: Option<String>,
    dependencies: Vec<Dependency>,
    targets: Vec<Target>,
}

#[derive(Debug, Deserialize)]
struct Dependency {
    name: String,
    /// Of a folder.
    path: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

impl Package {
    fn binaries(&self) -> Vec<&str> {
        let targets = self.targets.iter().filter(|target| target.kind.iter().any(|kind| kind == "bin"));
        targets.map(|target| target.name.as_str()).collect()
    }

    fn is_macro(&self) -> bool {
        self.targets.iter().any(|target| target.kind.iter().any(|kind| kind == "proc-macro"))
    }

    /// A registry's files never change under one version; everybody else's may.
    fn is_of_registry(&self) -> bool {
        self.source.as_ref().is_some_and(|source| !source.starts_with("git+"))
    }
}

/// One binary of one package.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    /// The package's id, which no second package of its name has.
    pub(crate) package: String,
    pub(crate) binary: String,
}

impl Metadata {
    /// Finds what `options` name.
    pub(crate) fn choose(&self, options: &ImageOptions) -> Result<Choice, ImageError> {
        let members = || self.packages.iter().filter(|package| self.workspace_members.contains(&package.id));
        let wanted = &options.package;
        let Some(package) = members().find(|package| package.name == *wanted) else {
            let having = members().filter(|package| !package.binaries().is_empty());
            return Err(ImageError::refused(format!(
                "`image.package` in `infra/project.yml` must be a package of the workspace, found `{wanted}`"
            ))
            .with_hint(format!(
                "its packages with a binary: {}",
                list(having.map(|package| &*package.name))
            )));
        };
        let binaries = package.binaries();
        let chosen = match (&options.binary, &package.default_run, &binaries[..]) {
            (_, _, []) => Err(ImageError::refused(format!("package `{wanted}` has no binary, expected one"))
                .with_hint("name another package by `image.package` in `infra/project.yml`")),
            (Some(name), _, all) if !all.contains(&name.as_str()) => Err(ImageError::refused(format!(
                "`image.binary` in `infra/project.yml` must be a binary of package `{wanted}`, found `{name}`"
            ))
            .with_hint(format!("it has {}", list(all.iter().copied())))),
            (Some(name), _, _) | (None, Some(name), _) => Ok(name.clone()),
            (None, None, [only]) => Ok((*only).to_owned()),
            (None, None, several) => Err(ImageError::refused(format!(
                "package `{wanted}` has several binaries, {}: `image.binary` in `infra/project.yml` must name one",
                list(several.iter().copied())
            ))),
        };
        chosen.map(|binary| Choice { package: package.id.clone(), binary })
    }

    /// Names of the packages in a binary of `package` whose build scripts compile C, seen by what those depend on. Macros and
    /// build scripts themselves are for this machine.
    pub(crate) fn compiling_c(&self, package: &str) -> Vec<&str> {
        let of_id = |id: &str| self.packages.iter().find(|package| package.id == id);
        let edges = |id: &str| {
            self.resolve.nodes.iter().find(|node| node.id == id).map_or(&[][..], |node| &node.deps)
        };
        let is_compiler = |id: &str| of_id(id).is_some_and(|it| C_COMPILERS.contains(&it.name.as_str()));
        let (mut seen, mut pending) = (BTreeSet::from([package]), vec![package]);
        let mut found = BTreeSet::new();
        while let Some(id) = pending.pop() {
            if edges(id).iter().any(|edge| edge.is(Some("build")) && is_compiler(&edge.pkg)) {
                found.extend(of_id(id).map(|package| package.name.as_str()));
            }
            for edge in edges(id).iter().filter(|edge| edge.is(None)) {
                if !of_id(&edge.pkg).is_some_and(Package::is_macro) && seen.insert(&edge.pkg) {
                    pending.push(&edge.pkg);
                }
            }
        }
        found.into_iter().collect()
    }

    /// The ids of what `package` needs to be compiled, features of the whole workspace and both platforms taken together.
    pub(crate) fn needs(&self, package: &str) -> impl Iterator<Item = &str> {
        let node = self.resolve.nodes.iter().find(|node| node.id == package);
        let edges = node.map_or(&[][..], |node| &node.deps).iter();
        edges.filter(|edge| edge.is(None) || edge.is(Some("build"))).map(|edge| &*edge.pkg)
    }

    /// Names of all packages whose files may change while their version stays.
    pub(crate) fn local_packages(&self, tree: &Tree) -> Vec<&str> {
        // One that is vendored has a registry's source, but files of ours.
        let local = self.packages.iter().filter(|it| !it.is_of_registry() || tree.holds(&it.manifest_path));
        let mut names: Vec<&str> = local.map(|package| package.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// CodeBuild has the commit and nothing else: what is not in it must not be compiled here either.
    pub(crate) fn refuse_outsiders(&self, tree: &Tree) -> Result<(), ImageError> {
        for package in self.packages.iter().filter(|package| package.source.is_none()) {
            let own = package.manifest_path.parent().map(|folder| (package.name.as_str(), folder));
            // Also those for other platforms, which cargo looks for all the same.
            let others = package.dependencies.iter().filter_map(|it| Some((&*it.name, it.path.as_deref()?)));
            for (name, folder) in own.into_iter().chain(others) {
                if !tree.holds(&folder.join("Cargo.toml")) {
                    return Err(ImageError::refused(format!(
                        "package `{name}` in `{}` must be inside `{}` and not ignored by git: CodeBuild has only \
                         what the commit holds",
                        folder.display(),
                        tree.root.display()
                    ))
                    .with_hint("move it into the repository, or depend on it by registry or git"));
                }
            }
        }
        Ok(())
    }
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn package(name: &str, default_run: Option<&str>, binaries: &[&str]) -> serde_json::Value {
        let targets: Vec<_> = binaries.iter().map(|name| json!({"name": name, "kind": ["bin"]})).collect();
        json!({"name": name, "id": format!("id-of-{name}"), "source": null, "manifest_path": "/x/Cargo.toml",
            "default_run": default_run, "dependencies": [], "targets": targets})
    }

    fn choose(package: &str, binary: Option<&str>) -> Result<String, String> {
        let packages = [
            self::package("shop", None, &["server"]),
            self::package("many", None, &["one", "two"]),
            self::package("run", Some("two"), &["one", "two"]),
            self::package("library", None, &[]),
            self::package("foreign", None, &["tool"]),
        ];
        let members: Vec<_> = packages.iter().take(4).map(|package| package["id"].clone()).collect();
        let metadata: Metadata =
            serde_json::from_value(json!({"packages": packages, "workspace_members": members})).unwrap();
        let options = ImageOptions {
            package: package.to_owned(),
            binary: binary.map(str::to_owned),
            ..ImageOptions::default()
        };
        match metadata.choose(&options) {
            Ok(choice) => Ok(choice.binary),
            Err(error) => {
                assert!(error.is_refusal());
                Err(format!("{error} ({})", error.hint().unwrap_or_default()))
            }
        }
    }

    #[test]
    fn the_binary_is_the_named_one_the_default_or_the_only_one() {
        assert_eq!(choose("shop", None), Ok("server".to_owned()));
        assert_eq!(choose("run", None), Ok("two".to_owned()));
        assert_eq!(choose("run", Some("one")), Ok("one".to_owned()));
        assert_eq!(choose("many", Some("two")), Ok("two".to_owned()));
    }

    #[test]
    fn what_compiles_c_for_the_binary_is_found_and_for_this_machines_macros_is_not() {
        let names = ["app", "web", "ring", "cc", "names", "syn-c", "tests"];
        let mut packages: Vec<_> = names.iter().map(|name| package(name, None, &[])).collect();
        packages[4]["targets"] = json!([{"name": "names", "kind": ["proc-macro"]}]);
        let edge = |to: &str, kind: serde_json::Value| json!({"pkg": format!("id-of-{to}"), "dep_kinds": [{"kind": kind}]});
        let node =
            |name: &str, deps: Vec<serde_json::Value>| json!({"id": format!("id-of-{name}"), "deps": deps});
        let nodes = [
            node(
                "app",
                vec![edge("web", json!(null)), edge("names", json!(null)), edge("tests", json!("dev"))],
            ),
            node("web", vec![edge("ring", json!(null)), edge("app", json!("dev"))]),
            node("ring", vec![edge("cc", json!("build"))]),
            node("names", vec![edge("syn-c", json!(null))]),
            node("syn-c", vec![edge("cc", json!("build"))]),
            node("tests", vec![edge("cc", json!("build"))]),
        ];
        let metadata: Metadata = serde_json::from_value(
            json!({"packages": packages, "workspace_members": [], "resolve": {"nodes": nodes}}),
        )
        .unwrap();
        assert_eq!(metadata.compiling_c("id-of-app"), ["ring"]);
    }

    #[test]
    fn what_is_not_there_or_not_clear_is_refused_by_name() {
        let cases = [
            (
                choose("many", None),
                "package `many` has several binaries, `one`, `two`: `image.binary` in `infra/project.yml` must name \
                 one ()",
            ),
            (
                choose("foreign", None),
                "`image.package` in `infra/project.yml` must be a package of the workspace, found `foreign` (its \
                 packages with a binary: `shop`, `many`, `run`)",
            ),
            (
                choose("shop", Some("shop")),
                "`image.binary` in `infra/project.yml` must be a binary of package `shop`, found `shop` (it has \
                 `server`)",
            ),
            (
                choose("library", None),
                "package `library` has no binary, expected one (name another package by `image.package` in \
                 `infra/project.yml`)",
            ),
        ];
        for (found, expected) in cases {
            assert_eq!(found, Err(expected.to_owned()));
        }
    }
}
