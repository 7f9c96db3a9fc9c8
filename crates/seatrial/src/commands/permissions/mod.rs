//! `cargo xtask permissions`: which permissions of the project's roles a rehearsal used, did not use, or missed, each
//! with its line. Calls nothing but a local cloud; changes nothing but, asked to, `infra/permissions.json`.

mod kept;
mod person;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use anyhow::Context as _;
use seatrial_permissions::{Finding, Judgement, Listed, Record, Sources, Verdict, judge};
use seatrial_project::{Environment, Project};
use serde::Serialize;

use crate::cli::{Globals, PermissionsArgs};
use crate::context::{find_root, load_environment};
use crate::exit::{Failed, Refused};
use crate::local::{self, Connection};
use crate::outcome::Report;
use crate::plan::{self, template::StackTemplate};
use crate::session::Session;
use kept::{Kept, digest};

/// The committed list of what only rarer scenarios use.
const LIST: &str = "infra/permissions.json";

/// What the command prints.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Printed {
    Judged(Judged),
    /// Policy documents; the text is the documents alone, one after the other.
    Policies {
        policies: Vec<serde_json::Value>,
    },
}

#[derive(Serialize)]
pub(crate) struct Judged {
    #[serde(flatten)]
    judgement: Judgement,
    used: usize,
    unused: usize,
    /// Denied, unused or wide without a reason.
    passed: bool,
    #[serde(skip)]
    tells_all: bool,
}

pub(crate) async fn run(
    session: &Session,
    globals: &Globals,
    args: &PermissionsArgs,
) -> anyhow::Result<Report<Printed>> {
    let root = find_root()?;
    let environment = load_environment(&root, globals)?;
    let templates = plan::load(&root)?;
    if let Some(person) = args.policy {
        let policies = person::policies(person, &environment, &templates);
        return Ok(Report::done(Printed::Policies { policies }));
    }
    let kept = found(session, (&root, &environment), (&templates, args)).await?;
    if let Some(path) = &args.save {
        session.changes.note();
        let text = serde_json::to_vec(&kept)?;
        std::fs::write(path, text).with_context(|| format!("failed to write `{}`", path.display()))?;
    }
    let mut listed = read_list(&root)?;
    let mut judgement = judge(&kept.record, &sources(&templates)?, (&kept.prefix, &listed));
    if !kept.complete {
        let note = "no release went through in the last rehearsal: what it did not use may well be needed";
        session.printer.note(format_args!("{note}"));
        judgement.forget_unused();
    }
    if args.renew {
        judgement.renew(&mut listed);
        write_list(session, &root, &listed)?;
    }
    let mut errors = Vec::new();
    if args.check {
        errors.extend(amiss(&judgement).map(|line| Failed(line).into()));
    }
    Ok(Report { fields: Printed::Judged(Judged::of(judgement, args.all)), errors })
}

/// The step of `check`: the last rehearsal, where these templates were rehearsed.
pub(crate) fn check(session: &Session, root: &Path, project: &Project) -> anyhow::Result<()> {
    let templates = plan::load(root)?;
    let told = |why: &str| session.printer.event("check", format_args!("no permission is judged: {why}"));
    let Some(kept) = Kept::read(root, &project.environment(None)?.project)? else {
        told("nothing was rehearsed here yet");
        return Ok(());
    };
    if kept.templates != digest(&templates) {
        told("the last rehearsal was of other templates");
        return Ok(());
    }
    if !kept.complete {
        told("no release went through in the last rehearsal");
        return Ok(());
    }
    let judgement = judge(&kept.record, &sources(&templates)?, (&kept.prefix, &read_list(root)?));
    let lines: Vec<String> = amiss(&judgement).collect();
    if lines.is_empty() { Ok(()) } else { Err(Failed(lines.join("\n")).into()) }
}

/// Keeps what a rehearsal saw, and answers what its roles were denied.
pub(crate) async fn keep(
    connection: &Connection,
    (root, environment): (&Path, &Environment),
    (project, scenarios, complete): (&Path, Vec<String>, bool),
) -> anyhow::Result<(Record, Judgement)> {
    let mut record = local::permissions(connection).await?;
    record.scenarios = scenarios;
    let templates = plan::load(project)?;
    let prefix = environment.stack_name("");
    let judgement = judge(&record, &sources(&templates)?, (&prefix, &Listed::default()));
    let kept = Kept { prefix, templates: digest(&templates), complete, record };
    kept.write(root, &environment.project)?;
    Ok((kept.record, judgement))
}

