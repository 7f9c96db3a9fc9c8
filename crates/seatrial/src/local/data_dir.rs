//! Where a checkout's local cloud keeps its data: never under `target/`, which people delete.
//!
//! A data directory bears a mark, which only a new or empty one is given; without it nothing there is written or
//! deleted. In a marked one only what the local cloud makes is deleted: other files stay, and are named.

use std::ffi::OsStr;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::entries::{DAEMON_ENTRIES, DISOWNED, TASK_AGENT};
use crate::exit::Refused;

/// The mark: whose the directory is, and how it is laid out.
const MARK: &str = "seatrial-local-cloud.json";
const FORMAT: u32 = 1;
/// What a rehearsal puts into its directory.
pub(crate) const REHEARSAL_SOURCE: &str = "source";
pub(crate) const REHEARSAL_DATA_DIR: &str = "local-cloud";

#[derive(Serialize, Deserialize)]
struct Mark {
    format: u32,
}

/// What a directory is to the local cloud.
enum Standing {
    Missing,
    Empty,
    Marked,
    /// It holds something and has no mark that this program understands.
    Foreign,
}

/// `XTASK_LOCAL_DATA_DIR`, else `${XDG_STATE_HOME:-~/.local/state}/seatrial/<project>-<hash of the path>`.
pub(crate) fn data_dir(root: &Path, project: &str) -> anyhow::Result<PathBuf> {
    if let Some(dir) = std::env::var_os("XTASK_LOCAL_DATA_DIR").filter(|dir| !dir.is_empty()) {
        return Ok(std::path::absolute(dir)?);
    }
    Ok(state_dir()?.join(name_of_checkout(root, project)))
}

/// Where this program keeps what outlives a command: `${XDG_STATE_HOME:-~/.local/state}/seatrial`.
pub(crate) fn state_dir() -> anyhow::Result<PathBuf> {
    let state = match std::env::var_os("XDG_STATE_HOME").map(PathBuf::from) {
        // Another is to be ignored (XDG Base Directory Specification).
        Some(dir) if dir.is_absolute() => dir,
        _ => {
            let home = std::env::home_dir().filter(|home| home.is_absolute());
            home.context("failed to find the home directory: HOME is no absolute path")?.join(".local/state")
        }
    };
    Ok(state.join("seatrial"))
}

/// Two checkouts of one project are told apart by where they lie.
pub(crate) fn name_of_checkout(root: &Path, project: &str) -> String {
    let digest = hex::encode(Sha256::digest(root.as_os_str().as_encoded_bytes()));
    let short = digest.get(..8).unwrap_or(&digest);
    format!("{project}-{short}")
}

/// Makes the directory if it is missing and marks it if it is empty; refused, and nothing is written, where it is
/// somebody else's.
pub(super) fn claim(dir: &Path) -> anyhow::Result<()> {
    let refused = |error: std::io::Error| {
        Refused::new(format!("data directory `{}` is not writable: {error}", dir.display()))
            .hint("set XTASK_LOCAL_DATA_DIR to a directory you may write to")
    };
    match standing(dir).map_err(refused)? {
        Standing::Marked => return Ok(()),
        Standing::Foreign => return Err(foreign(dir).into()),
        Standing::Missing | Standing::Empty => {}
    }
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(refused)?;
    let mark = serde_json::to_vec(&Mark { format: FORMAT })?;
    match std::fs::OpenOptions::new().write(true).create_new(true).open(dir.join(MARK)) {
        Ok(mut file) => file.write_all(&mark).map_err(refused)?,
        // Another command marks it at the same moment.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(refused(error).into()),
    }
    Ok(())
}

/// Refuses a directory that is somebody else's.
pub(super) fn refuse_foreign(dir: &Path) -> anyhow::Result<()> {
    let found = standing(dir).with_context(|| format!("failed to read `{}`", dir.display()))?;
    if matches!(found, Standing::Foreign) { Err(foreign(dir).into()) } else { Ok(()) }
}

/// Whether a local cloud's data may be there.
pub(super) fn is_claimed(dir: &Path) -> anyhow::Result<bool> {
    let found = standing(dir).with_context(|| format!("failed to read `{}`", dir.display()))?;
    Ok(matches!(found, Standing::Marked))
}

