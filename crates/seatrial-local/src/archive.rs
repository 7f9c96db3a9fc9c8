//! Zip archives of sources and artifacts: packed from a folder, unpacked with their files' times and modes.

use std::fs::{self, File};
use std::io::{Cursor, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sha2::{Digest as _, Sha256};
use zip::read::ZipFile;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ExtraField, ZipArchive, ZipWriter};

/// An archive that could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    #[error("failed to read or write `{path}`: {source}")]
    Io { path: PathBuf, source: std::io::Error },
    #[error("the zip archive is damaged: {0}")]
    Zip(#[from] zip::result::ZipError),
    #[error("the zip archive holds `{0}`, which leads out of its folder")]
    Outside(String),
}

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> ArchiveError {
    let path = path.to_owned();
    |source| ArchiveError::Io { path, source }
}

/// Unpacks `bytes` into the folder `into`, which is made. Files get the modification time the archive holds
/// (the commit's time in an archive made by git) and its permission bits.
pub(crate) fn unpack(bytes: &[u8], into: &Path) -> Result<(), ArchiveError> {
    fs::create_dir_all(into).map_err(io(into))?;
    let mut archive = ZipArchive::new(Cursor::new(bytes))?;
    // Made when all else is there: no entry is written through a link, wherever it leads.
    let mut links = Vec::new();
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index)?;
        let Some(relative) = entry.enclosed_name() else {
            return Err(ArchiveError::Outside(entry.name()?.into_owned()));
        };
        let path = into.join(relative);
        if entry.is_dir() {
            fs::create_dir_all(&path).map_err(io(&path))?;
        } else if entry.is_symlink() {
            let mut target = String::new();
            // Longer than any path of a file may be.
            entry.by_ref().take(1 << 16).read_to_string(&mut target).map_err(io(&path))?;
            links.push((path, target));
        } else {
            unpack_file(&mut entry, &path)?;
        }
    }
    for (path, target) in links {
        let parent = path.parent().unwrap_or(into);
        fs::create_dir_all(parent).map_err(io(parent))?;
        // One of these links may be its folder by now.
        let real = parent.canonicalize().map_err(io(parent))?;
        if !real.starts_with(into.canonicalize().map_err(io(into))?) {
            return Err(ArchiveError::Outside(path.display().to_string()));
        }
        std::os::unix::fs::symlink(target, &path).map_err(io(&path))?;
    }
    Ok(())
}

fn unpack_file<R: std::io::Read>(entry: &mut ZipFile<'_, R>, path: &Path) -> Result<(), ArchiveError> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(io(parent))?;
    }
    let mut file = File::create(path).map_err(io(path))?;
    std::io::copy(entry, &mut file).map_err(io(path))?;
    if let Some(mode) = entry.unix_mode() {
        let permissions = std::os::unix::fs::PermissionsExt::from_mode(mode & 0o777 | 0o600);
        file.set_permissions(permissions).map_err(io(path))?;
    }
    if let Some(time) = modified(entry) {
        file.set_modified(time).map_err(io(path))?;
    }
    Ok(())
}

/// The exact time of the extended timestamp, else the entry's own, which knows even seconds only.
fn modified<R: std::io::Read>(entry: &ZipFile<'_, R>) -> Option<SystemTime> {
    let exact = entry.extra_data_fields().find_map(|field| match field {
        ExtraField::ExtendedTimestamp(timestamp) => timestamp.mod_time(),
        _ => None,
    });
    if let Some(seconds) = exact {
        return Some(UNIX_EPOCH + Duration::from_secs(seconds.into()));
    }
    let time = entry.last_modified()?;
    let civil = jiff::civil::DateTime::new(
        time.year().try_into().ok()?,
        time.month().try_into().ok()?,
        time.day().try_into().ok()?,
        time.hour().try_into().ok()?,
        time.minute().try_into().ok()?,
        time.second().try_into().ok()?,
        0,
    );
    let timestamp = civil.ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
    Some(SystemTime::from(timestamp))
}

/// A folder as it is.
pub struct Snapshot {
    /// A hash of the content, 40 hex digits: as many as a commit id has.
    pub revision: String,
    pub zip: Vec<u8>,
}

/// What the source action takes of a folder that is no git checkout: all files but what is marked as a cache (build
/// products).
///
/// # Errors
/// A file or folder cannot be read.
pub fn snapshot(folder: &Path) -> Result<Snapshot, ArchiveError> {
    let enter = |path: &Path| !path.ends_with(".git") && !path.join("CACHEDIR.TAG").is_file();
    let files = walk(folder, enter)?;
    Ok(Snapshot { revision: content_hash(&files)?, zip: pack(&files)? })
}

fn content_hash(files: &[(String, PathBuf)]) -> Result<String, ArchiveError> {
    let mut hash = Sha256::new();
    for (name, path) in files {
        let bytes = fs::read(path).map_err(io(path))?;
        hash.update((name.len() as u64).to_be_bytes());
        hash.update(name);
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    }
    Ok(hex::encode(hash.finalize()).chars().take(40).collect())
}

