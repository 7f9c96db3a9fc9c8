//! `cargo xtask rehearse`: the whole chain in a throwaway local cloud, under load.
//!
//! Changes nothing in AWS and nothing in the user's checkout: it works on a private clone, in a data directory of
//! its own. What stays is the build cache, so that the second rehearsal need not compile again.

mod clone;
mod like;
mod migration;
mod play;
mod stage;
mod verdict;

use std::path::{Path, PathBuf};
use std::time::Instant;

use super::deployed::{Deployed, Place};
use super::graph;
use super::permissions;
use super::provision::{self, Provisioned};
use super::report::ReportFile;
use crate::cli::{Consent, Globals, ProvisionArgs, RehearseArgs, Scenario};
use crate::context::{Ctx, find_root, load_environment};
use crate::exit::Refused;
use crate::install::ensure_postgres;
use crate::outcome::Report;
use crate::output::{Event, What, Whole};
use crate::session::Session;
use clap::ValueEnum as _;
use seatrial_permissions::{Judgement, Record};
use seatrial_project::LOCAL_ENVIRONMENT;
use serde_json::Value;

use play::{Script, play};
use stage::{Folder, Stage, Wanted};
use verdict::Verdict;

/// What all of it is called where it is told of.
const SUBJECT: &str = "rehearse";

pub(crate) async fn run(
    session: &Session,
    globals: &Globals,
    args: &RehearseArgs,
) -> anyhow::Result<Report<Verdict>> {
    // What is told to be typed leads to the local cloud, never to an account, whichever environment is the default.
    let session = &Session { environment: Some(LOCAL_ENVIRONMENT.to_owned()), ..session.clone() };
    let mut verdict = Verdict::default();
    let mut errors = Vec::new();
    match prepare(session, globals, args) {
        Ok((root, folder)) => {
            let whole = Whole { prefix: String::new(), count: 0, expected: None };
            let _shown = session.printer.together(SUBJECT, whole);
            errors.extend(rehearse_in(folder, session, &root, args, &mut verdict).await);
        }
        Err(error) => errors.push(error),
    }
    Ok(verdict.concluded(session, errors))
}

/// What is to be rehearsed, and where.
fn prepare(session: &Session, globals: &Globals, args: &RehearseArgs) -> anyhow::Result<(PathBuf, Folder)> {
    if let Some(name) = globals.environment.as_deref().filter(|name| *name != LOCAL_ENVIRONMENT) {
        let refused = format!("a rehearsal is in environment `{LOCAL_ENVIRONMENT}`, not in `{name}`");
        let hint = format!("`--like {name}` rehearses what `{name}` has, without its account");
        return Err(Refused::new(refused).hint(hint).into());
    }
    let globals = Globals { environment: Some(environment(args).to_owned()), ..globals.clone() };
    ensure_postgres(session, args.install_missing)?;
    let root = find_root()?;
    // Refused before anything is started; what is rehearsed is read from the commit.
    load_environment(&root, &globals)?;
    ReportFile::wanted(args.report.as_deref())?;
    Ok((root, Folder::make()?))
}

/// The environment that is rehearsed.
fn environment(args: &RehearseArgs) -> &str {
    args.like.as_deref().unwrap_or(LOCAL_ENVIRONMENT)
}

/// In a folder that is removed whatever happens in it; answers everything that went wrong.
async fn rehearse_in(
    folder: Folder,
    session: &Session,
    root: &Path,
    args: &RehearseArgs,
    verdict: &mut Verdict,
) -> Vec<anyhow::Error> {
    let migrates = args.scenario.contains(&Scenario::BadMigration);
    let wanted = Wanted { root, environment: environment(args), migrates };
    let stage = Stage::build(session, &wanted, &folder).await;
    let mut errors = match &stage {
        Ok(stage) => show(session, (stage, root), args, verdict).await,
        Err(_) => Vec::new(),
    };
    // Also after an interruption: nothing is left running that was not asked for.
    let left = match &stage {
        Ok(stage) if args.keep && !session.cancel.is_cancelled() => folder.keep(stage, session),
        _ => folder.clear(session).await,
    };
    errors.extend(stage.err());
    errors.extend(left.err());
    errors
}

/// With its page open, where that is wanted, and the report of it in the end, whichever that is.
async fn show(
    session: &Session,
    (stage, root): (&Stage, &Path),
    args: &RehearseArgs,
    verdict: &mut Verdict,
) -> Vec<anyhow::Error> {
    if args.open {
        stage.open(session).await;
    }
    let rehearsed = rehearse(session, (stage, root), args, verdict).await;
    let mut errors = rehearsed.unwrap_or_else(|error| vec![error]);
    let told = verdict.told(session, Some(errors.is_empty()));
    match ReportFile::wanted(args.report.as_deref()) {
        Ok(Some(file)) => errors.extend(write(stage, &told, &file).await.err()),
        Ok(None) => stage.tell(session, &told).await,
        Err(refused) => errors.push(refused.into()),
    }
    errors
}

