//! What must be true of this machine and of the files.

use std::path::Path;

use seatrial_git::Git;
use seatrial_image::Stop;
use seatrial_project::{Environment, ImageBuilder, Probe};
use tokio::process::Command;

use super::finding::Finding;
use crate::commands::{dockerfile, generate, graph};
use crate::exit::Interrupted;
use crate::follow::WINDOW;
use crate::hint::Hint as _;
use crate::install::ensure_postgres;
use crate::local::TASK_AGENT;
use crate::process;
use crate::session::Session;

/// Tools, generated files, templates.
///
/// # Errors
/// [`Interrupted`].
pub(super) async fn checks(
    session: &Session,
    root: &Path,
    environment: &Environment,
) -> anyhow::Result<Vec<Finding>> {
    let mut found = vec![tool(session, &["git"], "install git").await?];
    found.push(match environment.image.builder {
        ImageBuilder::Cargo => tool(session, &["cargo"], "install Rust: https://rustup.rs").await?,
        // Only this machine's builds need it; CodeBuild has its own.
        ImageBuilder::Docker => follower(session).await?,
    });
    found.push(match generate::check(root) {
        Ok(()) => Finding::ok("files", "what is generated is in step with infra/project.yml"),
        Err(error) => broken("files", &error, &format!("{} generate", session.program)),
    });
    found.push(match graph::read(root, environment) {
        Ok(graph) => Finding::ok("templates", format!("{} stacks fit together", graph.stacks().count())),
        Err(error) => broken("templates", &error, &format!("{} graph", session.program)),
    });
    found.extend(base_images(root, environment));
    found.extend(probe(environment));
    Ok(found)
}

/// A client alone builds nothing: whoever would build is asked.
async fn follower(session: &Session) -> anyhow::Result<Finding> {
    const CHECK: &str = "dockerfile";
    let stop = Stop::default();
    let asked = stop.clone();
    let found = tokio::task::spawn_blocking(move || seatrial_image::follower_of_dockerfiles(Some(&asked)));
    let Ok(found) = session.cancel.unless_cancelled(found).await else {
        stop.now().await;
        return Err(Interrupted.into());
    };
    Ok(match found? {
        Ok(program) => Finding::ok(CHECK, format!("{program} follows it here")),
        Err(error) => Finding::failed(CHECK, error.to_string(), error.hint().unwrap_or_default()),
    })
}

/// CodeBuild pulls from Docker Hub as anybody does who has no account there, and shares its addresses with others: pulls
/// fail by the hub's limit, with `toomanyrequests`.
fn base_images(root: &Path, environment: &Environment) -> Option<Finding> {
    const CHECK: &str = "base images";
    let image = &environment.image;
    if image.builder != ImageBuilder::Docker {
        return None;
    }
    let text = match std::fs::read_to_string(root.join(&image.dockerfile)) {
        Ok(text) => text,
        Err(error) => {
            let what = format!("`{}` cannot be read: {error}", image.dockerfile);
            return Some(Finding::failed(
                CHECK,
                what,
                "`image.dockerfile` names it, from the project's folder",
            ));
        }
    };
    let hubs = match dockerfile::images_of_docker_hub(&text) {
        Ok(hubs) => hubs,
        Err(why) => return Some(Finding::not_checked(CHECK, format!("`{}`: {why}", image.dockerfile), None)),
    };
    if hubs.is_empty() {
        return Some(Finding::ok(CHECK, "none comes from Docker Hub"));
    }
    let found = format!("`{}` from Docker Hub, which limits who pulls without an account", hubs.join("`, `"));
    let remedy = "official images are at public.ecr.aws/docker/library, too; others belong in a repository of your own";
    Some(Finding::not_checked(CHECK, found, Some(remedy.to_owned())))
}

/// Whether the probe can see what would stop a release: so many requests must fail within ten seconds that rate and the
/// first share of the traffic send more.
fn probe(environment: &Environment) -> Option<Finding> {
    const CHECK: &str = "probe";
    let Probe { rate, budget, .. } = environment.app.probe;
    let share = environment.deployment.traffic.first_percent();
    let (all, first) = (u64::from(rate) * WINDOW.as_secs(), u64::from(rate) * WINDOW.as_secs() * share / 100);
    let budget = u64::from(budget);
    let what = match (rate, all <= budget, first <= budget) {
        (0, ..) => return None,
        (_, true, _) => format!("the {all} requests that 10 s of `app.probe.rate` send"),
        (_, _, true) => format!("the {first} requests that the first {share} % of the traffic get in 10 s"),
        _ => {
            return Some(Finding::ok(
                CHECK,
                format!("more than {budget} bad answers in 10 s stop a release"),
            ));
        }
    };
    let found = format!("`app.probe.budget` is {budget}, and {what} never exceed it: they stop no release");
    Some(Finding::not_checked(
        CHECK,
        found,
        Some("raise `app.probe.rate`, or lower `app.probe.budget`".to_owned()),
    ))
}

