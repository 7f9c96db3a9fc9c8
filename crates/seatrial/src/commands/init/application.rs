//! The application that is there, as far as it can be seen.

use serde::Deserialize;
use tokio::process::Command;

use super::ground::Ground;
use crate::cli::InitArgs;
use crate::commands::dockerfile;
use crate::exit::Refused;
use crate::process;
use crate::session::Session;

/// Crates by which a package is told to serve the web, and to have a Postgres database.
const WEB: [&str; 15] = [
    "actix-web",
    "axum",
    "gotham",
    "hyper",
    "loco-rs",
    "ntex",
    "poem",
    "rocket",
    "salvo",
    "tide",
    "tonic",
    "trillium",
    "viz",
    "volo-http",
    "warp",
];
const POSTGRES: [&str; 7] =
    ["deadpool-postgres", "diesel", "diesel-async", "postgres", "sea-orm", "sqlx", "tokio-postgres"];
/// By which a package is told to be somebody's `xtask`.
const TOOL: &str = "seatrial";

/// What the image is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Application {
    /// One of `init`'s own, in a new folder.
    Sample,
    /// A package of the Cargo workspace.
    Package { name: String, has_database: bool },
    /// A Dockerfile and its context, from the project's folder.
    Dockerfile { file: String, context: String, port: Option<u16> },
}

impl Application {
    /// The one of a folder that is not new.
    ///
    /// # Errors
    /// Refused where there is none, or more than one, with what to type.
    pub(super) async fn find(session: &Session, ground: &Ground, args: &InitArgs) -> anyhow::Result<Self> {
        match &args.dockerfile {
            Some(file) => from_dockerfile(ground, file),
            None if ground.has_manifest => package(session, ground, args).await,
            None if ground.root.join("Dockerfile").exists() => from_dockerfile(ground, "Dockerfile"),
            None => {
                let folder = ground.root.display();
                let none = format!("`{folder}` has neither a `Cargo.toml` nor a `Dockerfile`");
                let hint =
                    "`--dockerfile FILE` names one in another folder; a new folder gets a small application";
                Err(Refused::new(none).hint(hint).into())
            }
        }
    }
}

fn from_dockerfile(ground: &Ground, file: &str) -> anyhow::Result<Application> {
    let file = file.strip_prefix("./").unwrap_or(file);
    let Some(text) = ground.read(file)? else {
        let missing = format!("`{file}` is not in `{}`", ground.root.display());
        return Err(Refused::new(missing).hint("`--dockerfile` names it from the project's folder").into());
    };
    let context = dockerfile::context(&ground.root, file, &text);
    Ok(Application::Dockerfile { file: file.to_owned(), context, port: dockerfile::exposed_port(&text) })
}

async fn package(session: &Session, ground: &Ground, args: &InitArgs) -> anyhow::Result<Application> {
    let metadata = metadata(session, ground).await?;
    let runs = |package: &&Package| {
        package.targets.iter().any(|target| target.kind.iter().any(|kind| kind == "bin"))
    };
    let runs: Vec<&Package> = metadata
        .packages
        .iter()
        .filter(runs)
        .filter(|package| !package.uses(&[TOOL]) && package.name != "xtask")
        .collect();
    let names = |packages: &[&Package]| -> String {
        packages.iter().map(|package| format!("`{}`", package.name)).collect::<Vec<_>>().join(", ")
    };
    let found = match &args.package {
        Some(wanted) => runs.iter().find(|package| package.name == *wanted).copied().ok_or_else(|| {
            let refused = format!(
                "`{wanted}` is no package with a program of the workspace `{}`",
                ground.root.display()
            );
            Refused::new(refused).hint(format!("those with one: {}", names(&runs)))
        })?,
        None => {
            let serve: Vec<&Package> = runs.iter().filter(|package| package.uses(&WEB)).copied().collect();
            match (&serve[..], &runs[..]) {
                ([one], _) | ([], [one]) => *one,
                ([], []) => {
                    let none = format!("no package of `{}` has a program", ground.root.display());
                    let hint = "an application in another language is named by its `--dockerfile FILE`";
                    return Err(Refused::new(none).hint(hint).into());
                }
                (several, all) => {
                    let which = if several.is_empty() { all } else { several };
                    let refused = format!("which package is the application: {}?", names(which));
                    return Err(Refused::new(refused).hint("name it: `--package NAME`").into());
                }
            }
        }
    };
    refuse_without_lock(ground)?;
    Ok(Application::Package { name: found.name.clone(), has_database: found.uses(&POSTGRES) })
}

/// Images are compiled with `--locked`: of one commit always the same.
fn refuse_without_lock(ground: &Ground) -> anyhow::Result<()> {
    let hint = "run `cargo generate-lockfile`, commit `Cargo.lock`, then run this again";
    if !ground.root.join("Cargo.lock").exists() {
        let missing = "`Cargo.lock` is missing: an image is compiled from the versions that it names";
        return Err(Refused::new(missing).hint(hint).into());
    }
    let ignored = ground.git.as_ref().is_some_and(|git| {
        let lock = ground.root.join("Cargo.lock");
        lock.to_str().is_some_and(|lock| git.read(&["check-ignore", "--quiet", "--", lock]).is_ok())
    });
    match ignored {
        true => {
            let ignored =
                "`Cargo.lock` is in .gitignore, so no commit has the versions that an image is compiled from";
            Err(Refused::new(ignored).hint("take it out of .gitignore, and commit `Cargo.lock`").into())
        }
        false => Ok(()),
    }
}

/// The part of cargo's answer that is needed here (`cargo metadata`, format version 1).
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
}

#[derive(Deserialize)]
struct Target {
    kind: Vec<String>,
}

impl Package {
    fn uses(&self, crates: &[&str]) -> bool {
        self.dependencies.iter().any(|dependency| crates.contains(&dependency.name.as_str()))
    }
}

async fn metadata(session: &Session, ground: &Ground) -> anyhow::Result<Metadata> {
    let mut cargo = Command::new("cargo");
    cargo.args(["metadata", "--no-deps", "--format-version", "1"]).current_dir(&ground.root);
    let output = process::output(session, cargo).await?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(Refused::new(format!("cargo cannot read the workspace:\n{}", said.trim())).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}
