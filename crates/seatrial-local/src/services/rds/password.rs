//! An instance's password from the call that gives it until its cluster has it: a file of its own, for the owner alone.
//!
//! A record of the log would keep it for as long as the log is; here it is gone when the server has it.

use std::collections::HashSet;
use std::io::{Error, Write as _};
use std::path::{Path, PathBuf};

use crate::error::ServiceError;

/// The folder in the data directory.
pub(crate) const FOLDER: &str = "rds-passwords";

fn path(data_dir: &Path, name: &str) -> PathBuf {
    data_dir.join(FOLDER).join(name)
}

/// Puts a password into a new file, mode 0600, and answers the file's name.
///
/// # Errors
/// `InternalFailure`: it cannot be written.
pub(super) fn keep(data_dir: &Path, password: &str) -> Result<String, ServiceError> {
    let written = || -> Result<String, Error> {
        let folder = data_dir.join(FOLDER);
        std::fs::create_dir_all(&folder)?;
        let mut file = tempfile::Builder::new().prefix("").tempfile_in(&folder)?;
        file.write_all(password.as_bytes())?;
        let (_, kept) = file.keep().map_err(|error| error.error)?;
        Ok(kept.file_name().unwrap_or_default().to_string_lossy().into_owned())
    };
    written().map_err(|error| ServiceError::internal(format!("a password cannot be kept: {error}")))
}

pub(super) fn read(data_dir: &Path, name: &str) -> Result<String, Error> {
    std::fs::read_to_string(path(data_dir, name))
}

/// Removes it, once no record names it.
pub(super) fn forget(data_dir: &Path, name: &str) {
    if let Err(error) = std::fs::remove_file(path(data_dir, name)) {
        tracing::warn!(name, %error, "a password stays behind until the next start");
    }
}

/// Removes those that no record names: a process that was killed between file and record left them.
pub(super) fn sweep(data_dir: &Path, named: &HashSet<String>) {
    let Ok(entries) = std::fs::read_dir(data_dir.join(FOLDER)) else { return };
    let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter(|name| !named.contains(name)).for_each(|name| forget(data_dir, &name));
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_password_is_for_its_owner_alone_until_it_is_forgotten_or_no_record_names_it() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path();
        let [one, two, left] = ["one", "two", "left"].map(|text| keep(data, text).unwrap());

        assert_eq!(read(data, &one).unwrap(), "one");
        let mode = path(data, &one).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);

        forget(data, &one);
        sweep(data, &HashSet::from([two.clone()]));
        assert!(read(data, &one).is_err() && read(data, &left).is_err());
        assert_eq!(read(data, &two).unwrap(), "two");
    }
}
