//! What each tool is told to do with a project of chains: everything, whether or not there is something to do.

use std::process::Command;
use std::time::Duration;

use super::chains::Chains;
use super::measure::Measured;
use super::place::Place;

/// Ours last: it sees the stacks of all others too.
pub(super) const TOOLS: [Tool; 4] = [Tool::Loop, Tool::Sceptre, Tool::Cdk, Tool::Ours];
/// Stacks that CDK deploys at once: as many as there are chains of fifty.
const CONCURRENCY: &str = "10";
const OURS: [&str; 4] = ["provision", "--yes", "--environment", "local"];

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tool {
    /// `aws cloudformation deploy`, stack after stack.
    Loop,
    Sceptre,
    Cdk,
    Ours,
}

impl Tool {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Loop => "loop",
            Self::Sceptre => "sceptre",
            Self::Cdk => "cdk",
            Self::Ours => "ours",
        }
    }

    pub(super) fn shown(self) -> &'static str {
        match self {
            Self::Loop => "loop of `aws cloudformation deploy`",
            Self::Sceptre => "`sceptre launch`",
            Self::Cdk => "`cdk deploy --all --concurrency 10`",
            Self::Ours => "`cargo xtask provision`",
        }
    }

    /// Brings all stacks to their templates; `label` names the run. `first`: they are not there yet.
    pub(super) fn deploy(
        self,
        place: &Place<'_>,
        (chains, label): (&Chains, &str),
        first: bool,
    ) -> Result<Measured, String> {
        let log = format!("{}-{}-{label}", chains.links.len(), self.name());
        match self {
            Self::Loop => deploy_in_turn(place, (chains, &log), first),
            Self::Sceptre => place.timed(sceptre(place, chains), &log),
            Self::Cdk => place.timed(cdk(place, chains), &log),
            Self::Ours => place.timed(place.ours(&chains.folder, &OURS), &log),
        }
    }
}

/// A no-op of ours without cargo in front of it.
pub(super) fn installed(place: &Place<'_>, chains: &Chains, turn: u32) -> Result<Duration, String> {
    let log = format!("{}-installed-no-op-{turn}", chains.links.len());
    Ok(place.timed(place.ours_installed(&chains.folder, &OURS)?, &log)?.took)
}

/// A first run asks for each output that the next stack takes; later ones keep what each stack was given.
fn deploy_in_turn(
    place: &Place<'_>,
    (chains, log): (&Chains, &str),
    first: bool,
) -> Result<Measured, String> {
    let mut took = Duration::ZERO;
    for link in &chains.links {
        let mut parameter = Vec::new();
        if let Some(before) = link.before().filter(|_| first) {
            let query = format!("Stacks[0].Outputs[?OutputKey=='{}'].OutputValue", before.output());
            let stack = chains.stack("loop", &before);
            let words = ["cloudformation", "describe-stacks", "--output", "text", "--stack-name"];
            let mut ask = place.aws(&words);
            ask.args([&stack, "--query", &query]);
            let asked =
                super::measure::timed(place.running, (ask, &place.folder.join("logs/asked.log")), None)?;
            took += asked.took;
            parameter.push("--parameter-overrides".to_owned());
            parameter.push(format!("{}={}", before.output(), asked.printed.trim()));
        }
        let mut deploy = deploy_command(place, &chains.stack("loop", link));
        deploy.arg("--template-file").arg(chains.template_of(link)).args(parameter);
        took += place.quietly_timed(deploy, log)?.took;
    }
    place.running.say(format_args!("{log}: {:.2} s", took.as_secs_f64()));
    Ok(Measured { took, until: took, peak_kib: None, printed: String::new() })
}

/// `aws cloudformation deploy` for one stack; what it is made of is to be added.
pub(super) fn deploy_command(place: &Place<'_>, stack: &str) -> Command {
    let words = ["cloudformation", "deploy", "--no-fail-on-empty-changeset", "--capabilities"];
    let mut deploy = place.aws(&words);
    deploy.args(["CAPABILITY_NAMED_IAM", "--stack-name", stack]);
    deploy
}

fn sceptre(place: &Place<'_>, chains: &Chains) -> Command {
    let mut command = Command::new(place.peers().join("sceptre/bin/sceptre"));
    command.args(["launch", "--yes", "bench"]).current_dir(chains.folder.join("sceptre"));
    place.as_client(&mut command);
    command
}

fn cdk(place: &Place<'_>, chains: &Chains) -> Command {
    let mut command = Command::new(place.peers().join("cdk/node_modules/.bin/cdk"));
    command.args(["deploy", "--all", "--concurrency", CONCURRENCY, "--app", "node app.js"]);
    command.args(["--require-approval", "never", "--no-notices", "--no-version-reporting"]);
    command.args(["--no-path-metadata", "--no-asset-metadata", "--progress", "events", "--ci"]);
    command.current_dir(chains.folder.join("cdk"));
    place.as_client(&mut command);
    command
}
