//! What a project's own commands and checks work with: the run that they are part of.

use std::fmt::Display;
use std::panic::AssertUnwindSafe;
use std::process::{Command, ExitStatus, Output};

use crate::install::{self, Package};
use crate::process;
use crate::session::Session;

/// Runs what is the project's own: a panic of it is an error, for there is an outcome to be told.
///
/// # Errors
/// The panic.
pub(crate) fn unless_it_panics<T>(run: impl FnOnce() -> T) -> anyhow::Result<T> {
    std::panic::catch_unwind(AssertUnwindSafe(run)).map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        anyhow::anyhow!("it panicked: {}", text.unwrap_or("without a word"))
    })
}

/// One run of the tool.
pub struct Running<'a> {
    session: &'a Session,
}

impl<'a> Running<'a> {
    pub(crate) fn new(session: &'a Session) -> Self {
        Self { session }
    }

    /// Runs a program that asks nothing to its end; what it prints is progress. It has a process group of its own, and
    /// all of that ends when the run is to end.
    ///
    /// # Errors
    /// A program that cannot be started, or was ended.
    pub fn run(&self, command: Command) -> Result<ExitStatus, String> {
        process::run_blocking(self.session, command.into()).map_err(|error| format!("{error:#}"))
    }

    /// The same, and answers what the program prints.
    ///
    /// # Errors
    /// As [`Running::run`].
    pub fn output(&self, command: Command) -> Result<Output, String> {
        process::output_blocking(self.session, command.into()).map_err(|error| format!("{error:#}"))
    }

    /// Makes sure that a program is there: installed if told to, else an error that says how.
    ///
    /// # Errors
    /// A program that is missing and is not to be installed, or cannot be.
    pub fn needs(&self, package: &Package, install: bool) -> Result<(), String> {
        install::ensure_program(self.session, install, package).map_err(|error| format!("{error:#}"))
    }

    /// Whether the run is to end, by a signal: whatever waits otherwise than by a program asks now and then.
    pub fn is_interrupted(&self) -> bool {
        self.session.cancel.is_cancelled()
    }

    /// A line of progress.
    pub fn say(&self, text: impl Display) {
        self.session.printer.note(text);
    }

    /// Notes that something was changed, in AWS or in the checkout: the outcome says so.
    pub fn changes(&self) {
        self.session.changes.note();
    }
}
