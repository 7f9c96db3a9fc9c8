//! What a rehearsal's own clone is given, so that a migration in it can fail: `migrate` where the project has none, and a
//! migration that no database can do. The user's checkout is never written to.

use std::fs;
use std::path::{Path, PathBuf};

use super::clone::{commit, read, rewrite};
use crate::exit::Refused;

/// The command of the sample, and of many a framework.
const COMMAND: &str = "migrate: {command: [migrate]}";
const BROKEN: &str = "-- Made by a rehearsal.\nSELECT fails FROM a_table_that_nobody_made;\n";

/// Has the project of the clone migrate before it deploys.
pub(super) fn give_command(clone: &Path) -> anyhow::Result<()> {
    // At the top, where no environment says otherwise.
    let is_key = |line: &&str| line.starts_with("migrate:");
    let change = |text: &str| {
        let kept = text.lines().filter(|line| !is_key(line)).chain([COMMAND]);
        kept.collect::<Vec<_>>().join("\n") + "\n"
    };
    rewrite(clone, change, "Migrate before a release")
}

/// A commit of the clone with a migration that fails.
pub(super) struct Broken {
    /// From the project's folder.
    pub file: PathBuf,
    /// The commit of before.
    good: String,
}

impl Broken {
    /// # Errors
    /// Refused where no migration is found that the new one could follow.
    pub(super) fn commit(clone: &Path) -> anyhow::Result<Self> {
        let good = read(clone, &["rev-parse", "HEAD"])?;
        let listed = read(clone, &["ls-files", "-z"])?;
        let next = listed.split('\0').filter_map(|path| Some((path, next(Path::new(path))?)));
        // The newest is the last by its name, as those that apply them go by it.
        let newest = next.max_by_key(|(path, _)| Path::new(path).file_name().map(ToOwned::to_owned));
        let Some((_, file)) = newest else {
            let refused =
                "no migration is found that one could follow: a file such as `migrations/0001_name.sql`";
            return Err(Refused::new(refused).hint("leave scenario `bad-migration` out").into());
        };
        fs::write(clone.join(&file), BROKEN)?;
        commit(clone, "A migration that fails")?;
        Ok(Self { file, good })
    }

    /// The clone is as before.
    pub(super) fn undo(self, clone: &Path) -> anyhow::Result<()> {
        read(clone, &["reset", "--quiet", "--hard", &self.good]).map(drop)
    }
}

/// The file that follows a migration: its number is one higher, with as many digits.
fn next(path: &Path) -> Option<PathBuf> {
    let folder = path.parent().filter(|folder| folder.ends_with("migrations"))?;
    let name = path.file_name()?.to_str().filter(|name| name.ends_with(".sql"))?;
    let digits: String = name.chars().take_while(char::is_ascii_digit).collect();
    let number = digits.parse::<u64>().ok()? + 1;
    Some(folder.join(format!("{number:0width$}_rehearsal.sql", width = digits.len())))
}

#[cfg(test)]
mod tests {
    use seatrial_project::{PROJECT_FILE, Project, generate};

    use super::*;

    const PROJECT: &str =
        "project: web\nsource: {repository: o/n}\nmigrate: null # none\nenvironments: {local: }\n";

    fn clone(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        read(dir.path(), &["init", "--quiet"]).unwrap();
        commit(dir.path(), "First").unwrap();
        dir
    }

    #[test]
    fn a_clone_is_given_a_command_and_the_files_that_hand_its_program_over() {
        let dir = clone(&[(PROJECT_FILE, PROJECT), (".aws/buildspec.yml", "old")]);

        give_command(dir.path()).unwrap();

        let project = Project::load(dir.path()).unwrap();
        assert_eq!(project.environment(None).unwrap().migrate.as_ref().unwrap().command, ["migrate"]);
        assert!(generate::check(dir.path(), &project).unwrap().is_empty());
        assert_eq!(read(dir.path(), &["status", "--porcelain"]).unwrap(), "");
    }

    #[test]
    fn a_migration_that_fails_follows_the_newest_and_is_gone_afterwards() {
        for (last, next) in [
            ("db/migrations/0009_b.sql", "db/migrations/0010_rehearsal.sql"),
            ("migrations/20260101120000_b.sql", "migrations/20260101120001_rehearsal.sql"),
        ] {
            let dir = clone(&[
                (last, ""),
                (&last.replace("9_b", "1_a").replace("2026", "2025"), ""),
                ("seeds/99_c.sql", ""),
            ]);
            let broken = Broken::commit(dir.path()).unwrap();
            assert_eq!(broken.file, Path::new(next));
            assert!(dir.path().join(next).is_file());
            assert_eq!(read(dir.path(), &["status", "--porcelain"]).unwrap(), "");

            broken.undo(dir.path()).unwrap();
            assert!(!dir.path().join(next).exists());
        }
        let dir = clone(&[("priv/repo/migrations/1_a.exs", "")]);
        assert!(Broken::commit(dir.path()).err().unwrap().to_string().contains("migrations/0001_name.sql"));
    }
}
