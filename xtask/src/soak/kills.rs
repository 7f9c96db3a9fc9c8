//! `cargo xtask soak kills`: `kill -9` at a random moment of a fresh provisioning, of an update and of a destroy of this
//! repository's own project. The next run ends where the first would have, and leaves nothing that no stack holds.
//!
//! The local cloud is AWS to an environment with an account, for in `local` a destroy is the end of the cloud itself.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use fastrand::Rng;
use seatrial::Running;
use serde_json::Value;

use super::interrupts::wait;
use super::leftovers::processes;
use super::records::Records;
use super::scratch::Scratch;
use super::stage::{SOAK, Stage};
use super::traffic::{EDITS, answers, last_lines, object};

const POLL: Duration = Duration::from_millis(20);
/// What was killed needs a moment to be gone.
const SETTLING: Duration = Duration::from_secs(10);

/// What is killed, in the order in which one round follows another.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Subject {
    Provision,
    Update,
    Destroy,
}

const SUBJECTS: [Subject; 3] = [Subject::Provision, Subject::Update, Subject::Destroy];

impl Subject {
    fn arguments(self) -> [&'static str; 2] {
        [if self == Self::Destroy { "destroy" } else { "provision" }, "--yes"]
    }
}

/// Plays the rounds, each one moment; answers how many findings there were.
pub(super) fn play(running: &Running<'_>, rounds: u64, seed: u64) -> Result<usize, String> {
    let scratch = Scratch::make(running)?;
    running.say(format_args!("seed {seed}, {rounds} rounds, in {}", scratch.path().display()));
    let played = Life::begin(&scratch).and_then(|life| life.play(running, rounds, seed));
    // Whatever came of it.
    scratch.reset(running);
    played
}

/// An environment with its cloud, and what it is like when nobody was killed.
struct Life<'a> {
    stage: Stage<'a>,
    /// How long each command takes, in the order of [`SUBJECTS`].
    lengths: [Duration; 3],
    reference: Standing,
}

/// An environment that stands.
#[derive(Debug, Clone, PartialEq)]
struct Standing {
    /// Without what differs from one creation to the next.
    outputs: BTreeMap<String, String>,
    held: BTreeMap<String, usize>,
    stacks: Vec<String>,
}

impl<'a> Life<'a> {
    /// Starts the cloud, and plays a life that nobody ends: it shows where a killed one should come to, and how long
    /// each command takes once the image is built.
    fn begin(scratch: &'a Scratch) -> Result<Self, String> {
        let stage = Stage::begin(scratch, SOAK, None)?;
        // The build reads the project from the commit.
        stage.set("")?;
        scratch.commit("Add an environment")?;
        let reference = Standing { outputs: BTreeMap::new(), held: BTreeMap::new(), stacks: Vec::new() };
        let mut life = Self { stage, lengths: [Duration::ZERO; 3], reference };
        for subject in
            [Subject::Provision, Subject::Destroy, Subject::Provision, Subject::Update, Subject::Destroy]
        {
            let begun = Instant::now();
            let output = life.run(subject)?;
            life.lengths[subject as usize] = begun.elapsed();
            if !output.status.success() {
                return Err(format!("an undisturbed {subject:?} failed: {}", last_lines(&output)));
            }
            if subject == Subject::Provision {
                life.reference = life.standing(&output);
            }
        }
        Ok(life)
    }

    fn play(&self, running: &Running<'_>, rounds: u64, seed: u64) -> Result<usize, String> {
        let mut random = Rng::with_seed(seed);
        let mut findings = 0;
        for (number, subject) in (1..=rounds).zip(SUBJECTS.into_iter().cycle()) {
            let length = self.lengths[subject as usize];
            let moment = length.mul_f64(random.f64());
            let before = object(&self.status()?);
            let ended = self.kill(subject, moment)?;
            let found = self.judge(subject, &before)?;
            running.say(format_args!(
                "round {number}: {subject:?} {} after {:.2} of {:.2} s: {} findings",
                if ended { "ended" } else { "was killed" },
                moment.as_secs_f64(),
                length.as_secs_f64(),
                found.len()
            ));
            found.iter().for_each(|one| running.say(format_args!("FINDING in round {number}: {one}")));
            findings += found.len();
            if running.is_interrupted() {
                return Err("interrupted".to_owned());
            }
        }
        Ok(findings)
    }

    /// Lets a command run for so long, then ends it as a power cut would; answers whether it had ended by then. An
    /// update first writes each of its edits the other way.
    fn kill(&self, subject: Subject, moment: Duration) -> Result<bool, String> {
        let told = |error: std::io::Error| format!("failed to run {subject:?}: {error}");
        if subject == Subject::Update {
            self.edit()?;
        }
        let mut command = self.stage.command(&subject.arguments());
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().map_err(told)?;
        if wait(&mut child, moment, || false).map_err(told)?.is_some() {
            return Ok(true);
        }
        child.kill().map_err(told)?;
        child.wait().map_err(told)?;
        Ok(false)
    }

    /// Runs a command to its end.
    fn run(&self, subject: Subject) -> Result<Output, String> {
        if subject == Subject::Update {
            self.edit()?;
        }
        self.run_again(subject)
    }

    fn run_again(&self, subject: Subject) -> Result<Output, String> {
        self.stage.run(&subject.arguments())
    }