/// The first of the programs that runs.
async fn tool(session: &Session, names: &[&'static str], remedy: &str) -> anyhow::Result<Finding> {
    let check = names.first().copied().unwrap_or_default();
    for name in names {
        let mut command = Command::new(name);
        command.arg("--version");
        match process::output(session, command).await {
            Ok(output) if output.status.success() => {
                let text = String::from_utf8_lossy(&output.stdout);
                return Ok(Finding::ok(check, text.lines().next().unwrap_or(name).to_owned()));
            }
            Err(error) if error.is::<Interrupted>() => return Err(error),
            _ => {}
        }
    }
    Ok(Finding::failed(check, format!("`{}` does not run here", names.join("`, `")), remedy))
}

/// An error that says itself what to do, or else is met by `command`.
fn broken(check: &'static str, error: &anyhow::Error, command: &str) -> Finding {
    let own =
        error.downcast_ref::<crate::exit::Refused>().and_then(|refused| refused.hints().into_iter().next());
    Finding::failed(check, error.to_string(), own.unwrap_or_else(|| format!("run `{command}`")))
}

/// Tasks of the local cloud run in namespaces, or only static programs do.
pub(super) async fn namespaces(environment: &Environment) -> Finding {
    const CHECK: &str = "namespaces";
    let Err(found) = seatrial_local::try_namespaces(TASK_AGENT.map(str::to_owned).into()).await else {
        return Finding::ok(CHECK, "tasks of the local cloud have namespaces of their own");
    };
    let remedy = found.command.map(str::to_owned);
    match environment.image.builder {
        ImageBuilder::Cargo => {
            let told = format!("tasks of the local cloud are plain processes: {}", found.why);
            Finding::not_checked(CHECK, told, remedy)
        }
        ImageBuilder::Docker => {
            let told = format!("the local cloud cannot run what a Dockerfile makes: {}", found.why);
            let or = "rehearse on a machine, or as a user, that may make user namespaces";
            Finding::failed(CHECK, told, remedy.unwrap_or_else(|| or.to_owned()))
        }
    }
}

/// The local cloud's databases are real servers.
pub(super) fn postgres(session: &Session) -> Finding {
    match ensure_postgres(session, false) {
        Ok(()) => Finding::ok("postgres", "a server is installed"),
        Err(error) => broken("postgres", &error, "rehearse --install-missing"),
    }
}

/// Whether the commit that is checked out is on the branch that is released, as far as this checkout knows: nobody is
/// asked over the network, where git might ask back for a password.
pub(super) fn remote_branch(root: &Path, environment: &Environment) -> Finding {
    const CHECK: &str = "branch";
    let branch = &environment.source.branch;
    let known = |only: &[&str]| -> anyhow::Result<Option<Vec<String>>> {
        let Some(git) = Git::find(root)? else { return Ok(None) };
        let listed =
            git.read(&[&["for-each-ref", "--format=%(refname:short)"], only, &["refs/remotes"]].concat())?;
        let of_branch = |name: &&str| name.split_once('/').is_some_and(|(_, rest)| rest == branch);
        Ok(Some(listed.lines().filter(of_branch).map(str::to_owned).collect()))
    };
    let (all, with_head) = match (known(&[]), known(&["--contains", "HEAD"])) {
        (Ok(Some(all)), Ok(Some(with_head))) => (all, with_head),
        (Ok(None), _) | (_, Ok(None)) => {
            return Finding::not_checked(CHECK, "this is no git checkout", None);
        }
        (Err(error), _) | (_, Err(error)) => {
            return Finding::not_checked(CHECK, error.to_string(), None);
        }
    };
    match (&all[..], &with_head[..]) {
        (_, [first, ..]) => Finding::ok(CHECK, format!("HEAD is on {first}, as of the last fetch")),
        ([], _) => {
            let why = format!("no remote branch `{branch}` is known here");
            Finding::not_checked(
                CHECK,
                why,
                Some("run `git fetch`, or `git push` if it is not there yet".to_owned()),
            )
        }
        ([first, ..], _) => {
            let remote = first.split('/').next().unwrap_or_default();
            let found = format!("HEAD is not on {first}, as of the last fetch: a release would not find it");
            Finding::failed(CHECK, found, format!("run `git fetch`, then `git push {remote} HEAD:{branch}`"))
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_budget_that_the_probe_can_never_exceed_is_told() {
        let told = |probe: &str, traffic: &str| {
            let text = format!(
                "project: web\nsource: {{repository: o/n}}\napp: {{probe: {probe}}}\nenvironments:\n  local: {{deployment: {{traffic: {traffic}}}}}\n"
            );
            let project = seatrial_project::Project::parse(text.as_bytes()).unwrap();
            super::probe(project.environment(None).unwrap()).map(|finding| finding.found)
        };
        let never = told("{rate: 1, budget: 10}", "AllAtOnce").unwrap();
        assert!(never.contains("the 10 requests that 10 s of"), "{never}");
        let first = told("{rate: 20, budget: 20}", "Canary10Percent5Minutes").unwrap();
        assert!(first.contains("the 20 requests that the first 10 % of the traffic"), "{first}");
        let well = told("{rate: 20, budget: 5}", "Linear10PercentEvery1Minutes").unwrap();
        assert!(well.starts_with("more than 5 bad answers"), "{well}");
        assert_eq!(told("{rate: 0, budget: 5}", "AllAtOnce"), None);
    }
}
