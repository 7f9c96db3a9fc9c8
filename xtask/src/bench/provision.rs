//! `cargo xtask bench provision`: what is measured, in which order.

use std::collections::BTreeMap;
use std::time::Duration;

use seatrial::Running;

use super::chains::{Chains, LENGTH, Link};
use super::measure::median;
use super::own;
use super::path::{creations, of_template};
use super::place::{LATENCIES, Place, TIME_SCALE};
use super::report::report;
use super::results::{Compared, Grown, Results, Times};
use super::tools::{TOOLS, Tool, installed};

/// Stacks that all tools make.
const COMPARED: [usize; 2] = [50, 10];
/// Stacks that ours alone makes.
const GROWING: [usize; 3] = [10, 50, 200];
/// Runs of a no-op of each tool, in turns.
const TURNS: u32 = 3;

/// Measures the parts that are asked for: `chains`, `growth`, `own`; tells what there is after each.
pub(super) fn measure(running: &Running<'_>, asked: impl Fn(&str) -> bool) -> Result<Results, String> {
    let mut place = Place::make(running)?;
    place.install_peers()?;
    let mut results = Results::default();
    if asked("own") {
        results.own = Some(own::measure(&mut place, &creations(LATENCIES)?)?);
        running.say(report(&results));
    }
    if asked("growth") {
        for count in GROWING {
            place.start_afresh()?;
            results.grown.push(grow(&place, count)?);
        }
        running.say(report(&results));
    }
    if asked("chains") {
        for count in COMPARED {
            place.start_afresh()?;
            results.compared.push(compare(&place, count)?);
            running.say(report(&results));
        }
    }
    place.stop()?;
    Ok(results)
}

fn compare(place: &Place<'_>, count: usize) -> Result<Compared, String> {
    let chains = Chains::write(place, count)?;
    let mut fresh = BTreeMap::new();
    for tool in TOOLS {
        // One that cannot be run leaves the others their figures.
        let made = tool.deploy(place, (&chains, "fresh"), true);
        if let Err(error) = &made {
            place.running.say(error);
        }
        fresh.insert(tool, made.map(|made| made.took));
    }
    let mut no_ops: BTreeMap<Tool, Vec<Duration>> = BTreeMap::new();
    let mut without_cargo = Vec::new();
    for turn in 1..=TURNS {
        without_cargo.push(installed(place, &chains, turn)?);
        for tool in TOOLS.into_iter().filter(|tool| fresh.get(tool).is_some_and(Result::is_ok)) {
            let ran = tool.deploy(place, (&chains, &format!("no-op-{turn}")), false)?;
            no_ops.entry(tool).or_default().push(ran.took);
        }
    }
    chains.change(60)?;
    let mut times = BTreeMap::new();
    for (tool, fresh) in fresh {
        let no_op = median(no_ops.remove(&tool).unwrap_or_default());
        let took = match fresh {
            Ok(fresh) => {
                let change = tool.deploy(place, (&chains, "change"), false)?.took;
                Ok(Times { fresh, no_op, change })
            }
            Err(error) => Err(error),
        };
        times.insert(tool, took);
    }
    let without_cargo = median(without_cargo);
    Ok(Compared { stacks: count, critical_path: critical_path()?, without_cargo, times })
}

fn critical_path() -> Result<Duration, String> {
    let creations = creations(LATENCIES)?;
    let mut seconds = 0.0;
    for step in 1..=LENGTH {
        let template = Link { chain: 1, step }.template(30);
        let all = template.lines().filter_map(|line| line.strip_prefix("  ")?.split_once(':'));
        let ids = all.map(|(id, _)| id.to_owned()).collect();
        seconds += of_template(&template, &ids, &creations)?;
    }
    Ok(Duration::from_secs_f64(seconds / f64::from(TIME_SCALE)))
}

fn grow(place: &Place<'_>, count: usize) -> Result<Grown, String> {
    let chains = Chains::write(place, count)?;
    let fresh = Tool::Ours.deploy(place, (&chains, "alone-fresh"), true)?;
    let mut no_ops = Vec::new();
    let mut no_op_kib = None;
    for turn in 1..=TURNS {
        let ran = Tool::Ours.deploy(place, (&chains, &format!("alone-no-op-{turn}")), false)?;
        no_op_kib = ran.peak_kib.max(no_op_kib);
        no_ops.push(ran.took);
    }
    Ok(Grown { stacks: count, fresh, no_op: median(no_ops), no_op_kib })
}
