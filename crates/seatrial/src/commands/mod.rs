//! One file a command, and the one list of them.

mod alarms;
mod at_once;
mod breaking;
mod build_image;
mod change;
pub(crate) mod check;
mod creation;
mod deployed;
mod destroy;
mod dns_record;
mod dockerfile;
mod doctor;
mod drift;
mod explain;
mod generate;
mod graph;
mod init;
mod installed;
mod large_template;
mod learned;
mod local;
mod logs;
pub(crate) mod permissions;
mod provision;
mod rehearse;
mod release;
mod released;
mod remedy;
mod report;
mod rollback;
mod run;
mod scaling;
mod status;
mod timeline;
mod undeletable;
mod update;
mod whole_file;
mod workflow;

use crate::cli::{Cli, Command, Globals};
use crate::context::Ctx;
use crate::exit::ExitStatus;
use crate::outcome::{Report, conclude};
use crate::plan::resource_name::ResourceName;
use crate::session::{Resume, Session};

pub use check::{Check, Checking};

/// Runs what was typed and prints its outcome. `own` are the checks that the project adds. The largest futures are boxed:
/// this one holds room for whichever command it is, on the stack of whoever waits for it.
pub(crate) async fn run(session: &Session, cli: Cli, own: &[Check]) -> ExitStatus {
    let globals = cli.globals;
    match cli.command {
        Command::Init(args) => conclude(session, init::run(session, &args).await),
        Command::Update(args) => conclude(session, update::run(session, &args)),
        Command::Provision(args) => {
            conclude(session, Box::pin(provision::run(session, &globals, &args)).await)
        }
        Command::Diff(args) => {
            let report = Box::pin(provision::diff(session, &globals, &args)).await;
            let changes = report.as_ref().is_ok_and(|report| report.fields.has_changes());
            match conclude(session, report) {
                ExitStatus::Done if changes && args.exit_code => ExitStatus::Changes,
                status => status,
            }
        }
        Command::Generate(args) => conclude(session, generate::run(session, &args)),
        Command::BuildImage(args) => conclude(session, build_image::run(session, &globals, &args).await),
        Command::Release(args) => {
            let release = async |ctx: &Ctx| release::run(ctx, &args).await;
            conclude(session, Box::pin(connected(session, &globals, release)).await)
        }
        Command::Rollback(args) => {
            let back = async |ctx: &Ctx| rollback::run(ctx, &args).await;
            conclude(session, Box::pin(connected(session, &globals, back)).await)
        }
        Command::Explain(args) => {
            let explain = async |ctx: &Ctx| explain::run(ctx, &args).await;
            conclude(session, Box::pin(connected(session, &globals, explain)).await)
        }
        Command::Logs(args) => {
            let logs = async |ctx: &Ctx| logs::run(ctx, &args).await;
            conclude(session, Box::pin(connected(session, &globals, logs)).await)
        }
        Command::Run(args) => {
            let run = async |ctx: &Ctx| run::run(ctx, &args).await;
            conclude(session, Box::pin(connected(session, &globals, run)).await)
        }
        Command::Status(args) => {
            let status = async |ctx: &Ctx| status::run(ctx, &args).await;
            let read = Box::pin(connected(session, &globals, status)).await;
            conclude(session, read)
        }
        Command::Destroy(args) => {
            let destroy = async |ctx: &Ctx| destroy::run(ctx, &globals, &args).await;
            conclude(session, Box::pin(connected(session, &globals, destroy)).await)
        }
        Command::Local(command) => conclude(session, local::run(session, &globals, command).await),
        Command::Rehearse(args) => conclude(session, Box::pin(rehearse::run(session, &globals, &args)).await),
        Command::Permissions(args) => conclude(session, permissions::run(session, &globals, &args).await),
        Command::Check(args) => conclude(session, check::run(session, &args, own).await),
        Command::Doctor => conclude(session, doctor::run(session, &globals).await),
        Command::Graph(args) => conclude(session, graph::run(&globals, &args)),
    }
}

