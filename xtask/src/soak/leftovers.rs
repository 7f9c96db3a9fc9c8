//! What an ended command has left: processes that name a folder, have it as their own or know it by a variable. A
//! listening port is its process's, so without processes there are no ports.

use std::fs;
use std::path::Path;

/// Number and command line of every process that has to do with `folder`, but this one. Those that have ended and were not
/// waited for yet are none.
pub(super) fn processes(folder: &Path) -> Vec<(i32, String)> {
    let name = folder.as_os_str().as_encoded_bytes();
    let this = i32::try_from(std::process::id()).unwrap_or_default();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    ids.filter(|id| *id != this).filter_map(|id| of(id, folder, name)).collect()
}

fn of(id: i32, folder: &Path, name: &[u8]) -> Option<(i32, String)> {
    let process = Path::new("/proc").join(id.to_string());
    let stat = fs::read_to_string(process.join("stat")).ok()?;
    let state = stat.rsplit_once(')')?.1.trim_start().chars().next()?;
    if matches!(state, 'Z' | 'X') {
        return None;
    }
    let line = fs::read(process.join("cmdline")).ok()?;
    let inside = |link: &str| fs::read_link(process.join(link)).is_ok_and(|path| path.starts_with(folder));
    let known = |bytes: &[u8]| bytes.windows(name.len()).any(|window| window == name);
    let environment = || fs::read(process.join("environ")).unwrap_or_default();
    let found = known(&line) || inside("cwd") || inside("exe") || known(&environment());
    found.then(|| (id, String::from_utf8_lossy(&line).replace('\0', " ")))
}

/// The names in a folder.
pub(super) fn entries(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}