async fn found(
    session: &Session,
    (root, environment): (&Path, &Environment),
    (templates, args): (&[StackTemplate], &PermissionsArgs),
) -> anyhow::Result<Kept> {
    let prefix = environment.stack_name("");
    let fresh = |record| Kept { prefix, templates: digest(templates), complete: true, record };
    if args.running {
        let data_dir = local::data_dir(root, &environment.project)?;
        let connection = local::find(&data_dir).ok_or_else(|| Refused::new("no local cloud runs"))?;
        return Ok(fresh(local::permissions(&connection).await?));
    }
    if let Some(path) = &args.from {
        let refused = |why: String| Refused::new(format!("`{}`: {why}", path.display()));
        let text = std::fs::read(path).map_err(|error| refused(error.to_string()))?;
        if let Ok(kept) = serde_json::from_slice::<Kept>(&text) {
            return Ok(kept);
        }
        let record = serde_json::from_slice(&text);
        return Ok(fresh(record.map_err(|error| refused(format!("no record of permissions: {error}")))?));
    }
    let rehearse = format!("`{}` makes a record", session.command("rehearse"));
    let kept = Kept::read(root, &environment.project)?;
    let kept =
        kept.ok_or_else(|| Refused::new("nothing was rehearsed in this checkout yet").hint(&rehearse))?;
    if kept.templates != digest(templates) {
        let other = "the last rehearsal was of other templates than these";
        return Err(Refused::new(other).hint(rehearse).into());
    }
    Ok(kept)
}

/// The policies in the templates.
///
/// # Errors
/// Refused where a reason in one of them names no policy or says nothing.
pub(crate) fn sources(templates: &[StackTemplate]) -> anyhow::Result<Sources> {
    let mut sources = Sources::default();
    for template in templates {
        let document = seatrial_template::parse(&template.path, template.text.as_bytes());
        let added = document.and_then(|document| sources.add(&template.name, &document));
        added.map_err(|fault| Refused::new(fault.to_string()))?;
    }
    Ok(sources)
}

fn read_list(root: &Path) -> anyhow::Result<Listed> {
    match std::fs::read_to_string(root.join(LIST)) {
        Ok(text) => serde_json::from_str(&text).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            Refused::new(format!("{LIST}:{line}:{column}: {error}")).into()
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Listed::default()),
        Err(error) => Err(error).with_context(|| format!("failed to read `{LIST}`")),
    }
}

fn write_list(session: &Session, root: &Path, listed: &Listed) -> anyhow::Result<()> {
    let text = format!("{}\n", serde_json::to_string_pretty(listed)?);
    if std::fs::read_to_string(root.join(LIST)).is_ok_and(|old| old == text) {
        return Ok(());
    }
    session.changes.note();
    std::fs::write(root.join(LIST), text).with_context(|| format!("failed to write `{LIST}`"))
}

/// What fails a check, a line each. Of a statement that nothing uses its parts are not told beside it.
fn amiss(judgement: &Judgement) -> impl Iterator<Item = String> {
    let denied = judgement.denied.iter().map(ToString::to_string);
    let faults = told(judgement).into_iter().map(ToString::to_string);
    denied.chain(faults).chain(judgement.needless.iter().cloned())
}

fn told(judgement: &Judgement) -> Vec<&Finding> {
    let faults: Vec<&Finding> = judgement.faults().collect();
    let whole = |finding: &Finding| {
        faults.iter().any(|other| {
            other.is_statement() && other.verdict == Verdict::Unused && other.is_of_statement_of(finding)
        })
    };
    faults.iter().filter(|finding| finding.is_statement() || !whole(finding)).copied().collect()
}

impl Judged {
    fn of(judgement: Judgement, tells_all: bool) -> Self {
        let count = |wanted: fn(&Verdict) -> bool| {
            judgement.permissions.iter().filter(|finding| wanted(&finding.verdict)).count()
        };
        let used = count(|verdict| matches!(verdict, Verdict::Used { .. } | Verdict::Listed { .. }));
        let unused = count(|verdict| matches!(verdict, Verdict::Unused));
        let passed = judgement.is_good();
        Self { used, unused, passed, judgement, tells_all }
    }
}

impl fmt::Display for Printed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Judged(judged) => judged.fmt(f),
            Self::Policies { policies } => {
                for (number, policy) in policies.iter().enumerate() {
                    let text = serde_json::to_string_pretty(policy).map_err(|_| fmt::Error)?;
                    write!(f, "{}{text}", if number > 0 { "\n" } else { "" })?;
                }
                Ok(())
            }
        }
    }
}

impl fmt::Display for Judged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let judgement = &self.judgement;
        let mut roles: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
        judgement.permissions.iter().for_each(|found| roles.entry(&found.role).or_default().push(found));
        for (role, found) in &roles {
            let missed = found.iter().filter(|finding| finding.is_missed()).count();
            writeln!(f, "role {role}: {} of {} permissions are needed", missed, found.len())?;
        }
        match self.tells_all {
            true => judgement.permissions.iter().try_for_each(|finding| writeln!(f, "{finding}"))?,
            false => told(judgement).into_iter().try_for_each(|finding| writeln!(f, "{finding}"))?,
        }
        judgement.denied.iter().try_for_each(|denied| writeln!(f, "{denied}"))?;
        judgement.needless.iter().try_for_each(|line| writeln!(f, "{line}"))?;
        let all = judgement.permissions.len();
        let (used, unused, denied) = (self.used, self.unused, judgement.denied.len());
        let excused = all - used - unused;
        write!(
            f,
            "{all} permissions: {used} needed, {excused} not used with a reason, {unused} not used; {denied} denied"
        )
    }
}