async fn write(stage: &Stage, told: &Value, file: &ReportFile) -> anyhow::Result<()> {
    file.write(stage.page(told).await?)
}

/// Answers why the stacks or the first release did not come about.
async fn rehearse(
    session: &Session,
    (stage, root): (&Stage, &Path),
    args: &RehearseArgs,
    verdict: &mut Verdict,
) -> anyhow::Result<Vec<anyhow::Error>> {
    let connection = Some(stage.connection.clone());
    // Each part calls as the command that it stands for: what that needs is then known.
    let as_command = async |name: &str| {
        let session = Session { command_name: name.to_owned(), ..session.clone() };
        let (root, environment) = (stage.project.clone(), stage.environment.clone());
        Ctx::with_connection(&session, root, environment, connection.clone()).await
    };
    let Report { fields: provisioned, errors } = provision_all(&as_command("provision").await?).await?;
    verdict.begin(provisioned, stage);
    let played = match errors.is_empty() {
        true => play_all(&as_command("release").await?, stage, args, verdict).await,
        false => Ok(()),
    };
    let complete = errors.is_empty() && played.is_ok() && verdict.has_replaced();
    verdict.permissions(session, keep_permissions((stage, root), args, complete).await);
    played?;
    stage.tell(session, &verdict.told(session, None)).await;
    if errors.is_empty() {
        verdict.look_at_image(&as_command("rehearse").await?).await?;
    }
    Ok(errors)
}

/// What the roles did, also where it was not enough.
async fn keep_permissions(
    (stage, root): (&Stage, &Path),
    args: &RehearseArgs,
    complete: bool,
) -> anyhow::Result<(Record, Judgement)> {
    let name = |scenario: &Scenario| scenario.to_possible_value().map(|named| named.get_name().to_owned());
    let scenarios = scenarios(args).iter().filter_map(name).collect();
    let place = (root, &stage.environment);
    permissions::keep(&stage.connection, place, (&stage.project, scenarios, complete)).await
}

fn scenarios(args: &RehearseArgs) -> &[Scenario] {
    if args.scenario.is_empty() { &[Scenario::Deploy, Scenario::Unhealthy] } else { &args.scenario }
}

async fn play_all(
    ctx: &Ctx,
    stage: &Stage,
    args: &RehearseArgs,
    verdict: &mut Verdict,
) -> anyhow::Result<()> {
    let place = Place::of(&Deployed::read(ctx).await?)?;
    let scripts: Vec<Script> = scenarios(args).iter().flat_map(|scenario| Script::of(*scenario)).collect();
    // Before the first is played: what cannot be played is not found out after minutes.
    scripts.iter().try_for_each(|script| script.check(ctx))?;
    let count = scripts.len();
    for (index, script) in scripts.into_iter().enumerate() {
        let began = Instant::now();
        let state = format!("scenario `{}`, {} of {count}", script.name(), index + 1);
        ctx.printer().tell(Event::new(None, SUBJECT, What::State(state)));
        let (release, expectation) = play(ctx, stage, &place, (script, args.rate)).await?;
        let took = began.elapsed().as_secs_f64();
        ctx.printer().event(SUBJECT, format_args!("scenario `{}` took {took:.1} s", release.scenario));
        verdict.add(release, expectation);
        stage.tell(&ctx.session, &verdict.told(&ctx.session, None)).await;
    }
    Ok(())
}

async fn provision_all(ctx: &Ctx) -> anyhow::Result<Report<Provisioned>> {
    let began = Instant::now();
    let consent = Consent { yes: true, dry_run: false };
    let args = ProvisionArgs { consent, ..ProvisionArgs::default() };
    let graph = graph::read(&ctx.root, &ctx.environment)?;
    let provisioned = provision::provision(ctx, &graph, &args).await?;
    let took = began.elapsed().as_secs_f64();
    ctx.printer().event(SUBJECT, format_args!("provisioning and the first release took {took:.1} s"));
    Ok(provisioned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::{Format, Printer};

    #[tokio::test]
    async fn what_went_wrong_and_what_could_not_be_removed_are_both_told() {
        let (root, folder) = (tempfile::tempdir().unwrap(), Folder::make().unwrap());
        std::fs::create_dir(root.path().join("infra")).unwrap();
        let project = "project: web\nsource: {repository: o/n}\nenvironments: {local: {}}\n";
        std::fs::write(root.path().join("infra/project.yml"), project).unwrap();
        let blocked = folder.data_dir();
        std::fs::write(&blocked, "no folder").unwrap();
        let session = Session::new(Printer::new(Format::Text), "cargo xtask");
        let args = RehearseArgs { rate: 1, ..RehearseArgs::default() };
        let mut verdict = Verdict::default();

        let errors = rehearse_in(folder, &session, root.path(), &args, &mut verdict).await;

        let told: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert!(told[0].contains("is not writable"), "{told:?}");
        assert!(told[1].ends_with("is left behind"), "{told:?}");
        std::fs::remove_dir_all(blocked.parent().unwrap()).unwrap();
    }
}
