//! One file a command.

mod build_image;
mod check;
mod deployed;
mod destroy;
mod generate;
mod graph;
mod local;
mod provision;
mod rehearse;
mod release;
mod status;

use crate::cli::{Cli, Command};
use crate::exit::ExitStatus;
use crate::output::Printer;

/// Runs what was typed, until it ends or the user interrupts it.
pub(crate) async fn run(cli: Cli, printer: Printer) -> anyhow::Result<ExitStatus> {
    let resume = resumes_with(&cli.command);
    let serving = matches!(cli.command, Command::Local(crate::cli::LocalCommand::Serve(_)));
    let command = dispatch(cli, printer.clone());
    if serving {
        return command.await;
    }
    tokio::select! {
        result = command => result,
        interrupted = tokio::signal::ctrl_c() => {
            interrupted?;
            printer.note(format_args!("interrupted; {resume}"));
            Ok(ExitStatus::Interrupted)
        }
    }
}

async fn dispatch(cli: Cli, printer: Printer) -> anyhow::Result<ExitStatus> {
    let globals = cli.globals;
    match cli.command {
        Command::Provision(args) => provision::run(globals, printer, args).await,
        Command::Generate(args) => generate::run(globals, printer, args),
        Command::BuildImage(args) => build_image::run(globals, printer, args).await,
        Command::Release(args) => release::run(globals, printer, args).await,
        Command::Status => status::run(globals, printer).await,
        Command::Destroy(args) => destroy::run(globals, printer, args).await,
        Command::Local(command) => local::run(globals, printer, command).await,
        Command::Rehearse(args) => rehearse::run(globals, printer, args).await,
        Command::Check(args) => check::run(printer, args),
        Command::Graph => graph::run(globals, printer),
    }
}

/// What to say when a command is interrupted or its deadline passes: work that was started goes on.
fn resumes_with(command: &Command) -> &'static str {
    match command {
        Command::Provision(_) => "what was started goes on; `cargo xtask provision` joins it",
        Command::Release(_) => "what was started goes on; `cargo xtask release` joins it",
        Command::Destroy(_) => "what was started goes on; `cargo xtask destroy` joins it",
        _ => "nothing is left running",
    }
}
