//! Layers unpacked over one another into the root of an image, whiteouts included.
//!
//! What an entry means is what containerd's `archive.Apply` makes of it, which is what pulls for Fargate: links on the
//! way to an entry are followed inside the root, the entry itself never follows one and takes the place of what
//! is there, unless both are folders. Owners and device files are left out, for tasks run as the user of the
//! local cloud; so are the setuid, setgid and sticky bits, which would lend that user's rights to others.

mod root;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::ops::Bound;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use tar::{Archive, Entry, EntryType};

pub(super) use root::Root;

/// Names of files that hide one of a lower layer, or all of a folder.
const WHITEOUT: &[u8] = b".wh.";
const OPAQUE: &[u8] = b".wh..wh..opq";
/// Names that AUFS kept for itself.
const META: &[u8] = b".wh..wh.";

/// Unpacks a layer (a tar file, compressed by gzip or not) into `root`. Nothing outside it is read, written or
/// removed.
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
    let mut layer = Layer { root: Root::open(root)?, own: BTreeSet::new() };
    for entry in Archive::new(reader).entries()? {
        layer.unpack(entry?)?;
    }
    Ok(())
}

/// A layer that is being unpacked.
struct Layer {
    root: Root,
    /// Where its entries went: a whiteout hides what lower layers hold, never what its own layer does (OCI image
    /// specification, "Whiteouts").
    own: BTreeSet<PathBuf>,
}

impl Layer {
    fn unpack<R: Read>(&mut self, mut entry: Entry<'_, R>) -> io::Result<()> {
        let kind = kind(&entry);
        if kind.is_pax_global_extensions() {
            return Ok(());
        }
        let Some(place) = self.root.place(&entry.path()?)? else { return Ok(()) };
        let name = place.file_name().map(OsStr::as_bytes).unwrap_or_default();
        if name == OPAQUE {
            return self.hide_content(place.parent().unwrap_or(Path::new("")));
        }
        if name.starts_with(META) {
            return Ok(());
        }
        if let Some(hidden) = name.strip_prefix(WHITEOUT) {
            if matches!(hidden, b"" | b"." | b"..") {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "a whiteout names no file"));
            }
            return self.hide(&place.with_file_name(OsStr::from_bytes(hidden)));
        }
        if !(kind.is_dir() && self.root.is_folder(&place)?) {
            self.root.remove(&place)?;
            self.forget(&place);
        }
        let mode = entry.header().mode()? & 0o777;
        match kind {
            EntryType::Directory => self.root.make_folder(&place, mode)?,
            EntryType::Symlink => self.root.symlink(&linked(&entry)?, &place)?,
            EntryType::Link => self.root.hard_link(&linked(&entry)?, &place)?,
            EntryType::Block | EntryType::Char | EntryType::Fifo => return Ok(()),
            _ => self.root.write(&place, &mut entry, mode)?,
        }
        self.own.insert(place);
        Ok(())
    }

    /// Removes what lower layers hold at `path`.
    fn hide(&self, path: &Path) -> io::Result<()> {
        if !self.has_own(path) {
            return self.root.remove(path);
        }
        match self.root.is_folder(path)? {
            true => self.hide_content(path),
            false => Ok(()),
        }
    }

    /// Whether one of the layer's own entries is at `path` or below it.
    fn has_own(&self, path: &Path) -> bool {
        // Paths sort by their parts: what is below a folder follows it.
        let next = self.own.range::<Path, _>((Bound::Included(path), Bound::Unbounded)).next();
        next.is_some_and(|own| own.starts_with(path))
    }

    fn forget(&mut self, path: &Path) {
        if self.has_own(path) {
            self.own.retain(|own| !own.starts_with(path));
        }
    }

    fn hide_content(&self, folder: &Path) -> io::Result<()> {
        for name in self.root.names(folder)? {
            self.hide(&folder.join(name))?;
        }
        Ok(())
    }
}

/// Before POSIX, a folder was a file whose name ends in a slash.
fn kind<R: Read>(entry: &Entry<'_, R>) -> EntryType {
    match entry.header().entry_type() {
        EntryType::Regular if entry.path_bytes().ends_with(b"/") => EntryType::Directory,
        kind => kind,
    }
}

fn linked<R: Read>(entry: &Entry<'_, R>) -> io::Result<PathBuf> {
    let none = || io::Error::new(io::ErrorKind::InvalidData, "a link leads nowhere");
    entry.link_name()?.map(|path| path.into_owned()).ok_or_else(none)
}

#[cfg(test)]
mod tests;