/// Packs files: each with its name in the archive. Symbolic links are followed, as CodeBuild does.
pub(crate) fn pack(files: &[(String, PathBuf)]) -> Result<Vec<u8>, ArchiveError> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, path) in files {
        let mut file = File::open(path).map_err(io(path))?;
        let metadata = file.metadata().map_err(io(path))?;
        let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions());
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .unix_permissions(mode & 0o777)
            .last_modified_time(metadata.modified().ok().and_then(dos_time).unwrap_or_default());
        writer.start_file(name.as_str(), options)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(io(path))?;
        writer.write_all(&bytes).map_err(io(path))?;
    }
    Ok(writer.finish()?.into_inner())
}

fn dos_time(time: SystemTime) -> Option<DateTime> {
    let civil = jiff::Timestamp::try_from(time).ok()?.to_zoned(jiff::tz::TimeZone::UTC).datetime();
    DateTime::from_date_and_time(
        civil.year().try_into().ok()?,
        civil.month().try_into().ok()?,
        civil.day().try_into().ok()?,
        civil.hour().try_into().ok()?,
        civil.minute().try_into().ok()?,
        civil.second().try_into().ok()?,
    )
    .ok()
}

/// The file `name` of the archive; `None`: it holds no such file.
pub(crate) fn read(bytes: &[u8], name: &str) -> Result<Option<Vec<u8>>, ArchiveError> {
    let mut archive = ZipArchive::new(Cursor::new(bytes))?;
    let Some(index) = archive.index_for_name(name.trim_start_matches("./")) else { return Ok(None) };
    let mut content = Vec::new();
    archive.by_index(index)?.read_to_end(&mut content).map_err(io(Path::new(name)))?;
    Ok(Some(content))
}

/// Each file below `root` with its path from there, `/` between the parts, sorted. Folders for which `enter`
/// (given the path) is false are left out.
pub(crate) fn walk(
    root: &Path,
    enter: impl Fn(&Path) -> bool,
) -> Result<Vec<(String, PathBuf)>, ArchiveError> {
    let (mut files, mut folders) = (Vec::new(), vec![(String::new(), root.to_owned())]);
    while let Some((prefix, folder)) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(io(&folder))? {
            let entry = entry.map_err(io(&folder))?;
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            let path = entry.path();
            let kind = entry.file_type().map_err(io(&path))?;
            if kind.is_dir() {
                if enter(&path) {
                    folders.push((format!("{name}/"), path));
                }
            } else if kind.is_file() || path.is_file() {
                files.push((name, path));
            }
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_unpacked_with_its_time_and_mode() {
        let dir = tempfile::tempdir().unwrap();
        let from = dir.path().join("from");
        fs::create_dir_all(from.join("sub")).unwrap();
        let script = from.join("sub/run.sh");
        fs::write(&script, "echo").unwrap();
        fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let time = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        File::open(&script).unwrap().set_modified(time).unwrap();

        let bytes = pack(&walk(&from, |_| true).unwrap()).unwrap();
        let into = dir.path().join("into");
        unpack(&bytes, &into).unwrap();

        let metadata = fs::metadata(into.join("sub/run.sh")).unwrap();
        assert_eq!(metadata.modified().unwrap(), time);
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777, 0o755);
        assert_eq!(read(&bytes, "sub/run.sh").unwrap().unwrap(), b"echo");
        assert_eq!(read(&bytes, "other").unwrap(), None);
    }

    #[test]
    fn an_entry_that_leads_out_of_the_folder_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        writer.start_file("../evil", SimpleFileOptions::default()).unwrap();
        let bytes = writer.finish().unwrap().into_inner();

        assert!(matches!(unpack(&bytes, dir.path()), Err(ArchiveError::Outside(_))));
    }

    #[test]
    fn nothing_is_written_through_a_link_of_the_archive() {
        let dir = tempfile::tempdir().unwrap();
        let (out, into) = (dir.path().join("out"), dir.path().join("into"));
        fs::create_dir(&out).unwrap();
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default();
        writer.add_symlink("link", out.display().to_string(), options).unwrap();
        writer.start_file("link/file", options).unwrap();
        writer.add_symlink("link/link", "/etc", options).unwrap();
        let bytes = writer.finish().unwrap().into_inner();

        assert!(unpack(&bytes, &into).is_err());
        assert_eq!(fs::read_dir(&out).unwrap().count(), 0);

        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        writer.add_symlink("link", out.display().to_string(), options).unwrap();
        writer.add_symlink("link/link", "/etc", options).unwrap();
        let bytes = writer.finish().unwrap().into_inner();

        assert!(unpack(&bytes, &dir.path().join("again")).is_err());
        assert_eq!(fs::read_dir(&out).unwrap().count(), 0);
    }
}
