//! `cargo xtask soak operators`: two people, each with a command of their own, begun at random moments: a release, a
//! provisioning, the way back. Each one's is done, joins the other's, or is refused with the other's named; production
//! answers throughout, and in the end every rule sends all traffic to the primary task set.

use std::fs;
use std::process::Output;
use std::time::Duration;

use fastrand::Rng;
use seatrial::Running;

use super::scratch::Scratch;
use super::stage::{LOCAL, Stage, pause};
use super::traffic::{EDITS, last_lines, object};
use crate::load::{Figures, Load};

/// So late the second one begins at the latest, in milliseconds: a release takes seconds.
const LATEST: u64 = 7_000;
/// What ends with a command may meet a request a moment later.
const AFTER: Duration = Duration::from_secs(1);

/// What one of them does.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Command {
    Release,
    Provision,
    Rollback,
}

impl Command {
    const ALL: [Self; 3] = [Self::Release, Self::Provision, Self::Rollback];

    fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Release => &["release", "--again"],
            Self::Provision => &["provision", "--yes"],
            Self::Rollback => &["rollback", "--yes"],
        }
    }
}

/// Two commands, all of it by the seed and the round's number.
struct Round {
    number: u64,
    /// Each with the moment at which it begins.
    commands: [(Command, Duration); 2],
    /// What a provisioning finds to do.
    edit: usize,
}

impl Round {
    fn of(seed: u64, number: u64) -> Self {
        let mut random = Rng::with_seed(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(number));
        let mut command = |latest: u64| {
            let command = Command::ALL[random.usize(..Command::ALL.len())];
            (command, Duration::from_millis(random.u64(..=latest)))
        };
        let commands = [command(0), command(LATEST)];
        Self { number, commands, edit: random.usize(..EDITS.len()) }
    }
}

/// Plays the rounds from `first` on; answers how many findings there were.
pub(super) fn play(
    running: &Running<'_>,
    (first, rounds): (u64, u64),
    (seed, rate): (u64, u32),
) -> Result<usize, String> {
    let scratch = Scratch::make(running)?;
    running.say(format_args!(
        "seed {seed}, rounds {first} to {}, in {}",
        first + rounds - 1,
        scratch.path().display()
    ));
    let played = Stage::begin(&scratch, LOCAL, None).and_then(|stage| {
        stage.provision()?;
        // So that there is a way back.
        stage.run(&["release", "--again"])?;
        let mut findings = 0;
        for number in first..first + rounds {
            let round = Round::of(seed, number);
            let found = round.play(running, &stage, rate)?;
            found.iter().for_each(|one| running.say(format_args!("FINDING in round {number}: {one}")));
            findings += found.len();
        }
        Ok(findings)
    });
    // Whatever came of it.
    scratch.reset(running);
    played
}

impl Round {
    fn play(&self, running: &Running<'_>, stage: &Stage<'_>, rate: u32) -> Result<Vec<String>, String> {
        if self.commands.iter().any(|(command, _)| *command == Command::Provision) {
            self.edit(stage)?;
        }
        let load = Load::start(stage.target(rate, None)?)?;
        let [one, other] = std::thread::scope(|scope| {
            self.commands
                .map(|(command, after)| {
                    scope.spawn(move || {
                        std::thread::sleep(after);
                        stage.run(command.arguments())
                    })
                })
                .map(|operator| operator.join().unwrap_or_else(|_| Err("it panicked".to_owned())))
        });
        pause(running, AFTER)?;
        let figures = Figures::of(&load.finish());
        let ended = [one?, other?];
        let mut findings = Vec::new();
        let mut shown = Vec::new();
        for (number, output) in ended.iter().enumerate() {
            let (command, after) = self.commands[number];
            let (others, _) = self.commands[1 - number];
            let how = how(command, output);
            shown.push(format!("{command:?} after {:.1} s {how}", after.as_secs_f64()));
            findings.extend(judge((command, output), (others, &ended[1 - number])));
        }
        let Figures { sent, failed, slow, slow_failed, failures, .. } = &figures;
        if failed + slow_failed > 0 || *sent == 0 {
            let met = failures.join("; ");
            findings
                .push(format!("{failed} of {sent} and {slow_failed} of {slow} slow requests failed: {met}"));
        }
        findings.extend(stage.disorder()?);
        running.say(format_args!(
            "round {}: {}: {sent} and {slow} requests, {} failed",
            self.number,
            shown.join(", "),
            failed + slow_failed
        ));
        Ok(findings)
    }

    fn edit(&self, stage: &Stage<'_>) -> Result<(), String> {
        let edit = &EDITS[self.edit];
        let path = stage.scratch.checkout().join(format!("infra/stacks/{}.yml", edit.stack));
        let told = |error: std::io::Error| format!("failed to edit `{}`: {error}", edit.stack);
        let text = fs::read_to_string(&path).map_err(told)?;
        let [from, to] = if text.contains(edit.ways[0]) { edit.ways } else { [edit.ways[1], edit.ways[0]] };
        fs::write(&path, text.replace(from, to)).map_err(told)
    }
}

/// In a word.
fn how(command: Command, output: &Output) -> String {
    let told = object(output);
    match output.status.code() {
        Some(0) if says_joined(command, output) => "joined".to_owned(),
        Some(0) => "was done".to_owned(),
        Some(3) => format!("was refused ({})", last_line(output)),
        code => {
            format!("ended with {code:?} ({})", told["explanation"]["cause"].as_str().unwrap_or("no cause"))
        }
    }
}

fn says_joined(command: Command, output: &Output) -> bool {
    let stderr = String::from_utf8_lossy(&output.stderr);
    match command {
        Command::Release => stderr.contains("is being released: following execution"),
        Command::Rollback => object(output)["step"] == "join",
        Command::Provision => false,
    }
}

fn last_line(output: &Output) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr);
    let error = stderr.lines().find(|line| line.contains("error: "));
    error.unwrap_or_default().trim().to_owned()
}

/// What is wrong with how a command ended, beside the other's.
fn judge((command, output): (Command, &Output), (other, others): (Command, &Output)) -> Option<String> {
    let finding = |why: &str| Some(format!("{command:?} beside {other:?} {why}: {}", last_lines(output)));
    let told = object(output);
    let words = format!("{}{told}", String::from_utf8_lossy(&output.stderr));
    // What the other one does is known by its deployment's or execution's id, or as what holds a stack or the pipeline.
    let ids = object(others);
    let ids =
        ["deployment_id", "rollback_deployment_id", "pipeline_execution_id"].map(|name| ids[name].clone());
    let names_it = ids.iter().filter_map(|id| id.as_str()).any(|id| words.contains(id))
        || other == Command::Provision && (words.contains("provision") || words.contains("stack"));
    match output.status.code() {
        Some(0) => None,
        // The way back stops what runs: that is what it is for.
        Some(4) if command != Command::Provision && other == Command::Rollback => {
            let stopped = words.contains("stopped") || names_it;
            if stopped { None } else { finding("does not say that it was stopped") }
        }
        Some(3 | 4) if names_it => None,
        Some(3 | 4) => finding("does not name what the other one does"),
        _ => finding("ended as no command should"),
    }
}
