//! A container as a plain process, where this machine has no namespaces for it.

use std::path::PathBuf;

use nix::sys::signal::Signal;
use tokio::sync::mpsc;

use super::contained;
use super::executable::Found;
use super::spoiled;
use crate::fault::FaultKind;
use crate::runtime::lines::Line;
use crate::runtime::process::Spec;

/// Says something, waits, and becomes a program or ends.
const BEFORE: &str = "[ -z \"$1\" ] || echo \"$1\"; sleep \"$2\"; shift 2; exec \"$@\"";

/// What a process is besides its program.
pub(super) struct Rest {
    pub key: String,
    pub env: Vec<(String, String)>,
    pub dir: PathBuf,
    pub output: mpsc::Sender<Line>,
}

/// The process that runs the program that was found, or what a fault makes of it.
pub(super) fn spec(
    (command, args): (&str, &[String]),
    found: &Found,
    fault: Option<FaultKind>,
    rest: Rest,
) -> Spec {
    let mut program = contained::program(command, args, found);
    if let Some(fault) = fault {
        program = spoiled::contained(fault, program);
    }
    let file = match found {
        Found::Runs { file, .. } => file.clone(),
        Found::EndsAtOnce(_) => PathBuf::new(),
    };
    let (file, args) = match (program.says, program.runs) {
        (None, Ok(_)) => (file, args.to_vec()),
        (says, runs) => {
            let words = ["-c", BEFORE, "sh"].map(str::to_owned).into_iter();
            let words = words.chain([says.unwrap_or_default(), program.sleeps.to_string()]);
            let then = match runs {
                Ok(_) => [vec![file.to_string_lossy().into_owned()], args.to_vec()].concat(),
                Err(code) => vec!["/bin/sh".to_owned(), "-c".to_owned(), format!("exit {code}")],
            };
            (PathBuf::from("/bin/sh"), words.chain(then).collect())
        }
    };
    let Rest { key, env, dir, output } = rest;
    Spec {
        key,
        program: file,
        args,
        env,
        dir,
        user: None,
        on_parent_death: Signal::SIGKILL,
        input: None,
        output,
    }
}
