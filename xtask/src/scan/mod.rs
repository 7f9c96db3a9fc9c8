//! `cargo xtask scan`: what checkov and AWS's own rules find in the templates, against the exceptions that stand there.
//! It installs hundreds of megabytes and takes a minute, so `check` does not run it: it holds the exceptions against
//! the result that the last scan left in `infra/scan.json`.

mod exceptions;
mod findings;
mod record;
mod tools;

use std::path::{Path, PathBuf};

use seatrial::clap::{Arg, ArgAction, ArgMatches, Command};
use seatrial::{Checking, Running};

use self::exceptions::Template;
use self::findings::Finding;
use self::record::Record;

pub(crate) fn command() -> Command {
    let install = Arg::new("install-missing").long("install-missing").action(ArgAction::SetTrue);
    Command::new("scan")
        .about(
            "Scans the templates with checkov and cfn-guard, and looks for what no exception in them names",
        )
        .arg(install.help("Install the scanners and AWS's rules under target/scan"))
}

/// Scans, and writes the result when every finding is excepted and every exception is needed.
pub(crate) fn run(running: &Running<'_>, matches: &ArgMatches) -> Result<(), String> {
    let root = root()?;
    let templates = exceptions::read(&root)?;
    refuse(templates.iter().flat_map(Template::faults).collect())?;
    let tools = tools::ensure(running, &root, matches.get_flag("install-missing"))?;
    let found = tools.scan(running, &templates)?;
    let wrong: Vec<String> = templates.iter().flat_map(|template| compared(template, &found)).collect();
    running.say(format_args!("{} findings in {} templates", found.len(), templates.len()));
    refuse(wrong)?;
    if Record::of(&templates).write(&root)? {
        running.changes();
    }
    Ok(())
}

/// The step of `check`: the templates and their exceptions are those of the last scan.
pub(crate) fn check(checking: &Checking<'_>) -> Result<(), String> {
    held(checking.root())
}

fn held(root: &Path) -> Result<(), String> {
    let templates = exceptions::read(root)?;
    refuse(templates.iter().flat_map(Template::faults).collect())?;
    refuse(Record::read(root)?.differences(&Record::of(&templates)))
}

fn refuse(lines: Vec<String>) -> Result<(), String> {
    if lines.is_empty() { Ok(()) } else { Err(lines.join("\n")) }
}

/// The repository's top, from wherever below it one is.
fn root() -> Result<PathBuf, String> {
    let here = std::env::current_dir().map_err(|error| format!("failed to find the folder: {error}"))?;
    let top = here.ancestors().find(|folder| folder.join(exceptions::STACKS).is_dir());
    top.map(Path::to_owned).ok_or_else(|| format!("no `{}` here or above", exceptions::STACKS))
}

/// Findings of a template that nothing excepts, and exceptions for which there is no finding; each with its place.
fn compared(template: &Template, found: &[Finding]) -> Vec<String> {
    let here = || found.iter().filter(|finding| finding.file == template.file);
    let unexcepted = here().filter(|finding| !template.exceptions.iter().any(|one| finding.is_met_by(one)));
    let unexcepted = unexcepted.map(|finding| {
        let place = template.place(&finding.resource);
        format!(
            "{place}: {} of `{}`: mend it, or except it with reason and cost",
            finding.rule, finding.resource
        )
    });
    let needless = template.exceptions.iter().filter(|one| !here().any(|finding| finding.is_met_by(one)));
    let needless = needless.map(|one| {
        let place = template.path();
        format!("{place}:{}: {} of `{}`: nothing is found that needs it", one.line, one.rule, one.resource)
    });
    unexcepted.chain(needless).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(resource: &str, rule: &str) -> Finding {
        Finding { file: "a.yml".to_owned(), resource: resource.to_owned(), rule: rule.to_owned() }
    }

    #[test]
    fn a_finding_without_an_exception_and_an_exception_without_a_finding_are_told_with_their_lines() {
        let text = "Resources:
  Bucket:
    Type: AWS::S3::Bucket
    Metadata:
      Exceptions:
        - Rules: [CKV_AWS_18, S3_BUCKET_LOGGING_ENABLED]
          Reason: because
          Cost: nothing
      checkov: {skip: [{id: CKV_AWS_18}]}
      guard: {SuppressedRules: [S3_BUCKET_LOGGING_ENABLED]}
  Queue:
    Type: AWS::SQS::Queue
";
        let template = Template::parse("a.yml", text).unwrap();
        let of = |found: &[Finding]| compared(&template, found);
        let both = [finding("Bucket", "CKV_AWS_18"), finding("Bucket", "S3_BUCKET_LOGGING_ENABLED")];
        assert_eq!(of(&both), Vec::<String>::new());
        assert_eq!(
            of(&both[..1]),
            ["infra/stacks/a.yml:6: S3_BUCKET_LOGGING_ENABLED of `Bucket`: nothing is found that needs it"]
        );
        let [one, other] = both.clone();
        let more = [one, other, finding("Queue", "CKV_AWS_18")];
        assert_eq!(
            of(&more),
            ["infra/stacks/a.yml:11: CKV_AWS_18 of `Queue`: mend it, or except it with reason and cost"]
        );
        // Some rules say of no resource that it is the one.
        let [one, _] = both;
        assert_eq!(of(&[one, finding("", "S3_BUCKET_LOGGING_ENABLED")]), Vec::<String>::new());
        // Nobody's template but its own.
        assert_eq!(of(&[]).len(), 2);
    }

    #[test]
    fn this_repository_is_as_it_was_scanned_and_any_edit_of_a_template_wants_another_scan() {
        let copy = tempfile::tempdir().unwrap();
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        std::fs::create_dir_all(copy.path().join(exceptions::STACKS)).unwrap();
        for template in exceptions::read(&here).unwrap() {
            std::fs::write(copy.path().join(template.path()), &template.text).unwrap();
        }
        let without = held(copy.path()).unwrap_err();
        assert!(
            without.contains("infra/scan.json") && without.contains("run `cargo xtask scan`"),
            "{without}"
        );
        std::fs::copy(here.join("infra/scan.json"), copy.path().join("infra/scan.json")).unwrap();
        assert_eq!(held(copy.path()), Ok(()));

        let edited = |from: &str, to: &str| {
            let file = copy.path().join("infra/stacks/build.yml");
            let text = std::fs::read_to_string(&file).unwrap();
            assert!(text.contains(from), "{from}");
            std::fs::write(&file, text.replacen(from, to, 1)).unwrap();
            let answer = held(copy.path());
            std::fs::write(&file, text).unwrap();
            answer
        };
        let other = edited("BlockPublicAcls: true", "BlockPublicAcls: false").unwrap_err();
        assert_eq!(other, "infra/stacks/build.yml: not what was scanned last: run `cargo xtask scan`");
        let more = edited("S3.15]", "s3_bucket_other_check]").unwrap_err();
        assert!(more.contains("ArtifactBucket s3_bucket_other_check: excepted here or in"), "{more}");
        let costless = edited("Cost: Another bucket, and its storage.", "Cost: ''").unwrap_err();
        assert!(costless.ends_with("an exception has a `Cost`"), "{costless}");
        assert_eq!(edited("Description: Artifact bucket", "Description: Bucket"), Ok(()));
    }
}
