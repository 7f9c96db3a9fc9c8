//! `cargo xtask update`: merges what a newer version of this program brings into the project's stacks. Three texts of
//! each template are compared: as it was brought, as it is, and as it is brought now. An edit is never lost: what both
//! changed is marked in the file. Changes files of the checkout only.

use std::fmt;
use std::path::Path;

use anyhow::Context as _;
use seatrial_project::STACKS_FOLDER;
use seatrial_project::generate::INSTALLED;
use serde::Serialize;

use super::whole_file::write_whole;
use super::{generate, installed};
use crate::cli::UpdateArgs;
use crate::context::find_root;
use crate::exit::{Failed, Refused};
use crate::outcome::Report;
use crate::session::Session;
use crate::shipped::{ORIGINALS, STACKS, original};

/// How a conflict begins, as git marks one.
const MARK: &str = "<<<<<<< ";

/// What became, or would become, of one template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Fate {
    /// New to the project.
    Added,
    /// It was as it had been brought.
    Replaced,
    /// An edit and what is new, in different places.
    Merged,
    /// In the same place: both are marked.
    Conflict,
    /// Only the original is written: the project does without the template, or has what is new already.
    Noted,
    /// This program brings it no longer, or never did: it is the project's.
    Kept,
    /// It was never compared with an original, and differs: somebody has to.
    Unknown,
}

#[derive(Serialize)]
struct Template {
    file: String,
    fate: Fate,
}

#[derive(Serialize)]
pub(crate) struct Updated {
    dry_run: bool,
    templates: Vec<Template>,
    generated: Vec<String>,
}

/// The three texts, where they are there.
struct Texts<'a> {
    original: Option<&'a str>,
    own: Option<&'a str>,
    new: Option<&'a str>,
}

pub(crate) fn run(session: &Session, args: &UpdateArgs) -> anyhow::Result<Report<Updated>> {
    let root = find_root()?;
    refuse_marks(&root)?;
    let merges = merges(&root)?;
    let has_work = |fate: Fate| !matches!(fate, Fate::Kept | Fate::Unknown);
    let newer = installed::outdated(&root).context("failed to look for the project's tool")?;
    if args.check {
        let waiting: Vec<&str> =
            merges.iter().filter(|merge| has_work(merge.fate)).map(|merge| merge.name.as_str()).collect();
        if waiting.is_empty() && newer.is_some() {
            let refused = format!("`{INSTALLED}` names another commit than this program's");
            let hint = format!("run `{} update` and commit what it writes", session.program);
            return Err(Refused::new(refused).hint(hint).into());
        }
        if waiting.is_empty() {
            return Ok(Report::done(Updated { dry_run: true, templates: Vec::new(), generated: Vec::new() }));
        }
        let refused = format!("there is something to merge in {STACKS_FOLDER}: {}", waiting.join(", "));
        let hint = format!("run `{} update` and commit what it writes", session.program);
        return Err(Refused::new(refused).hint(hint).into());
    }
    let mut generated = Vec::new();
    if !args.dry_run {
        if merges.iter().any(|merge| has_work(merge.fate)) {
            session.changes.note();
        }
        for merge in &merges {
            merge.write(&root)?;
        }
        if let Some(newer) = newer {
            session.changes.note();
            write_whole(&root.join(INSTALLED), &newer.text())
                .with_context(|| format!("failed to write `{INSTALLED}`"))?;
            generated.push(INSTALLED.to_owned());
        }
        let outdated = generate::outdated(&root)?;
        if !outdated.is_empty() {
            session.changes.note();
        }
        generate::write(&root, &outdated)?;
        generated.extend(outdated.into_iter().map(|file| file.path));
    }
    let template =
        |merge: &Merge| Template { file: format!("{STACKS_FOLDER}/{}", merge.name), fate: merge.fate };
    let templates: Vec<Template> = merges.iter().map(template).collect();
    let conflicts: Vec<&str> =
        templates.iter().filter(|one| one.fate == Fate::Conflict).map(|one| one.file.as_str()).collect();
    let failed = (!conflicts.is_empty() && !args.dry_run).then(|| {
        let files = conflicts.join(", ");
        anyhow::Error::from(Failed(format!(
            "both changed the same lines, marked by `{}`: {files}",
            MARK.trim()
        )))
    });
    let fields = Updated { dry_run: args.dry_run, templates, generated };
    Ok(Report { fields, errors: failed.into_iter().collect() })
}

