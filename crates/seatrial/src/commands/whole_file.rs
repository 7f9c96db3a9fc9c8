//! Files of the checkout, written whole or not at all.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

/// Writes a file so that nobody ever finds half of it. It keeps its mode.
pub(super) fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    // What it is a link to is meant, not the link.
    let path = &path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().unwrap_or(folder);
    let mode = fs::metadata(path).map(|found| found.permissions());
    let mut new = tempfile::Builder::new().prefix(".seatrial-").tempfile_in(folder)?;
    new.write_all(text.as_bytes())?;
    let mode = mode.unwrap_or_else(|_| std::os::unix::fs::PermissionsExt::from_mode(0o644));
    new.as_file().set_permissions(mode)?;
    new.persist(path).map(drop).map_err(|error| error.error)
}
