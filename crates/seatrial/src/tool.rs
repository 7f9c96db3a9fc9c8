//! The door through which a project runs this tool and adds to it.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory as _, FromArgMatches as _};
use tokio::sync::oneshot;

use crate::cli::{Cli, Globals};
use crate::commands::{self, Check};
use crate::exit::{ExitStatus, Interrupted};
use crate::interrupt::Signals;
use crate::outcome::{self, conclude};
use crate::output::{Format, Printer};
use crate::session::Session;

type Run = Box<dyn Fn(&ArgMatches) -> ExitStatus>;

/// A command of the project's own.
struct Own {
    command: clap::Command,
    run: Run,
}

/// The command line `cargo xtask`, with what a project adds to it.
pub struct Tool {
    program: &'static str,
    own: Vec<Own>,
    checks: Vec<Check>,
}

impl Default for Tool {
    fn default() -> Self {
        Self::new()
    }
}

impl Tool {
    /// The tool as it is.
    pub fn new() -> Self {
        Self { program: "cargo xtask", own: Vec::new(), checks: Vec::new() }
    }

    /// The tool under another name than `cargo xtask`: hints then tell what to type by that name.
    #[must_use]
    pub fn called(mut self, program: &'static str) -> Self {
        self.program = program;
        self
    }

    /// Adds a command. It may not have the name of one that is there.
    #[must_use]
    pub fn command(
        mut self,
        command: clap::Command,
        run: impl Fn(&ArgMatches) -> ExitStatus + 'static,
    ) -> Self {
        self.own.push(Own { command, run: Box::new(run) });
        self
    }

    /// Adds a step to `check`, which runs it after its own.
    #[must_use]
    pub fn check(mut self, check: Check) -> Self {
        self.checks.push(check);
        self
    }

    /// Runs what was typed.
    pub fn main(self) -> ExitCode {
        let arguments = std::env::args_os();
        ExitCode::from(self.run(arguments).code())
    }

    /// Runs `arguments`, the program's name first: for a project whose own command line hands over what is ours.
    pub fn run(self, arguments: impl IntoIterator<Item = OsString>) -> ExitStatus {
        let arguments: Vec<OsString> = arguments.into_iter().collect();
        let command = Cli::command().name(self.program).bin_name(self.program);
        let command = self.own.iter().fold(command, |command, own| command.subcommand(own.command.clone()));
        let matches = match command.try_get_matches_from(&arguments) {
            Ok(matches) => matches,
            Err(error) => return not_understood(&error, &arguments),
        };
        if let Some((name, matches)) = matches.subcommand()
            && let Some(own) = self.own.iter().find(|own| own.command.get_name() == name)
        {
            return (own.run)(matches);
        }
        match command_line(&matches) {
            Ok(cli) => run(cli, &self.checks, self.program),
            Err(error) => not_understood(&error, &arguments),
        }
    }
}

fn command_line(matches: &ArgMatches) -> Result<Cli, clap::Error> {
    let mut cli = Cli::from_arg_matches(matches)?;
    cli.globals.environment_typed =
        matches.value_source(Globals::ENVIRONMENT) == Some(ValueSource::CommandLine);
    Ok(cli)
}

/// Help and version are answers; anything else is exit code 2, and an object where one was asked for.
fn not_understood(error: &clap::Error, arguments: &[OsString]) -> ExitStatus {
    // Nothing can be said when both streams are gone.
    let _ = error.print();
    if !error.use_stderr() {
        return ExitStatus::Done;
    }
    let wants_json = arguments.windows(2).any(|pair| pair[0] == "--output" && pair[1] == "json")
        || arguments.iter().any(|argument| argument == "--output=json");
    if wants_json {
        let text = error.render().to_string();
        // What is wrong, before the usage and hints.
        let lines = text.lines().take_while(|line| !line.trim().is_empty()).map(str::trim);
        let message = lines.collect::<Vec<_>>().join(" ");
        let message = message.strip_prefix("error: ").unwrap_or(&message).to_owned();
        // A reader that is gone wants no object.
        let _ = outcome::not_understood(&Printer::new(Format::Json), message);
    }
    ExitStatus::Usage
}

fn run(cli: Cli, checks: &[Check], program: &'static str) -> ExitStatus {
    let mut session = Session::new(Printer::new(cli.globals.output), program);
    session.environment.clone_from(&cli.globals.environment);
    session.resume = commands::resume(&session, &cli.command);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            session.printer.note(format_args!("error: failed to start: {error}"));
            session.printer.flush();
            return ExitStatus::Unexpected;
        }
    };
    let serves = cli.is_daemon();
    let status = runtime.block_on(async {
        let command = commands::run(&session, cli, checks);
        if serves {
            // The local cloud ends by its own rules.
            return command.await;
        }
        match Signals::take() {
            Ok(signals) => {
                let (insists, insisted) = oneshot::channel();
                tokio::spawn(signals.watch(session.clone(), insists));
                tokio::select! {
                    status = command => status,
                    Ok(()) = insisted => conclude::<&str>(&session, Err(Interrupted.into())),
                }
            }
            Err(_) => command.await,
        }
    });
    // Whatever still blocks a thread, as a probe that waits for an answer may, is nobody's business any more.
    runtime.shutdown_background();
    status
}