    /// Writes the templates that the traffic depends on each in the other of its two ways.
    fn edit(&self) -> Result<(), String> {
        for edit in &EDITS {
            let path: PathBuf =
                self.stage.scratch.checkout().join(format!("infra/stacks/{}.yml", edit.stack));
            let text =
                fs::read_to_string(&path).map_err(|error| format!("failed to read a template: {error}"))?;
            let [from, to] =
                if text.contains(edit.ways[0]) { edit.ways } else { [edit.ways[1], edit.ways[0]] };
            fs::write(&path, text.replace(from, to))
                .map_err(|error| format!("failed to write a template: {error}"))?;
        }
        Ok(())
    }

    fn records(&self) -> Records {
        self.stage.records()
    }

    fn status(&self) -> Result<Output, String> {
        self.stage.run(&["status"])
    }

    fn standing(&self, provisioned: &Output) -> Standing {
        let outputs = object(provisioned)["outputs"].take();
        let outputs = outputs.as_object().into_iter().flatten();
        let records = self.records();
        Standing {
            outputs: outputs
                .map(|(name, value)| (name.clone(), lasting(value.as_str().unwrap_or_default())))
                .collect(),
            held: records.held(),
            stacks: records.stacks().into_keys().collect(),
        }
    }

    /// Runs the killed command once more, and looks where that has come to.
    fn judge(&self, subject: Subject, before: &Value) -> Result<Vec<String>, String> {
        let output = self.run_again(subject)?;
        let mut findings = Vec::new();
        if !output.status.success() {
            findings.push(format!("the next run ended with {}: {}", output.status, last_lines(&output)));
        }
        let records = self.records();
        findings.extend(records.left_over());
        if subject == Subject::Destroy {
            let stacks = records.stacks();
            if !stacks.is_empty() || !records.resources().is_empty() {
                findings.push(format!("left: {stacks:?}, {:?}", records.resources()));
            }
            findings.extend(self.processes());
            return Ok(findings);
        }
        let standing = self.standing(&output);
        if standing != self.reference {
            findings.push(format!("it came to {standing:?}, expected {:?}", self.reference));
        }
        let unfinished = |status: &String| !["CREATE_COMPLETE", "UPDATE_COMPLETE"].contains(&status.as_str());
        findings.extend(
            records.stacks().iter().filter(|(_, status)| unfinished(status)).map(|one| format!("{one:?}")),
        );
        let status = object(&self.status()?);
        if status["astray"].as_array().is_none_or(|astray| !astray.is_empty()) {
            findings.push(format!("rules disagree with the primary task set: {}", status["astray"]));
        }
        let url = object(&output)["outputs"]["Url"].as_str().unwrap_or_default().to_owned();
        if subject == Subject::Update && status["url"] != before["url"] {
            findings.push(format!("the URL was {}, now {}", before["url"], status["url"]));
        }
        if !answers(url.trim_start_matches("http://")).unwrap_or_default() {
            findings.push(format!("{url} does not answer"));
        }
        let again = self.run_again(subject)?;
        if !again.status.success() || object(&again)["changed"] != false {
            findings.push(format!("once more there was something to change: {}", last_lines(&again)));
        }
        Ok(findings)
    }

    /// What still runs besides the local cloud itself.
    fn processes(&self) -> Vec<String> {
        let until = Instant::now() + SETTLING;
        loop {
            let mut left = processes(self.stage.scratch.path());
            left.retain(|(pid, _)| *pid != self.stage.pid());
            if left.is_empty() || Instant::now() > until {
                return left.into_iter().map(|(pid, line)| format!("left running: {pid} {line}")).collect();
            }
            std::thread::sleep(POLL);
        }
    }
}

/// An output without the parts that differ from one creation to the next: generated ids, ports, a secret's ending.
fn lasting(value: &str) -> String {
    let value = if value.contains(":secretsmanager:") {
        value.rsplit_once('-').map_or(value, |(head, _)| head)
    } else {
        value
    };
    let parts = value.split_inclusive(|letter: char| !letter.is_ascii_alphanumeric());
    let generated = |word: &str| {
        let is_hexadecimal = word.len() >= 8 && word.chars().all(|letter| letter.is_ascii_hexdigit());
        is_hexadecimal || word.len() >= 4 && word.chars().all(|letter| letter.is_ascii_digit())
    };
    let shown = parts.map(|part| {
        let word = part.trim_end_matches(|letter: char| !letter.is_ascii_alphanumeric());
        if generated(word) { part.replacen(word, "*", 1) } else { part.to_owned() }
    });
    shown.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_generated_is_no_part_of_what_lasts() {
        let group = "arn:aws:elasticloadbalancing:eu-central-1:000000000000:targetgroup/myapp-BlueTarge-0685A5188F8B/393efaa8547c06ba";
        assert_eq!(
            lasting(group),
            "arn:aws:elasticloadbalancing:eu-central-1:*:targetgroup/myapp-BlueTarge-*/*"
        );
        assert_eq!(lasting("http://127.0.0.1:26046"), "http://127.0.0.1:*");
        assert_eq!(
            lasting("arn:aws:secretsmanager:x:1:secret:a-tgSXIZ"),
            "arn:aws:secretsmanager:x:1:secret:a"
        );
        assert_eq!(lasting("myapp-local"), "myapp-local");
    }
}
