//! Private sources: whether the builds in CodeBuild can get them.

use std::collections::BTreeSet;
use std::path::Path;

use futures_util::future::join_all;
use seatrial_project::generate::Place;
use seatrial_project::{Environment, Kept, Opens, RegistrySecret};

use super::finding::Finding;
use crate::context::Ctx;

const CHECK: &str = "private";

/// Dependencies by SSH, for which CodeBuild has no key. Whether one by HTTPS is private, nobody can tell without asking.
pub(super) fn by_ssh(root: &Path, environment: &Environment) -> Vec<Finding> {
    // The application's lock file, and the tool's, where that has one of its own.
    let tool = Place::find(root).map(|place| root.join(place.folder)).ok();
    let folders = [root.to_owned()].into_iter().chain(tool);
    let texts = folders.filter_map(|folder| std::fs::read_to_string(folder.join("Cargo.lock")).ok());
    let hosts: BTreeSet<String> = texts.flat_map(|text| hosts_by_ssh(&text)).collect();
    let opened = |host: &String| {
        let is_it = |secret: &RegistrySecret| secret.opens == Opens::GitHost(host.clone());
        environment.image.registry_secrets.iter().any(is_it)
    };
    let one = |host: String| match opened(&host) {
        true => Finding::ok(CHECK, format!("what comes from {host} by ssh goes by HTTPS in CodeBuild")),
        false => Finding::failed(
            CHECK,
            format!("a dependency comes from {host} by ssh, for which CodeBuild has no key"),
            format!("name the secret that has a token by `image.registry_secrets: {{{host}: NAME}}`"),
        ),
    };
    hosts.into_iter().map(one).collect()
}

/// The hosts of `source = "git+ssh://git@HOST/…"` in a lock file.
fn hosts_by_ssh(lock: &str) -> Vec<String> {
    let host = |line: &str| {
        let url = line.trim().strip_prefix("source = \"git+ssh://")?;
        let place = url.split('/').next()?;
        Some(place.rsplit('@').next().unwrap_or(place).to_ascii_lowercase())
    };
    lock.lines().filter_map(host).collect()
}

/// Whether the secrets are there that project.yml names.
///
/// # Errors
/// [`Interrupted`](crate::exit::Interrupted).
pub(super) async fn secrets(ctx: &Ctx) -> anyhow::Result<Vec<Finding>> {
    let found = join_all(ctx.environment.image.registry_secrets.iter().map(|secret| one(ctx, secret))).await;
    found.into_iter().collect()
}

async fn one(ctx: &Ctx, secret: &RegistrySecret) -> anyhow::Result<Finding> {
    let (opens, id) = (&secret.opens, secret.id());
    let asked = async {
        match &secret.kept {
            Kept::Secret(_) => ctx.aws.secret_exists(&id).await,
            Kept::Parameter(_) => ctx.aws.parameter_exists(&id).await,
        }
    };
    Ok(match ctx.session.cancel.unless_cancelled(asked).await? {
        Ok(true) => Finding::ok(CHECK, format!("`{id}`, which opens {opens}, is there")),
        Ok(false) => {
            let found = format!("`{id}`, which opens {opens}, is not there in {}", ctx.environment.region);
            Finding::failed(CHECK, found, format!("run `{}`, and type what opens it", made_by(ctx, secret)))
        }
        Err(error) => Finding::not_checked(CHECK, error.to_string().replace("\n  ", ", "), None),
    })
}

/// The command that makes it of what is typed next: in no argument, and in no shell's history.
fn made_by(ctx: &Ctx, secret: &RegistrySecret) -> String {
    let (region, id) = (&ctx.environment.region, secret.id());
    match &secret.kept {
        Kept::Secret(_) => {
            format!(
                "aws secretsmanager create-secret --region {region} --name {id} --secret-string file:///dev/stdin"
            )
        }
        Kept::Parameter(_) => {
            format!(
                "aws ssm put-parameter --region {region} --name {id} --type SecureString --value file:///dev/stdin"
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::doctor::finding::Verdict;

    #[test]
    fn a_dependency_by_ssh_wants_a_secret_of_its_host() {
        let root = tempfile::tempdir().unwrap();
        let lock = "[[package]]\nname = \"a\"\nsource = \"git+ssh://git@github.com/me/a?branch=main#0123\"\n\n[[package]]\n\
                    name = \"b\"\nsource = \"git+https://gitlab.com/me/b#0123\"\n\n[[package]]\nname = \"c\"\nsource = \
                    \"registry+https://github.com/rust-lang/crates.io-index\"\n\n[[package]]\nname = \"d\"\nsource = \
                    \"git+ssh://git@git.example.com/d#0123\"\n";
        std::fs::write(root.path().join("Cargo.lock"), lock).unwrap();
        let text = "project: web\nsource: {repository: o/n}\nenvironments: {local: }\nimage: {registry_secrets: {github.com: git}}\n";
        let project = seatrial_project::Project::parse(text.as_bytes()).unwrap();

        let found = by_ssh(root.path(), project.environment(None).unwrap());

        let results: Vec<_> =
            found.iter().map(|one| (one.result, one.found.contains("github.com"))).collect();
        assert_eq!(results, [(Verdict::Failed, false), (Verdict::Ok, true)]);
        assert!(found[0].remedy.as_ref().unwrap().contains("{git.example.com: NAME}"), "{}", found[0]);
    }
}
