//! Why a build failed: the lines of its log that say so, not the script that was run.

use super::denied::Denied;
use super::told::{Kind, Told, says};
use crate::aws::Build;
use crate::aws::status::{Progress, build_progress};

/// Lines that are told.
const TOLD: usize = 10;
/// What cargo and git say where a host or a registry wants a secret, or another than it got.
const OF_PRIVATE_SOURCES: [&str; 7] = [
    "failed to authenticate when downloading repository",
    "failed to acquire username/password",
    "could not read username for",
    "authentication failed for",
    "authenticated registries require a credential-provider",
    "no token found for",
    "token rejected for",
];
/// CodeBuild's words where a variable's value is not where the buildspec says: status codes, which CodePipeline passes on,
/// and messages.
const OF_NAMED_SECRETS: [&str; 4] = [
    "decrypted variables error",
    "secrets manager error",
    "parameter does not exist: ",
    "secrets manager can't find the specified secret",
];
/// How CodeBuild's own lines start.
const BOOKKEEPING: &str = "[Container] ";

/// Of a build that ran.
pub(super) fn told(build: &Build, log: &[String], error: &str) -> Told {
    let failed = build.phases.iter().find(|phase| {
        phase.status.as_deref().is_some_and(|status| build_progress(status) == Progress::Failed)
    });
    let phase = failed.map(|phase| phase.name.as_str()).unwrap_or_default();
    let context = failed.and_then(|phase| phase.contexts.first().cloned()).unwrap_or_default();
    let said = of_failure(log, phase);
    let lines = errors(said);
    let all = format!("{context}\n{error}\n{}", lines.join("\n"));
    if let Some(denied) = Denied::find(&all) {
        let told = denied.told();
        return Told { evidence: [context].into_iter().chain(lines).collect(), ..told };
    }
    let (kind, what, next) = match build.status.as_str() {
        "TIMED_OUT" => (
            Kind::BuildTimedOut,
            "the build took longer than its project allows".to_owned(),
            "make the build shorter, or give the build project more time",
        ),
        "STOPPED" => (
            Kind::Stopped,
            "somebody stopped the build".to_owned(),
            "`release --again` releases the commit once more",
        ),
        _ if says(&all, &["cannot have more than", "account_limit_exceeded"]) => return not_begun(&all),
        _ if phase == "DOWNLOAD_SOURCE" && says(&all, &OF_NAMED_SECRETS) => (
            Kind::Build,
            format!("a secret of the build cannot be read: {context}"),
            "see that what `image.registry_secrets` names is there: `doctor` tells it with the command that makes it; then \
             `release --again`",
        ),
        _ if says(&said.join("\n"), &OF_PRIVATE_SOURCES) => (
            Kind::Build,
            match lines.first() {
                Some(line) => format!("the build may not read a private source: {}", line.trim()),
                None => format!("the build may not read a private source: {context}"),
            },
            "name the secret that opens it by `image.registry_secrets` in `infra/project.yml`, `generate`, commit, and \
             `provision`; where it is named, see what is in it",
        ),
        _ => (
            Kind::Build,
            match lines.first() {
                Some(line) => format!("the build failed in phase {phase}: {}", line.trim()),
                None => format!("the build failed in phase {phase}: {context}"),
            },
            "mend what the build says, and commit it",
        ),
    };
    let context = if context.is_empty() { Vec::new() } else { vec![format!("phase {phase}: {context}")] };
    let evidence = context.into_iter().chain(lines.iter().map(|line| format!("| {line}"))).collect();
    Told { evidence, ..Told::new(kind, what, next) }
}

/// Of one that never ran.
pub(super) fn not_begun(error: &str) -> Told {
    if says(error, &["cannot have more than", "account_limit_exceeded", "limit exceeded"]) {
        return Told::new(
            Kind::BuildQueue,
            "the account may not run as many builds at once",
            "wait for the other builds, then `release --again`; `doctor` shows the quota",
        );
    }
    let first = error.lines().next().unwrap_or("AWS gives no reason");
    Told::new(
        Kind::Build,
        format!("the build did not begin: {first}"),
        "see that the build project is as `provision` makes it",
    )
}

/// What the command wrote that failed: what came before it was survived. The lines from the last command that was begun, to
/// where CodeBuild says that it failed; where it says nothing of it, to the end of the phase; else all.
fn of_failure<'a>(log: &'a [String], phase: &str) -> &'a [String] {
    let is_own = |line: &String, words: &str| line.starts_with(BOOKKEEPING) && line.contains(words);
    let ended = format!("Phase complete: {phase} State: FAILED");
    let until = log
        .iter()
        .position(|line| is_own(line, "Command did not exit successfully"))
        .or_else(|| log.iter().position(|line| is_own(line, &ended)))
        .unwrap_or(log.len());
    let before = &log[..until];
    let from = before.iter().rposition(|line| is_own(line, "Running command")).unwrap_or(0);
    &before[from..]
}

/// The lines that tell of an error, each with the place that follows it; the last lines where none does.
fn errors(log: &[String]) -> Vec<String> {
    let lines: Vec<&String> =
        log.iter().filter(|line| !line.starts_with(BOOKKEEPING) && !line.trim().is_empty()).collect();
    let is_error = |line: &str| {
        let line = line.trim_start().to_lowercase();
        let starts = ["error", "fatal", "npm err!", "failed", "panicked", "traceback"];
        starts.iter().any(|start| line.starts_with(start))
            || [": error", " error:", "panicked at", "exception:"].iter().any(|sign| line.contains(sign))
    };
    let mut told = Vec::new();
    let mut follows = false;
    for line in &lines {
        // A compiler names the place on the line below.
        let place = follows && line.trim_start().starts_with("-->");
        follows = is_error(line);
        if follows || place {
            told.push((*line).clone());
        }
    }
    if told.is_empty() {
        let from = lines.len().saturating_sub(TOLD);
        return lines[from..].iter().map(|line| (*line).clone()).collect();
    }
    told.truncate(TOLD);
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(log: &[&str]) -> Vec<String> {
        let log: Vec<String> = log.iter().map(|line| (*line).to_owned()).collect();
        errors(of_failure(&log, "BUILD"))
    }

    #[test]
    fn an_error_that_the_build_survived_is_not_the_reason_of_its_end() {
        let survived = "error: failed to fetch the cache, building anew";
        let own = |words: &str| format!("[Container] 2026/11/27 10:00:00.000000 {words}");
        let (restore, compile, notify) = (
            own("Running command restore"),
            own("Running command cargo build"),
            own("Running command tell everybody"),
        );
        let failed = own("Command did not exit successfully cargo build exit status 101");
        let over = own("Phase complete: BUILD State: FAILED");
        let real = "error[E0425]: cannot find value `x`";

        assert_eq!(told(&[&restore, survived, &compile, real, &failed, &over]), [real]);
        // What runs at last, and in later phases, is none of it either.
        let log = [&restore[..], survived, &compile, real, &failed, &notify, "error: no network", &over];
        assert_eq!(told(&log), [real]);
        assert_eq!(told(&[&restore, survived, &compile, real, &over, &notify, "error: no"]), [real]);
        // Where the log begins later, or says nothing of commands.
        assert_eq!(told(&[survived, real]), [survived, real]);
    }
}
