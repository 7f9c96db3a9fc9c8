//! The results as tables of Markdown, with what was asked of them.

use std::fmt::Write as _;
use std::time::Duration;

use super::chains::{LENGTH, RESOURCES};
use super::place::{AWS_CLI, CDK, SCEPTRE, TIME_SCALE};
use super::results::{Compared, Grown, Own, Results, Times};
use super::tools::{TOOLS, Tool};

/// Between these the results stand in `docs/benchmarks.md`.
pub(super) const BEGIN: &str = "<!-- written by `cargo xtask bench provision --write` -->\n";
pub(super) const END: &str = "<!-- end -->\n";

pub(super) fn report(results: &Results) -> String {
    let mut text = String::new();
    let processors = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let build = if cfg!(debug_assertions) { "dev" } else { "release" };
    let _ = writeln!(
        text,
        "Against {AWS_CLI}, {SCEPTRE} and {}; {processors} processors; ours in profile `{build}`, with cargo in front; \
         time scale {TIME_SCALE}. Times in seconds.\n",
        CDK[..2].join(" with ")
    );
    for compared in &results.compared {
        chains(&mut text, compared);
    }
    if let Some(own) = &results.own {
        eleven(&mut text, own);
    }
    growth(&mut text, &results.grown);
    text
}

fn seconds(time: Duration) -> String {
    format!("{:.2}", time.as_secs_f64())
}

fn ratio(one: Duration, other: Duration) -> f64 {
    one.as_secs_f64() / other.as_secs_f64().max(0.001)
}

/// Whether what was asked is so.
fn verdict(holds: bool) -> &'static str {
    if holds { "met" } else { "**missed**" }
}

fn chains(text: &mut String, compared: &Compared) {
    let stacks = compared.stacks;
    let _ = writeln!(
        text,
        "### {stacks} stacks of {RESOURCES} resources, in {} chains of {LENGTH}\n\n\
         | | fresh | × ours | no-op | × ours | one line changed | × ours |\n|---|--:|--:|--:|--:|--:|--:|",
        stacks / LENGTH
    );
    let times = |tool: Tool| compared.times.get(&tool).and_then(|times| times.as_ref().ok()).copied();
    let ours = times(Tool::Ours);
    for tool in TOOLS {
        match compared.times.get(&tool) {
            Some(Ok(Times { fresh, no_op, change })) => {
                let times = |time: Duration, of: fn(&Times) -> Duration| {
                    ours.map_or_else(|| "-".to_owned(), |ours| format!("{:.1}", ratio(time, of(&ours))))
                };
                let _ = writeln!(
                    text,
                    "| {} | {} | {} | {} | {} | {} | {} |",
                    tool.shown(),
                    seconds(*fresh),
                    times(*fresh, |ours| ours.fresh),
                    seconds(*no_op),
                    times(*no_op, |ours| ours.no_op),
                    seconds(*change),
                    times(*change, |ours| ours.change)
                );
            }
            Some(Err(error)) => {
                let why = error.lines().last().unwrap_or_default();
                let _ = writeln!(text, "| {} | could not be run: {why} | | | | | |", tool.shown());
            }
            None => {}
        }
    }
    let path = compared.critical_path;
    let _ = writeln!(text, "| critical path | {} | | | | | |\n", seconds(path));
    let (Some(ours), Some(by_loop)) = (ours, times(Tool::Loop)) else { return };
    let peers: Vec<Times> = [Tool::Sceptre, Tool::Cdk].into_iter().filter_map(times).collect();
    let better = |of: fn(&Times) -> Duration| peers.iter().map(of).min();
    let fresh = ratio(by_loop.fresh, ours.fresh);
    let _ = writeln!(
        text,
        "- Fresh: {:.2} times the critical path; the loop takes {fresh:.1} times as long (asked: 3): {}.",
        ratio(ours.fresh, path),
        verdict(fresh >= 3.0)
    );
    let no_op = ratio(by_loop.no_op, ours.no_op);
    let _ = writeln!(
        text,
        "- No-op: the loop takes {no_op:.1} times as long (asked: 12): {}.",
        verdict(no_op >= 12.0)
    );
    if let (Some(fresh), Some(no_op)) = (better(|times| times.fresh), better(|times| times.no_op)) {
        let installed = compared.without_cargo;
        let _ = writeln!(
            text,
            "- Installed, without cargo in front: {} s for a no-op; the better of Sceptre and CDK takes {:.1} times as long.",
            seconds(installed),
            ratio(no_op, installed)
        );
        let (fresh, no_op) = (ratio(fresh, ours.fresh), ratio(no_op, ours.no_op));
        let _ = writeln!(
            text,
            "- The better of Sceptre and CDK takes {no_op:.1} times as long for a no-op (asked: 3): {}; and {fresh:.1} \
             times as long fresh, of at most {:.1}: they, too, do in parallel what needs nothing of each other.\n",
            verdict(no_op >= 3.0),
            fresh * ratio(ours.fresh, path)
        );
    }
}

