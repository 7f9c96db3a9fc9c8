//! `cargo xtask soak traffic`: edits of the stacks that carry production, most of which fail at a random resource, with
//! releases at random moments. Production answers throughout, and at the end of each round every rule sends all traffic to
//! the primary task set.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Output;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use fastrand::Rng;
use seatrial::Running;
use serde_json::Value;

use super::scratch::Scratch;

/// So late in a round a release begins at the latest, in milliseconds.
const LATEST: u64 = 8_000;
/// Between two requests.
const PAUSE: Duration = Duration::from_millis(10);

/// A place in a template that can be written in two ways, neither of which moves traffic.
pub(super) struct Edit {
    pub(super) stack: &'static str,
    pub(super) ways: [&'static str; 2],
}

pub(super) const EDITS: [Edit; 7] = [
    Edit { stack: "load-balancer", ways: ["Value: defensive", "Value: strictest"] },
    Edit { stack: "load-balancer", ways: ["UnhealthyThresholdCount: 3", "UnhealthyThresholdCount: 4"] },
    Edit { stack: "load-balancer", ways: ["Priority: 50000", "Priority: 49000"] },
    Edit { stack: "service", ways: ["EvaluationPeriods: 3", "EvaluationPeriods: 2"] },
    Edit { stack: "service", ways: ["ScaleInCooldown: 300", "ScaleInCooldown: 301"] },
    Edit { stack: "deployment", ways: ["IgnorePollAlarmFailure: false", "IgnorePollAlarmFailure: true"] },
    Edit { stack: "deployment", ways: ["Replaces task sets", "Changes task sets"] },
];

/// What one round does, all of it by the seed and the round's number: any round can be the first of a run.
struct Round {
    number: u64,
    edit: usize,
    /// After which resource, counted from the template's first, another cannot be made; `None`: the edit succeeds.
    breaks_after: Option<usize>,
    /// When a release begins, if one does.
    release: Option<Duration>,
}

impl Round {
    fn of(seed: u64, number: u64) -> Self {
        let mut random = Rng::with_seed(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(number));
        let edit = random.usize(..EDITS.len());
        let breaks_after = (random.u8(..10) < 7).then(|| random.usize(..64));
        let release = (random.u8(..10) < 7).then(|| Duration::from_millis(random.u64(..LATEST)));
        Self { number, edit, breaks_after, release }
    }
}

/// Plays the rounds from `first` on; answers how many findings there were.
pub(super) fn play(running: &Running<'_>, (first, rounds): (u64, u64), seed: u64) -> Result<usize, String> {
    let scratch = Scratch::make(running)?;
    running.say(format_args!(
        "seed {seed}, rounds {first} to {}, in {}",
        first + rounds - 1,
        scratch.path().display()
    ));
    let played = Production::of(&scratch).and_then(|production| {
        let mut findings = 0;
        for number in first..first + rounds {
            let found = production.play(running, &Round::of(seed, number))?;
            findings += found.len();
            found
                .iter()
                .for_each(|finding| running.say(format_args!("FINDING in round {number}: {finding}")));
        }
        Ok(findings)
    });
    // Whatever came of it.
    scratch.reset(running);
    played
}

/// A provisioned environment under load.
struct Production<'a> {
    scratch: &'a Scratch,
    /// `127.0.0.1:PORT`.
    address: String,
}

impl<'a> Production<'a> {
    fn of(scratch: &'a Scratch) -> Result<Self, String> {
        let output = tool(scratch, &["provision", "--yes"])?;
        let url = object(&output)["outputs"]["Url"].as_str().map(str::to_owned);
        let address = url.as_deref().and_then(|url| url.strip_prefix("http://")).map(str::to_owned);
        match address.filter(|_| output.status.success()) {
            Some(address) => Ok(Self { scratch, address }),
            None => Err(format!("the project cannot be provisioned: {}", last_lines(&output))),
        }
    }

