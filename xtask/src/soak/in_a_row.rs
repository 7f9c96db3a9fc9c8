//! `cargo xtask soak in-a-row`: one release after another, each of a commit that changes one line, under load. Each one is
//! live in the end, no request fails, and what the local cloud holds of the machine does not grow.

use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use seatrial::Running;

use super::footprint::Footprint;
use super::scratch::Scratch;
use super::stage::{LOCAL, Stage, pause};
use super::traffic::{ask, last_lines, object};
use crate::load::{Figures, Load};

/// Before the first figures are taken: caches are filled, pools have their connections.
const WARM_UP: u64 = 2;
/// What a release or a user has left ends a moment after it.
const SETTLING: Duration = Duration::from_secs(30);
const AFTER: Duration = Duration::from_secs(10);
/// How often that is looked at.
const LOOK: Duration = Duration::from_millis(500);

/// Plays so many releases; answers how many findings there were.
pub(super) fn play(running: &Running<'_>, rounds: u64, rate: u32) -> Result<usize, String> {
    let scratch = Scratch::make(running)?;
    running.say(format_args!("{rounds} releases, {rate} requests a second, in {}", scratch.path().display()));
    let played = Stage::begin(&scratch, LOCAL, None).and_then(|stage| {
        stage.provision()?;
        releases(running, &stage, (rounds, rate))
    });
    // Whatever came of it.
    scratch.reset(running);
    played
}

fn releases(running: &Running<'_>, stage: &Stage<'_>, (rounds, rate): (u64, u32)) -> Result<usize, String> {
    // Users keep connections, more of them the longer an answer once took: what is compared is without users.
    let row = Row { running, stage, rate };
    let mut findings = row.play(1..=WARM_UP)?.len();
    pause(running, AFTER)?;
    let before = Footprint::of(stage);
    let found = row.play(WARM_UP + 1..=WARM_UP + rounds)?;
    findings += found.len();
    let after = settled(running, stage, &before)?;
    running.say(format_args!("before: {before}"));
    running.say(format_args!("after:  {after}"));
    for (folder, (number, bytes)) in &after.files {
        let (then, bytes_then) = before.files.get(folder).copied().unwrap_or_default();
        if (then, bytes_then) != (*number, *bytes) {
            running.say(format_args!(
                "  {folder}: {then} files of {bytes_then} bytes, then {number} of {bytes}"
            ));
        }
    }
    let mut found = after.leaked_since(&before);
    found.extend(stage.disorder()?);
    found.iter().for_each(|one| running.say(format_args!("FINDING: {one}")));
    Ok(findings + found.len())
}

/// Releases under load.
struct Row<'a> {
    running: &'a Running<'a>,
    stage: &'a Stage<'a>,
    rate: u32,
}

impl Row<'_> {
    /// Answers what was found.
    fn play(&self, numbers: RangeInclusive<u64>) -> Result<Vec<String>, String> {
        let Self { running, stage, rate } = self;
        let target = stage.target(*rate, None)?;
        let address = target.address.clone();
        let load = Load::start(target)?;
        let mut findings = Vec::new();
        for number in numbers {
            stage.scratch.change_a_line(number)?;
            let begun = Instant::now();
            let output = stage.run(&["release"])?;
            let took = begun.elapsed().as_secs_f64();
            if !output.status.success() {
                findings.push(format!(
                    "release {number} ended with {}: {}",
                    output.status,
                    last_lines(&output)
                ));
            }
            if !ask(&address).unwrap_or_default().contains(&Scratch::line(number)) {
                findings.push(format!("release {number} is not live"));
            }
            let sent = &object(&output)["requests"]["sent"];
            running.say(format_args!(
                "release {number}: {took:.1} s, the tool's probe sent {sent}, {} of all requests failed so far; {}",
                load.failed(),
                Footprint::of(stage)
            ));
            if running.is_interrupted() {
                return Err("interrupted".to_owned());
            }
        }
        let figures = Figures::of(&load.finish());
        let Figures { sent, failed, slow, slow_failed, failures, .. } = &figures;
        running.say(format_args!("{sent} requests, {failed} failed; {slow} slow ones, {slow_failed} failed"));
        if failed + slow_failed > 0 {
            findings.push(format!("requests failed: {}", failures.join("; ")));
        }
        findings.iter().for_each(|one| running.say(format_args!("FINDING: {one}")));
        Ok(findings)
    }
}

/// The figures once they are no more than before, or have had time to be so.
fn settled(running: &Running<'_>, stage: &Stage<'_>, before: &Footprint) -> Result<Footprint, String> {
    let until = Instant::now() + SETTLING;
    loop {
        let now = Footprint::of(stage);
        if now.leaked_since(before).is_empty() || Instant::now() > until {
            return Ok(now);
        }
        pause(running, LOOK)?;
    }
}