fn eleven(text: &mut String, own: &Own) {
    let over = ratio(own.fresh, own.critical_path);
    let no_op = ratio(own.no_op_by_loop, own.no_op);
    let _ = writeln!(
        text,
        "### The eleven stacks of the sample application\n\n\
         | | fresh | no-op |\n|---|--:|--:|\n\
         | `cargo xtask provision` | {} | {} |\n\
         | loop of `aws cloudformation deploy` | {} | {} |\n\
         | critical path | {} | |\n\
         | all in a row | {} | |\n\n\
         - Fresh, until the stacks are done: {over:.2} times the critical path, in which the image's build takes {} \
         (asked: 1.10): {}.\n\
         - The loop takes {:.1} times as long. A loop that lost no time of its own would take {:.1} times the critical \
         path, which bounds what order alone can win.\n\
         - No-op: the loop takes {no_op:.1} times as long (asked: 12): {}.\n",
        seconds(own.fresh),
        seconds(own.no_op),
        seconds(own.by_loop),
        seconds(own.no_op_by_loop),
        seconds(own.critical_path),
        seconds(own.in_turn),
        seconds(own.image_build),
        verdict(over <= 1.1),
        ratio(own.by_loop, own.fresh),
        ratio(own.in_turn, own.critical_path),
        verdict(no_op >= 12.0)
    );
}

fn growth(text: &mut String, grown: &[Grown]) {
    let Some(first) = grown.first() else { return };
    text.push_str(
        "### Ours alone, on an empty local cloud\n\n\
         | stacks | resources | fresh | peak MiB | no-op | peak MiB |\n|--:|--:|--:|--:|--:|--:|\n",
    );
    let mebibytes = |kib: Option<u64>| kib.map_or_else(|| "-".to_owned(), |kib| (kib / 1024).to_string());
    for Grown { stacks, fresh, no_op, no_op_kib } in grown {
        let _ = writeln!(
            text,
            "| {stacks} | {} | {} | {} | {} | {} |",
            stacks * RESOURCES,
            seconds(fresh.took),
            mebibytes(fresh.peak_kib),
            seconds(*no_op),
            mebibytes(*no_op_kib)
        );
    }
    for more in grown.iter().skip(1) {
        let factor = more.stacks as f64 / first.stacks.max(1) as f64;
        let memory = |one: &Grown| one.fresh.peak_kib.max(one.no_op_kib).unwrap_or_default() as f64;
        let grows = [
            ratio(more.fresh.took, first.fresh.took),
            ratio(more.no_op, first.no_op),
            memory(more) / memory(first).max(1.0),
        ];
        let _ = writeln!(
            text,
            "\n{} times the stacks: {:.1} times the time fresh, {:.1} times for a no-op, {:.1} times the memory (asked: \
             no more than {factor:.0}): {}.",
            factor as u64,
            grows[0],
            grows[1],
            grows[2],
            verdict(grows.iter().all(|grown| *grown <= factor))
        );
    }
}
