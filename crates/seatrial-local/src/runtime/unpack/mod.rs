//! Layers unpacked over one another into the root of an image, whiteouts included.
//!
//! What an entry means is what containerd's `archive.Apply` makes of it, which is what pulls for Fargate: links on the
//! way to an entry are followed inside the root, the entry itself never follows one and takes the place of what
//! is there, unless both are folders. Device files are left out, for no user namespace may make one. So are owners, and
//! the setuid, setgid and sticky bits, where tasks run as the user of the local cloud, whose rights they would lend to
//! others.

mod frames;
mod root;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::ops::Bound;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use frames::Frames;
use root::Access;
use tar::{Archive, Entry, EntryType};

pub(crate) use root::Root;

/// Names of files that hide one of a lower layer, or all of a folder.
const WHITEOUT: &[u8] = b".wh.";
const OPAQUE: &[u8] = b".wh..wh..opq";
/// Names that AUFS kept for itself.
const META: &[u8] = b".wh..wh.";

/// Whose files and folders become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owners {
    /// The layer's, in the user namespace of the unpacking process.
    Kept,
    /// The unpacking process's.
    Own,
}

/// How the two kinds of compressed layers begin (RFC 1952; RFC 8878, of which a frame to be skipped may come first).
/// The media type may say another than it is: containerd goes by this, too (`compression.DetectCompression`).
const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZSTANDARD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
const SKIPPED: [u8; 3] = [0x2a, 0x4d, 0x18];

/// Unpacks a layer (a tar file, compressed by gzip, Zstandard or not) into `root`. Nothing outside it is read, written
/// or removed.
pub(crate) fn unpack(mut layer: File, root: &Path, owners: Owners) -> io::Result<()> {
    let mut magic = [0; 4];
    let has_magic = layer.read_exact(&mut magic).is_ok();
    layer.seek(SeekFrom::Start(0))?;
    let reader = BufReader::new(layer);
    if has_magic && magic.starts_with(&GZIP) {
        unpack_tar(MultiGzDecoder::new(reader), root, owners)
    } else if has_magic && (magic == ZSTANDARD || magic[0] & 0xf0 == 0x50 && magic[1..] == SKIPPED) {
        unpack_tar(Frames::new(reader), root, owners)
    } else {
        unpack_tar(reader, root, owners)
    }
}

fn unpack_tar(reader: impl Read, root: &Path, owners: Owners) -> io::Result<()> {
    let mut layer = Layer { root: Root::open(root)?, owners, own: BTreeSet::new() };
    for entry in Archive::new(reader).entries()? {
        layer.unpack(entry?)?;
    }
    Ok(())
}

/// A layer that is being unpacked.
struct Layer {
    root: Root,
    owners: Owners,
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
        let access = self.access(&entry)?;
        match kind {
            EntryType::Directory => self.root.make_folder(&place, access)?,
            EntryType::Symlink => self.root.symlink(&linked(&entry)?, &place, access)?,
            EntryType::Link => self.root.hard_link(&linked(&entry)?, &place)?,
            EntryType::Block | EntryType::Char | EntryType::Fifo => return Ok(()),
            _ => self.root.write(&place, &mut entry, access)?,
        }
        self.own.insert(place);
        Ok(())
    }

    fn access<R: Read>(&self, entry: &Entry<'_, R>) -> io::Result<Access> {
        let header = entry.header();
        let mode = header.mode()?;
        if self.owners == Owners::Own {
            return Ok(Access { mode: mode & 0o777, owner: None });
        }
        let id = |id: u64| u32::try_from(id).map_err(|_| io::Error::from(io::ErrorKind::InvalidData));
        Ok(Access { mode: mode & 0o7777, owner: Some((id(header.uid()?)?, id(header.gid()?)?)) })
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
