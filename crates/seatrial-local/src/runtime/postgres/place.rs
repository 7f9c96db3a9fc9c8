//! Where a cluster lies on disk, and whose it is.
//!
//! Postgres refuses to run as root, so for root it runs as `postgres`, else `nobody`. That user must reach
//! its files: where the data directory lies below a closed folder (`/root`), clusters go to
//! `/var/lib/seatrial`, each beside a note of the data directory it belongs to, by which those of deleted data
//! directories are found and removed.

use std::fs::Permissions;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use nix::unistd::{Gid, Uid, User};

use super::PostgresError;

const OUTSIDE: [&str; 2] = ["/var/lib/seatrial", "/var/tmp/seatrial"];
const NOTE: &str = "data-dir";

/// The user and group to run as; `None`: whoever runs the local cloud.
pub(crate) fn account() -> Option<(u32, u32)> {
    if !Uid::effective().is_root() {
        return None;
    }
    let known = |name| User::from_name(name).ok().flatten();
    let user = known("postgres").or_else(|| known("nobody"))?;
    Some((user.uid.as_raw(), user.gid.as_raw()))
}

/// Makes a new folder for a cluster that the account can reach, itself closed to others.
pub(crate) fn find_place(data_dir: &Path) -> Result<PathBuf, PostgresError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| PostgresError::Io { what: "make folder", path, source }
    };
    let Some(owner) = account() else {
        let folder = data_dir.join("postgres");
        return make(&folder, data_dir, None).map_err(failed(&folder));
    };
    let own = data_dir.join("postgres");
    let open = own.ancestors().skip(1).all(is_open);
    let folders = open.then_some(own).into_iter().chain(OUTSIDE.map(PathBuf::from));
    let mut last = None;
    for folder in folders {
        match make(&folder, data_dir, Some(owner)) {
            Ok(place) => return Ok(place),
            Err(error) => last = Some(failed(&folder)(error)),
        }
    }
    Err(last.unwrap_or(PostgresError::Failed { program: "mkdir", output: "no place".to_owned() }))
}

/// Others may pass through it.
fn is_open(folder: &Path) -> bool {
    folder.metadata().is_ok_and(|found| found.mode() & 0o001 != 0)
}

fn make(folder: &Path, data_dir: &Path, owner: Option<(u32, u32)>) -> std::io::Result<PathBuf> {
    std::fs::create_dir_all(folder)?;
    if folder.metadata()?.uid() != Uid::effective().as_raw() {
        return Err(std::io::Error::other("the folder belongs to somebody else"));
    }
    std::fs::set_permissions(folder, Permissions::from_mode(0o711))?;
    let place = folder.join(format!("cluster-{}", crate::id::hex(12)));
    std::fs::create_dir(&place)?;
    std::fs::set_permissions(&place, Permissions::from_mode(0o700))?;
    if let Some((user, group)) = owner {
        let (user, group) = (Uid::from_raw(user), Gid::from_raw(group));
        nix::unistd::chown(&place, Some(user), Some(group))?;
    }
    std::fs::write(note_of(&place), data_dir.as_os_str().as_encoded_bytes())?;
    Ok(place)
}

fn note_of(place: &Path) -> PathBuf {
    place.with_extension(NOTE)
}

/// Removes a cluster from disk; its server must have ended.
pub(crate) fn remove_place(place: &Path) -> Result<(), PostgresError> {
    let _ = std::fs::remove_file(note_of(place));
    match std::fs::remove_dir_all(place) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(PostgresError::Io { what: "remove", path: place.to_owned(), source })
        }
        _ => Ok(()),
    }
}

/// Removes the clusters, outside data directories, whose data directory is gone or is the one that was `cleared`.
/// To be called after that; the local cloud does it too when it makes a database.
pub fn sweep_databases(cleared: Option<&Path>) {
    for folder in OUTSIDE {
        let Ok(entries) = std::fs::read_dir(folder) else { continue };
        for note in entries.flatten().map(|entry| entry.path()) {
            if note.extension().is_none_or(|extension| extension != NOTE) {
                continue;
            }
            let Ok(data_dir) = std::fs::read_to_string(&note) else { continue };
            let data_dir = Path::new(&data_dir);
            let orphaned = cleared == Some(data_dir) || !data_dir.exists();
            if !data_dir.as_os_str().is_empty() && orphaned {
                let _ = remove_place(&note.with_extension(""));
            }
        }
        // Only an empty one goes.
        let _ = std::fs::remove_dir(folder);
    }
}
