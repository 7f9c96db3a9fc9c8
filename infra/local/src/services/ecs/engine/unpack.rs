//! Layers unpacked over one another into the root of an image, whiteouts included.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use tar::{Archive, Entry};

/// Names of files that hide one of a lower layer, or all of a folder.
const WHITEOUT: &str = ".wh.";
const OPAQUE: &str = ".wh..wh..opq";

/// Unpacks a layer (a tar file, compressed by gzip or not) into `root`. Nothing is written outside it; owners
/// and device files are left out, for tasks run as the user of the local cloud.
pub(super) fn unpack(layer: &Path, root: &Path) -> io::Result<()> {
    let mut file = File::open(layer)?;
    let mut magic = [0; 2];
    let compressed = file.read_exact(&mut magic).is_ok() && magic == [0x1f, 0x8b];
    file.seek(SeekFrom::Start(0))?;
    let reader = BufReader::new(file);
    match compressed {
        true => unpack_tar(MultiGzDecoder::new(reader), root),
        false => unpack_tar(reader, root),
    }
}

fn unpack_tar(reader: impl Read, root: &Path) -> io::Result<()> {
    let mut archive = Archive::new(reader);
    archive.set_preserve_mtime(false);
    archive.set_overwrite(true);
    for entry in archive.entries()? {
        unpack_entry(entry?, root)?;
    }
    Ok(())
}

fn unpack_entry<R: Read>(mut entry: Entry<'_, R>, root: &Path) -> io::Result<()> {
    let path = entry.path()?.into_owned();
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let climbs = path.components().any(|part| matches!(part, std::path::Component::ParentDir));
    if climbs {
        return Ok(());
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    let folder = root.join(folder.strip_prefix("/").unwrap_or(folder));
    if name == OPAQUE {
        return empty(&folder);
    }
    if let Some(hidden) = name.strip_prefix(WHITEOUT) {
        return remove(&folder.join(hidden));
    }
    let kind = entry.header().entry_type();
    if kind.is_block_special() || kind.is_character_special() || kind.is_fifo() {
        return Ok(());
    }
    // A file may take the place of a folder and the other way round.
    let place = folder.join(name);
    if place.symlink_metadata().is_ok_and(|found| found.is_dir() != kind.is_dir()) {
        remove(&place)?;
    }
    entry.unpack_in(root).map(drop)
}

fn empty(folder: &Path) -> io::Result<()> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(()) };
    for entry in entries {
        remove(&entry?.path())?;
    }
    Ok(())
}

fn remove(path: &Path) -> io::Result<()> {
    match path.symlink_metadata() {
        Ok(found) if found.is_dir() => std::fs::remove_dir_all(path),
        Ok(_) => std::fs::remove_file(path),
        Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(dir: &Path, files: &[(&str, &str)]) -> std::path::PathBuf {
        let path = dir.join(crate::id::hex(8));
        let mut builder = tar::Builder::new(File::create(&path).unwrap());
        for (name, content) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            header.set_mode(0o755);
            builder.append_data(&mut header, name, content.as_bytes()).unwrap();
        }
        builder.finish().unwrap();
        path
    }

    #[test]
    fn a_whiteout_hides_what_a_lower_layer_holds() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("root");
        std::fs::create_dir(&root).unwrap();

        unpack(&layer(dir.path(), &[("a/one", "1"), ("a/two", "2"), ("b/three", "3")]), &root).unwrap();
        unpack(&layer(dir.path(), &[("a/.wh.one", ""), ("b/.wh..wh..opq", ""), ("b/four", "4")]), &root)
            .unwrap();

        assert!(!root.join("a/one").exists());
        assert_eq!(std::fs::read_to_string(root.join("a/two")).unwrap(), "2");
        assert!(!root.join("b/three").exists());
        assert!(root.join("b/four").exists());
    }
}