    fn play(&self, running: &Running<'_>, round: &Round) -> Result<Vec<String>, String> {
        let mut findings = Vec::new();
        let edit = &EDITS[round.edit];
        let path = self.scratch.checkout().join(format!("infra/stacks/{}.yml", edit.stack));
        let text =
            fs::read_to_string(&path).map_err(|error| format!("failed to read a template: {error}"))?;
        let [from, to] = if text.contains(edit.ways[0]) { edit.ways } else { [edit.ways[1], edit.ways[0]] };
        let edited = text.replace(from, to);
        let broken = round.breaks_after.map(|after| broken(&edited, after));
        let write = |text: &str| {
            fs::write(&path, text).map_err(|error| format!("failed to write a template: {error}"))
        };
        write(broken.as_deref().unwrap_or(&edited))?;
        let load = Load::default();
        let (provisioned, released) = std::thread::scope(|scope| {
            scope.spawn(|| load.ask(&self.address));
            let released = round.release.map(|after| {
                scope.spawn(move || {
                    std::thread::sleep(after);
                    tool(self.scratch, &["release", "--again", "--rate", "0"])
                })
            });
            let provisioned = tool(self.scratch, &["provision", "--yes"]);
            let released =
                released.map(|released| released.join().unwrap_or_else(|_| Err("it panicked".to_owned())));
            load.stop.store(true, Ordering::Relaxed);
            (provisioned, released)
        });
        write(&edited)?;
        let expected = if broken.is_some() { 4 } else { 0 };
        findings.extend(unless_ended("provision", &provisioned?, expected));
        if let Some(released) = released {
            findings.extend(unless_ended("release", &released?, 0));
        }
        let (sent, failed) = (load.sent.load(Ordering::Relaxed), load.failed.load(Ordering::Relaxed));
        if failed > 0 || sent == 0 {
            findings.push(format!("{failed} of {sent} requests failed"));
        }
        let status = object(&tool(self.scratch, &["status"])?);
        if status["astray"].as_array().is_none_or(|astray| !astray.is_empty()) {
            findings.push(format!("rules disagree with the primary task set: {}", status["astray"]));
        }
        running.say(format_args!(
            "round {}: {} `{to}`{}{}: {sent} requests, {failed} failed",
            round.number,
            edit.stack,
            if broken.is_some() { ", which fails" } else { "" },
            round
                .release
                .map(|after| format!(", a release after {:.1} s", after.as_secs_f64()))
                .unwrap_or_default(),
        ));
        if running.is_interrupted() {
            return Err("interrupted".to_owned());
        }
        Ok(findings)
    }
}

/// The template with a resource that cannot be made, after one of the others.
fn broken(text: &str, after: usize) -> String {
    let section = text.split("\nResources:\n").nth(1).unwrap_or_default();
    let section = section.split("\nOutputs:\n").next().unwrap_or_default();
    let is_name = |line: &&str| line.starts_with("  ") && !line.starts_with("   ") && line.ends_with(':');
    let mut names: Vec<&str> =
        section.lines().filter(is_name).map(|line| line.trim().trim_end_matches(':')).collect();
    // What has a condition may not be there.
    names.retain(|name| {
        !section
            .contains(&format!("  {name}:\n    Type: AWS::ElasticLoadBalancingV2::Listener\n    Condition"))
    });
    names.retain(|name| {
        !name.starts_with("Https") && !name.ends_with("RedirectRule") && *name != "DeploymentConfiguration"
    });
    let depends = names.get(after % names.len().max(1)).copied().unwrap_or_default();
    let resource = format!(
        "
  Broken:
    Type: AWS::ElasticLoadBalancingV2::ListenerRule
    DependsOn: {depends}
    Properties:
      ListenerArn: !Sub arn:${{AWS::Partition}}:elasticloadbalancing:${{AWS::Region}}:${{AWS::AccountId}}:listener/app/none/0/0
      Priority: 1
      Conditions: [{{Field: path-pattern, PathPatternConfig: {{Values: [/none]}}}}]
      Actions: [{{Type: fixed-response, FixedResponseConfig: {{StatusCode: \"200\"}}}}]

Outputs:
"
    );
    text.replacen("\nOutputs:\n", &resource, 1)
}

fn tool(scratch: &Scratch, arguments: &[&str]) -> Result<Output, String> {
    let arguments = [arguments, &["--output", "json"]].concat();
    let output = scratch.tool(&scratch.checkout(), &arguments).output();
    output.map_err(|error| format!("failed to start `{}`: {error}", arguments.join(" ")))
}

pub(crate) fn object(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_default()
}

pub(super) fn unless_ended(name: &str, output: &Output, expected: i32) -> Option<String> {
    let ended = output.status.code();
    (ended != Some(expected))
        .then(|| format!("`{name}` ended with {ended:?}, expected {expected}: {}", last_lines(output)))
}

pub(crate) fn last_lines(output: &Output) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = stderr.lines().rev().take(6).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n  ")
}

/// Requests without a pause, and how many failed.
#[derive(Default)]
struct Load {
    stop: AtomicBool,
    sent: AtomicU64,
    failed: AtomicU64,
}

impl Load {
    fn ask(&self, address: &str) {
        while !self.stop.load(Ordering::Relaxed) {
            self.sent.fetch_add(1, Ordering::Relaxed);
            if !answers(address).unwrap_or_default() {
                self.failed.fetch_add(1, Ordering::Relaxed);
            }
            std::thread::sleep(PAUSE);
        }
    }
}

pub(super) fn answers(address: &str) -> std::io::Result<bool> {
    ask(address).map(|answer| answer.starts_with("HTTP/1.1 200"))
}

/// What the first page is answered with.
pub(super) fn ask(address: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    write!(stream, "GET / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