async fn connected<F>(
    session: &Session,
    globals: &Globals,
    run: impl AsyncFnOnce(&Ctx) -> anyhow::Result<Report<F>>,
) -> anyhow::Result<Report<F>> {
    let ctx = Ctx::connect(session, globals).await?;
    run(&ctx).await
}

/// The command that goes on with what a command started in AWS: with what it was allowed, and where it went.
pub(crate) fn resume(session: &Session, command: &Command) -> Option<Resume> {
    let named = |flag: &str, names: &[ResourceName]| -> String {
        names.iter().map(|name| format!(" {flag} {name}")).collect()
    };
    let (words, agreed) = match command {
        Command::Provision(args) => {
            let replace = named("--allow-replace", &args.allow_replace);
            let skip = named("--skip-resource", &args.skip_resource);
            let retain = named("--retain-resource", &args.retain_resource);
            let stop = if args.allow_interruption { " --allow-interruption" } else { "" };
            let repair = if args.repair_traffic { " --repair-traffic" } else { "" };
            let image = if args.local_image { " --local-image" } else { "" };
            (format!("provision{replace}{skip}{retain}{stop}{repair}{image}"), args.consent.yes)
        }
        Command::Release(args) => {
            let revision =
                args.revision.as_ref().map(|name| format!(" --revision {name}")).unwrap_or_default();
            let ignore = if args.ignore_alarms { " --ignore-alarms" } else { "" };
            (format!("release{revision}{ignore}"), false)
        }
        Command::Destroy(args) => {
            let retain = named("--retain-resource", &args.retain_resource);
            (format!("destroy{retain}"), args.consent.yes)
        }
        _ => return None,
    };
    let yes = if agreed { " --yes" } else { "" };
    Some(Resume { agreed: session.command(&format!("{words}{yes}")), asked: session.command(&words) })
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::output::{Format, Printer};

    fn resumed(typed: &str) -> Option<Resume> {
        let cli = Cli::try_parse_from(typed.split(' ')).unwrap();
        let mut session = Session::new(Printer::new(Format::Text), "cargo xtask");
        session.environment = cli.globals.environment;
        resume(&session, &cli.command)
    }

    #[test]
    fn what_goes_on_is_the_same_command_in_the_same_environment_with_what_it_was_allowed() {
        let cases = [
            ("xtask provision -e production", Some("cargo xtask provision --environment production")),
            (
                "xtask --environment=staging release --again",
                Some("cargo xtask release --environment staging"),
            ),
            ("xtask release --revision v2 --timeout 5m", Some("cargo xtask release --revision v2")),
            ("xtask release --ignore-alarms", Some("cargo xtask release --ignore-alarms")),
            ("xtask destroy -e a", Some("cargo xtask destroy --environment a")),
            (
                "xtask provision --allow-replace a.A --local-image --allow-replace b.B --skip-resource c.C",
                Some(
                    "cargo xtask provision --allow-replace a.A --allow-replace b.B --skip-resource c.C --local-image",
                ),
            ),
            ("xtask destroy --retain-resource a.A", Some("cargo xtask destroy --retain-resource a.A")),
            // The default environment is found again without a name.
            ("xtask release", Some("cargo xtask release")),
            ("xtask status -e production", None),
            ("xtask rehearse", None),
        ];
        for (typed, expected) in cases {
            let resumed = resumed(typed);
            assert_eq!(resumed.as_ref().map(|resume| resume.agreed.as_str()), expected, "{typed}");
            assert_eq!(resumed.as_ref().map(|resume| resume.asked.as_str()), expected, "{typed}");
        }
        let yes = resumed("xtask provision --yes -e a").unwrap();
        assert_eq!(yes.agreed, "cargo xtask provision --yes --environment a");
        assert_eq!(yes.asked, "cargo xtask provision --environment a");
    }
}
