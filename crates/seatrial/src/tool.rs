//! The door through which a project runs this tool and adds to it.

use std::ffi::OsString;
use std::fmt;
use std::process::ExitCode;

use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory as _, FromArgMatches as _};
use serde::Serialize;

use crate::cli::{Cli, Globals};
use crate::commands::{self, Check};
use crate::exit::{ExitStatus, Interrupted};
use crate::interrupt::Signals;
use crate::outcome::{self, Report, conclude};
use crate::output::{Format, Printer};
use crate::running::{Running, unless_it_panics};
use crate::session::Session;

type Run = Box<dyn Fn(&Running<'_>, &ArgMatches) -> Result<(), String>>;

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

    /// Adds a command. It may not have the name of one that is there. It is ended as the others are, and its outcome is
    /// the object that theirs is, without fields of its own: what `run` answers as an error is printed, and the exit code
    /// is 1, or 130 after a signal. Standard output is the outcome's; progress is for [`Running::say`].
    #[must_use]
    pub fn command(
        mut self,
        command: clap::Command,
        run: impl Fn(&Running<'_>, &ArgMatches) -> Result<(), String> + 'static,
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
        // Before anything else: it must be a process with one thread.
        if seatrial_local::serve_as_task_agent() {
            return ExitStatus::Done;
        }
        let arguments: Vec<OsString> = arguments.into_iter().collect();
        let command = Cli::command().name(self.program).bin_name(self.program);
        if let Some(twice) = self.name_that_is_taken(&command) {
            let session = Session::new(Printer::new(format_of(&arguments)), self.program);
            let taken =
                anyhow::anyhow!("the project's own command `{twice}` has the name of one that is there");
            return conclude::<NoFields>(&session, Err(taken));
        }
        let command = self.own.iter().fold(command, |command, own| command.subcommand(own.command.clone()));
        let matches = match command.try_get_matches_from(&arguments) {
            Ok(matches) => matches,
            Err(error) => return not_understood(&error, &arguments),
        };
        if let Some((name, matches)) = matches.subcommand()
            && let Some(own) = self.own.iter().find(|own| own.command.get_name() == name)
        {
            let format = matches.get_one::<Format>(Globals::OUTPUT).copied().unwrap_or_default();
            return run_own(own, matches, format, self.program);
        }
        match command_line(&matches) {
            Ok(cli) => {
                let name = matches.subcommand_name().unwrap_or_default();
                run(cli, name, &self.checks, self.program)
            }
            Err(error) => not_understood(&error, &arguments),
        }
    }

    /// clap only finds it where it is built to look for mistakes, and then by a panic.
    fn name_that_is_taken(&self, command: &clap::Command) -> Option<&str> {
        let names = |command: &clap::Command| {
            let names = std::iter::once(command.get_name()).chain(command.get_all_aliases());
            names.map(str::to_owned).collect::<Vec<_>>()
        };
        let mut taken: Vec<String> = command.get_subcommands().flat_map(names).collect();
        // clap's own.
        taken.push("help".to_owned());
        self.own.iter().map(|own| &own.command).find_map(|own| {
            let is_taken = names(own).iter().any(|name| taken.contains(name));
            taken.extend(names(own));
            is_taken.then(|| own.get_name())
        })
    }
}

fn command_line(matches: &ArgMatches) -> Result<Cli, clap::Error> {
    let mut cli = Cli::from_arg_matches(matches)?;
    cli.globals.environment_typed =
        matches.value_source(Globals::ENVIRONMENT) == Some(ValueSource::CommandLine);
    // A variable that is empty says nothing.
    if !cli.globals.environment_typed {
        cli.globals.environment = cli.globals.environment.filter(|name| !name.is_empty());
    }
    Ok(cli)
}

/// Help and version are answers; anything else is exit code 2, and an object where one was asked for.
fn not_understood(error: &clap::Error, arguments: &[OsString]) -> ExitStatus {
    // Nothing can be said when both streams are gone.
    let _ = error.print();
    if !error.use_stderr() {
        return ExitStatus::Done;
    }
    if format_of(arguments) == Format::Json {
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

/// The format that was asked for, of a command line that was not understood.
fn format_of(arguments: &[OsString]) -> Format {
    let wants_json = arguments.windows(2).any(|pair| pair[0] == "--output" && pair[1] == "json")
        || arguments.iter().any(|argument| argument == "--output=json");
    if wants_json { Format::Json } else { Format::Text }
}

fn run(cli: Cli, name: &str, checks: &[Check], program: &'static str) -> ExitStatus {
    let mut session = Session::new(Printer::with(cli.globals.output, cli.manner()), program);
    session.environment.clone_from(&cli.globals.environment);
    session.command_name = name.to_owned();
    session.resume = commands::resume(&session, &cli.command);
    let serves = cli.is_daemon();
    let command = commands::run(&session, cli, checks);
    match serves {
        // The local cloud ends by its own rules.
        true => on_a_runtime(&session, command),
        false => on_a_runtime(&session, under_signals(&session, command)),
    }
}

fn run_own(own: &Own, matches: &ArgMatches, format: Format, program: &'static str) -> ExitStatus {
    let session = Session::new(Printer::new(format), program);
    let command = async {
        let run = || unless_it_panics(|| (own.run)(&Running::new(&session), matches));
        let ended = tokio::task::block_in_place(run);
        let ended = ended.and_then(|ended| ended.map_err(anyhow::Error::msg));
        let ended = ended.map_err(|why| session.cancelled_or(why));
        conclude(&session, ended.map(|()| Report::done(NoFields {})))
    };
    on_a_runtime(&session, under_signals(&session, command))
}

/// The outcome of a command of the project's own has none.
#[derive(Serialize)]
struct NoFields {}

impl fmt::Display for NoFields {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

fn on_a_runtime(session: &Session, command: impl Future<Output = ExitStatus>) -> ExitStatus {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            session.printer.note(format_args!("error: failed to start: {error}"));
            session.printer.flush();
            return ExitStatus::Unexpected;
        }
    };
    let status = runtime.block_on(command);
    // Whatever still blocks a thread, as a probe that waits for an answer may, is nobody's business any more.
    runtime.shutdown_background();
    status
}

/// The first signal asks the command to end, the second leaves it.
async fn under_signals(session: &Session, command: impl Future<Output = ExitStatus>) -> ExitStatus {
    let Ok(signals) = Signals::take() else { return command.await };
    tokio::spawn(signals.watch(session.clone()));
    tokio::select! {
        status = command => status,
        () = session.cancel.insisted() => conclude::<NoFields>(session, Err(Interrupted.into())),
    }
}