/// One template, and what is to be written of it.
#[derive(Debug, PartialEq, Eq)]
struct Merge {
    name: String,
    fate: Fate,
    own: Option<String>,
    original: Option<String>,
}

impl Merge {
    /// The project's own first: begun again, the same comes of it.
    fn write(&self, root: &Path) -> anyhow::Result<()> {
        let files =
            [(format!("{STACKS_FOLDER}/{}", self.name), &self.own), (original(&self.name), &self.original)];
        for (file, text) in files {
            if let Some(text) = text {
                write_whole(&root.join(&file), text).with_context(|| format!("failed to write `{file}`"))?;
            }
        }
        Ok(())
    }
}

/// What is to be done, by template; those of which nothing is to be said are left out.
fn merges(root: &Path) -> anyhow::Result<Vec<Merge>> {
    let mut names: Vec<String> = STACKS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let folder = root.join(ORIGINALS).join("stacks");
    if folder.is_dir() {
        for entry in std::fs::read_dir(&folder).with_context(|| format!("failed to list `{ORIGINALS}`"))? {
            names.extend(entry?.file_name().into_string());
        }
    }
    names.sort();
    names.dedup();
    let mut merges = Vec::new();
    for name in names {
        let [own, original] =
            [format!("{STACKS_FOLDER}/{name}"), original(&name)].map(|file| read(&root.join(file)));
        let (own, original) = (own?, original?);
        let new = STACKS.iter().find(|(brought, _)| *brought == name).map(|(_, text)| *text);
        let texts = Texts { original: original.as_deref(), own: own.as_deref(), new };
        merges.extend(merge(&name, &texts));
    }
    Ok(merges)
}

fn merge(name: &str, texts: &Texts<'_>) -> Option<Merge> {
    let made = |fate, own: Option<String>, original: Option<&str>| {
        Some(Merge { name: name.to_owned(), fate, own, original: original.map(str::to_owned) })
    };
    let Some(new) = texts.new else {
        return texts.own.and_then(|_| made(Fate::Kept, None, None));
    };
    match (texts.original, texts.own) {
        (Some(original), _) if original == new => None,
        (None, None) => made(Fate::Added, Some(new.to_owned()), Some(new)),
        (Some(_), None) => made(Fate::Noted, None, Some(new)),
        (_, Some(own)) if own == new => made(Fate::Noted, None, Some(new)),
        (None, Some(_)) => made(Fate::Unknown, None, None),
        (Some(original), Some(own)) if own == original => {
            made(Fate::Replaced, Some(new.to_owned()), Some(new))
        }
        (Some(original), Some(own)) => match diffy::merge(original, own, new) {
            Ok(merged) => made(Fate::Merged, Some(merged), Some(new)),
            Err(marked) => made(Fate::Conflict, Some(marked), Some(new)),
        },
    }
}

/// A file with marks is nobody's text yet.
fn refuse_marks(root: &Path) -> anyhow::Result<()> {
    for (name, _) in STACKS {
        let file = format!("{STACKS_FOLDER}/{name}");
        let text = read(&root.join(&file))?.unwrap_or_default();
        if let Some(line) = text.lines().position(|line| line.starts_with(MARK)) {
            let refused =
                format!("{file}:{}:1: a conflict of an earlier update is still marked here", line + 1);
            return Err(Refused::new(refused)
                .hint("choose between the two texts, and take the marks away")
                .into());
        }
    }
    Ok(())
}

fn read(path: &Path) -> anyhow::Result<Option<String>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(anyhow::Error::from(error).context(format!("failed to read `{}`", path.display()))),
    }
}

