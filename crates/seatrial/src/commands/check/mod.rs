//! `cargo xtask check`: everything that must be true of a commit, in the order in which it fails fastest.
//!
//! Changes nothing but `target/`; with `--install-missing` it installs a Postgres server and skopeo by the system's
//! package manager, and cfn-lint and the AWS CLI from PyPI into a virtual environment under `target/`.

mod arrows;
mod install;
mod rules;

use std::fmt;
use std::path::Path;
use std::time::Instant;

use anyhow::Context as _;
use serde::Serialize;
use xshell::{Cmd, cmd};

pub(crate) use install::ensure_postgres;

use crate::cli::CheckArgs;
use crate::context::find_root;
use crate::exit::{ExitStatus, Refused};
use crate::output::Printer;
use crate::process::shell;

/// The crates that share one set of features with the SDK. Built together with the app, the app's TLS library
/// would compile every SDK crate once more.
const TOOL: [&str; 10] = [
    "-p",
    "xtask",
    "-p",
    "seatrial",
    "-p",
    "seatrial-local",
    "-p",
    "seatrial-template",
    "-p",
    "seatrial-image",
];
const APP: [&str; 2] = ["-p", "app"];

pub(crate) fn run(printer: Printer, args: CheckArgs) -> anyhow::Result<ExitStatus> {
    let root = find_root()?;
    ensure_postgres(&printer, args.install_missing)?;
    install::ensure_skopeo(&printer, args.install_missing)?;
    let python = install::python_tools(&root, &printer, args.install_missing)?;
    let mut report = Report { passed: true, steps: Vec::new() };
    for step in steps(&root, &python)? {
        let started = Instant::now();
        printer.event("check", format_args!("{} ...", step.name));
        let result = (step.run)();
        let seconds = (started.elapsed().as_secs_f64() * 10.0).round() / 10.0;
        let passed = result.is_ok();
        match result {
            Ok(()) => printer.event("check", format_args!("{} passed in {seconds} s", step.name)),
            Err(error) => printer.error(&error.context(format!("check `{}` failed", step.name))),
        }
        report.steps.push(StepResult { name: step.name, passed, seconds });
        report.passed &= passed;
    }
    printer.result(&report)?;
    Ok(if report.passed { ExitStatus::Done } else { ExitStatus::Unexpected })
}

#[derive(Serialize)]
struct Report {
    passed: bool,
    steps: Vec<StepResult>,
}

#[derive(Serialize)]
struct StepResult {
    name: &'static str,
    passed: bool,
    seconds: f64,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.steps {
            let verdict = if step.passed { "passed" } else { "FAILED" };
            writeln!(f, "{verdict} {:>7.1} s  {}", step.seconds, step.name)?;
        }
        write!(f, "{}", if self.passed { "all checks passed" } else { "some checks FAILED" })
    }
}

struct Step<'a> {
    name: &'static str,
    run: Box<dyn Fn() -> anyhow::Result<()> + 'a>,
}

fn steps<'a>(root: &'a Path, python: &'a Path) -> anyhow::Result<Vec<Step<'a>>> {
    let sh = shell(root)?;
    let cargo = move |arguments: &[&str]| -> anyhow::Result<()> {
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
        Ok(shell(root)?.cmd(cargo).args(arguments).run()?)
    };
    let both = move |command: &[&str], rest: &[&str]| -> anyhow::Result<()> {
        cargo(&[command, &TOOL, rest].concat())?;
        cargo(&[command, &APP, rest].concat())
    };
    let step = |name, run: Box<dyn Fn() -> anyhow::Result<()> + 'a>| Step { name, run };
    Ok(vec![
        step("format", Box::new(move || cargo(&["fmt", "--all", "--check"]))),
        step("house rules", Box::new(move || rules::check(root))),
        step("arrows between modules", Box::new(move || arrows::check(root))),
        step("generated files", Box::new(move || super::generate::check(root))),
        step("cfn-lint", Box::new(move || cfn_lint(&sh, python))),
        step("clippy", Box::new(move || both(&["clippy", "--all-targets"], &["--", "-D", "warnings"]))),
        step("tests", Box::new(move || both(&["test", "--no-fail-fast"], &[]))),
        step("documentation", Box::new(move || documentation(root))),
    ])
}

/// Private items too: that is where most of the documentation is.
fn documentation(root: &Path) -> anyhow::Result<()> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    for packages in [&TOOL[..], &APP[..]] {
        let sh = shell(root)?;
        let command: Cmd<'_> =
            sh.cmd(&cargo).args(["doc", "--no-deps", "--document-private-items"]).args(packages);
        command.env("RUSTDOCFLAGS", "-D warnings").run()?;
    }
    Ok(())
}

/// Errors, warnings and informational findings: there are none.
fn cfn_lint(sh: &xshell::Shell, python: &Path) -> anyhow::Result<()> {
    let lint = python.join("cfn-lint");
    let templates = sh.read_dir("infra/stacks")?;
    let output = cmd!(sh, "{lint} --include-checks I -- {templates...}").ignore_status().output();
    let output = output.context("failed to run cfn-lint")?;
    let findings = String::from_utf8_lossy(&output.stdout);
    if output.status.success() && findings.trim().is_empty() {
        return Ok(());
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    Err(Refused::new(format!("cfn-lint reports:\n{}{}", findings.trim_end(), errors.trim_end())).into())
}
