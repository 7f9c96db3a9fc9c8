//! `cargo xtask soak in-a-row`: one release after another, each of a commit that changes one line, under load. Each one is
//! live in the end, no request fails, and what the local cloud holds of the machine does not grow.

use std::time::{Duration, Instant};

use seatrial::Running;

use super::footprint::Footprint;
use super::scratch::Scratch;
use super::stage::{LOCAL, Stage, pause};
use super::traffic::{ask, last_lines, object};
use crate::load::{Figures, Load};

/// Before the first figures are taken: caches are filled, pools have their connections.
const WARM_UP: u64 = 2;
/// What a release started ends a moment after it.
const SETTLING: Duration = Duration::from_secs(30);
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
    let target = stage.target(rate, None)?;
    let address = target.address.clone();
    let load = Load::start(target)?;
    let (mut findings, mut before) = (0, Footprint::default());
    for number in 1..=WARM_UP + rounds {
        stage.scratch.change_a_line(number)?;
        let begun = Instant::now();
        let output = stage.run(&["release"])?;
        let took = begun.elapsed().as_secs_f64();
        let is_warm = number > WARM_UP;
        let shown =
            if is_warm { format!("release {}", number - WARM_UP) } else { format!("warm-up {number}") };
        if !output.status.success() {
            findings += 1;
            running.say(format_args!(
                "FINDING: {shown} ended with {}: {}",
                output.status,
                last_lines(&output)
            ));
        }
        let page = ask(&address).unwrap_or_default();
        if !page.contains(&Scratch::line(number)) {
            findings += 1;
            running.say(format_args!("FINDING: {shown} is not live"));
        }
        let now = settled(running, stage, &before)?;
        let sent = &object(&output)["requests"]["sent"];
        running.say(format_args!(
            "{shown}: {took:.1} s, {} failed so far, the tool's probe sent {sent}; {now}",
            load.failed()
        ));
        if number == WARM_UP {
            before = now;
        }
    }
    let after = settled(running, stage, &before)?;
    let figures = Figures::of(&load.finish());
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
    let Figures { sent, failed, slow, slow_failed, failures, .. } = &figures;
    running.say(format_args!("{sent} requests, {failed} failed; {slow} slow ones, {slow_failed} failed"));
    let mut found = after.leaked_since(&before);
    if failed + slow_failed > 0 {
        found.push(format!("requests failed: {}", failures.join("; ")));
    }
    found.extend(stage.disorder()?);
    found.iter().for_each(|one| running.say(format_args!("FINDING: {one}")));
    Ok(findings + found.len())
}

/// The figures once they are no more than before, or have had time to be so.
fn settled(running: &Running<'_>, stage: &Stage<'_>, before: &Footprint) -> Result<Footprint, String> {
    let until = Instant::now() + SETTLING;
    loop {
        let now = Footprint::of(stage);
        if *before == Footprint::default() || now.leaked_since(before).is_empty() || Instant::now() > until {
            return Ok(now);
        }
        pause(running, LOOK)?;
    }
}