/// Deletes what the local cloud made in a marked directory, and the directory if nothing else is in it; answers
/// what was left, as somebody else's. A link is deleted, never followed.
fn clear(dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    refuse_foreign(dir)?;
    let failed = || format!("failed to remove the local cloud's data under `{}`", dir.display());
    if !matches!(standing(dir)?, Standing::Marked) {
        return Ok(Vec::new());
    }
    seatrial_local::sweep_tasks(dir, &TASK_AGENT.map(str::to_owned));
    for name in seatrial_local::DATA_ENTRIES.iter().chain(&DAEMON_ENTRIES) {
        remove(&dir.join(name)).with_context(failed)?;
    }
    let left = others(dir, &[MARK]).with_context(failed)?;
    // With other files in it, the mark stays: the next start finds its own directory.
    if left.is_empty() {
        std::fs::remove_file(dir.join(MARK)).with_context(failed)?;
        std::fs::remove_dir(dir).with_context(failed)?;
    }
    Ok(left)
}

/// The data, and the databases that had to live outside its directory.
pub(super) fn remove_data(data_dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let left = clear(data_dir)?;
    seatrial_local::sweep_databases(Some(data_dir));
    Ok(left)
}

/// Lets the local cloud live on when the process that started it ends.
pub(crate) fn disown(dir: &Path) -> anyhow::Result<()> {
    std::fs::write(dir.join(DISOWNED), "")
        .with_context(|| format!("failed to write into `{}`", dir.display()))
}

/// Removes a rehearsal's directory, unless somebody put something of his own there: answers that, and leaves it.
pub(crate) fn remove_throwaway(dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let failed = || format!("failed to remove the rehearsal's directory `{}`", dir.display());
    let mut left = others(&dir.join(REHEARSAL_DATA_DIR), &[MARK]).with_context(failed)?;
    left.extend(others(dir, &[REHEARSAL_SOURCE, REHEARSAL_DATA_DIR]).with_context(failed)?);
    seatrial_local::sweep_tasks(&dir.join(REHEARSAL_DATA_DIR), &TASK_AGENT.map(str::to_owned));
    let gone = if left.is_empty() { dir.to_owned() } else { dir.join(REHEARSAL_SOURCE) };
    remove(&gone).with_context(failed)?;
    Ok(left)
}

/// The entries of a directory with other names than these, in order; none where there is no directory.
fn others(dir: &Path, names: &[&str]) -> std::io::Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(dir) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let entries: Vec<_> = entries.collect::<Result<_, _>>()?;
    let other = |name: &OsStr| names.iter().all(|known| name != *known);
    let mut paths: Vec<_> =
        entries.iter().filter(|entry| other(&entry.file_name())).map(std::fs::DirEntry::path).collect();
    paths.sort();
    Ok(paths)
}

fn standing(dir: &Path) -> std::io::Result<Standing> {
    match std::fs::metadata(dir) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Standing::Missing),
        found => found?,
    };
    match std::fs::read(dir.join(MARK)) {
        // Empty: another command is writing it just now.
        Ok(text) if text.is_empty() => return Ok(Standing::Marked),
        Ok(text) => {
            let mark = serde_json::from_slice::<Mark>(&text);
            let ours = mark.is_ok_and(|mark| mark.format == FORMAT);
            return Ok(if ours { Standing::Marked } else { Standing::Foreign });
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    Ok(if others(dir, &[])?.is_empty() { Standing::Empty } else { Standing::Foreign })
}

fn foreign(dir: &Path) -> Refused {
    Refused::new(format!(
        "data directory `{}` is not the local cloud's: it is not empty and has no `{MARK}` of format {FORMAT}",
        dir.display()
    ))
    .hint("set XTASK_LOCAL_DATA_DIR to a new or empty directory")
}

fn remove(path: &Path) -> std::io::Result<()> {
    let removed = match std::fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => std::fs::remove_dir_all(path),
        Ok(_) => std::fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rehearsals_directory_goes_unless_there_is_something_of_somebody_else_in_it() {
        let foreign: [&[&str]; 3] = [&[], &["notes.txt"], &["local-cloud/notes.txt"]];
        for foreign in foreign {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("rehearsal");
            for made in [REHEARSAL_SOURCE, REHEARSAL_DATA_DIR] {
                std::fs::create_dir_all(path.join(made)).unwrap();
            }
            let foreign: Vec<PathBuf> = foreign.iter().map(|file| path.join(file)).collect();
            foreign.iter().for_each(|file| std::fs::write(file, "mine").unwrap());

            let left = remove_throwaway(&path).unwrap();

            assert_eq!(left, foreign);
            assert!(foreign.iter().all(|file| file.exists()));
            assert!(!path.join(REHEARSAL_SOURCE).exists());
            assert_eq!(path.exists(), !foreign.is_empty());
        }
    }
}