impl fmt::Display for Updated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Template { file, fate } in &self.templates {
            let what = match fate {
                Fate::Added => "new",
                Fate::Replaced => "replaced: it was as it had been brought",
                Fate::Merged => "merged with your edits",
                Fate::Conflict => "CONFLICT: your edit and what is new are in the same lines",
                Fate::Noted => "as it is: you have what is new, or do without it",
                Fate::Kept => "kept: it is not brought any more; `destroy` still knows its stack",
                Fate::Unknown => {
                    "kept: nobody knows what it was like before you edited it, compare it by hand"
                }
            };
            writeln!(f, "{file}: {what}")?;
        }
        for file in &self.generated {
            writeln!(f, "{file}: written anew")?;
        }
        match (self.templates.is_empty() && self.generated.is_empty(), self.dry_run) {
            (true, _) => write!(f, "nothing to merge"),
            (false, true) => write!(f, "nothing was written"),
            (false, false) => write!(f, "look at it with `git diff`, try it with `rehearse`, and commit it"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "a\nb\nc\nd\ne\nf\ng\n";

    fn merged(
        original: Option<&str>,
        own: Option<&str>,
        new: Option<&str>,
    ) -> Option<(Fate, Option<String>)> {
        let merge = merge("x.yml", &Texts { original, own, new })?;
        // Whatever was written, the original is then what was brought, but where nothing is known.
        let known = !matches!(merge.fate, Fate::Kept | Fate::Unknown);
        assert_eq!(merge.original.as_deref(), new.filter(|_| known));
        Some((merge.fate, merge.own))
    }

    #[test]
    fn an_edit_is_kept_whatever_is_new() {
        let new = BASE.replace("f\n", "F\n");
        let (edited, same_place) = (BASE.replace("b\n", "mine\n"), BASE.replace("f\n", "mine\n"));
        let all = |original, own, new| merged(original, own, new);
        let written = |text: &str| Some(text.to_owned());
        assert_eq!(all(Some(BASE), Some(&edited), Some(BASE)), None);
        assert_eq!(all(Some(BASE), Some(BASE), Some(BASE)), None);
        assert_eq!(all(Some(BASE), Some(BASE), Some(&new)), Some((Fate::Replaced, written(&new))));
        let both = edited.replace("f\n", "F\n");
        assert_eq!(all(Some(BASE), Some(&edited), Some(&new)), Some((Fate::Merged, written(&both))));
        let (fate, text) = all(Some(BASE), Some(&same_place), Some(&new)).unwrap();
        let text = text.unwrap();
        assert!(fate == Fate::Conflict && text.contains("mine\n") && text.contains("F\n"), "{text}");
        assert!(text.lines().any(|line| line.starts_with(MARK)), "{text}");
        // What is gone stays gone, and what nobody brought stays as it is.
        assert_eq!(all(Some(BASE), None, Some(&new)), Some((Fate::Noted, None)));
        assert_eq!(all(None, None, Some(&new)), Some((Fate::Added, written(&new))));
        assert_eq!(all(None, Some(&edited), Some(&new)), Some((Fate::Unknown, None)));
        assert_eq!(all(None, Some(&new), Some(&new)), Some((Fate::Noted, None)));
        assert_eq!(all(Some(BASE), Some(BASE), None), Some((Fate::Kept, None)));
        assert_eq!(all(Some(BASE), None, None), None);
    }

    #[test]
    fn an_update_that_was_killed_half_way_comes_to_the_same() {
        let new = BASE.replace("f\n", "F\n");
        for own in [BASE.to_owned(), BASE.replace("b\n", "mine\n")] {
            let (_, written) = merged(Some(BASE), Some(&own), Some(&new)).unwrap();
            let written = written.unwrap();
            // The project's own file was written, the original was not.
            let (_, again) = merged(Some(BASE), Some(&written), Some(&new)).unwrap();
            assert_eq!(again.unwrap_or(written.clone()), written);
        }
    }
}
