//! The folder that is the root of an image. Its paths are resolved as in a container that has it as `/`: absolute
//! links lead to the root, and `..` at the root stays there.
//!
//! `openat2` with `RESOLVE_IN_ROOT` would do so on Linux only. Here [`Root::place`] follows the links, so that the
//! path it answers has none, and cap-std, which refuses every path that leads out, does the rest: were a link
//! overlooked, the pull would fail and nothing outside be touched.

use std::ffi::{OsStr, OsString};
use std::fs::{File, Permissions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Component, Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions};
use nix::errno::Errno;
use nix::fcntl::AtFlags;
use nix::unistd::{Gid, Uid, fchownat};

/// As many links as Linux follows in one path (`path_resolution(7)`).
const LONGEST_CHAIN: usize = 40;

/// Who may do what with a file or folder.
#[derive(Debug, Clone, Copy)]
pub(super) struct Access {
    pub mode: u32,
    /// User and group; `None`: who unpacks.
    pub owner: Option<(u32, u32)>,
}

/// The mode of folders that no layer has.
const IMPLIED: Access = Access { mode: 0o755, owner: None };

/// A root. All paths but those given to [`Root::place`] and read from links are from there and free of links.
pub(crate) struct Root(Dir);

impl Root {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        Dir::open_ambient_dir(path, ambient_authority()).map(Self)
    }

    /// Where a file called `path` in the image lies: the folders on its way are entered through links, and made
    /// where they are missing; a link at its end is not followed. `None`: the path is the root itself.
    pub(super) fn place(&self, path: &Path) -> io::Result<Option<PathBuf>> {
        let mut clean = PathBuf::new();
        for part in path.components() {
            match part {
                Component::Normal(name) => clean.push(name),
                Component::ParentDir => drop(clean.pop()),
                _ => {}
            }
        }
        let Some(name) = clean.file_name() else { return Ok(None) };
        Ok(Some(self.enter(clean.parent().unwrap_or(Path::new("")))?.join(name)))
    }

    /// Where the file or folder lies that `path` leads to from the root, its last link followed, too.
    pub(crate) fn find(&self, path: &Path) -> Option<PathBuf> {
        self.follow(path, |_| Err(ErrorKind::NotFound.into())).ok()
    }

    /// Follows `path` from the root to a folder, and makes what is missing.
    fn enter(&self, path: &Path) -> io::Result<PathBuf> {
        let reached = self.follow(path, |missing| self.make_folder(missing, IMPLIED))?;
        if reached == Path::new("") || self.is_folder(&reached)? {
            return Ok(reached);
        }
        Err(ErrorKind::NotADirectory.into())
    }

    /// Follows `path` from the root; `missing` is told of what is not there.
    fn follow(&self, path: &Path, missing: impl Fn(&Path) -> io::Result<()>) -> io::Result<PathBuf> {
        let (mut reached, mut links) = (PathBuf::new(), 0);
        let mut left = Vec::new();
        push_parts(&mut left, path);
        while let Some(part) = left.pop() {
            if part == ".." {
                reached.pop();
                continue;
            }
            let next = reached.join(part);
            match self.0.symlink_metadata(&next) {
                Ok(found) if found.is_symlink() => {
                    links += 1;
                    if links > LONGEST_CHAIN {
                        return Err(Errno::ELOOP.into());
                    }
                    let target = self.0.read_link_contents(&next)?;
                    if target.is_absolute() {
                        reached = PathBuf::new();
                    }
                    push_parts(&mut left, &target);
                }
                Ok(found) if found.is_dir() || left.is_empty() => reached = next,
                Ok(_) => return Err(ErrorKind::NotADirectory.into()),
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    missing(&next)?;
                    reached = next;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(reached)
    }

    pub(super) fn is_folder(&self, path: &Path) -> io::Result<bool> {
        match self.0.symlink_metadata(path) {
            Ok(found) => Ok(found.is_dir()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// What is in a folder.
    pub(super) fn names(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        let folder = if folder == Path::new("") { Path::new(".") } else { folder };
        self.0.read_dir(folder)?.map(|entry| Ok(entry?.file_name())).collect()
    }

    /// Removes what is at `path`, with all that is in it; nothing need be there.
    pub(super) fn remove(&self, path: &Path) -> io::Result<()> {
        let removed = match self.is_folder(path)? {
            true => self.0.remove_dir_all(path),
            false => self.0.remove_file(path),
        };
        removed.or_else(|error| if error.kind() == ErrorKind::NotFound { Ok(()) } else { Err(error) })
    }

    /// Makes a folder where none is yet. One whose owner is not the layer's stays open to its owner, who is not root:
    /// later layers go into it.
    pub(super) fn make_folder(&self, path: &Path, access: Access) -> io::Result<()> {
        if !self.is_folder(path)? {
            self.0.create_dir(path)?;
        }
        let open = if access.owner.is_none() { 0o700 } else { 0 };
        give(&self.0.open(path)?.into_std(), Access { mode: access.mode | open, ..access })
    }

    pub(super) fn write(&self, path: &Path, content: &mut impl Read, access: Access) -> io::Result<()> {
        let mut options = OpenOptions::new();
        let mut file: File = self.0.open_with(path, options.write(true).create_new(true))?.into_std();
        io::copy(content, &mut file)?;
        give(&file, access)
    }

    /// `target` is written as it is: the image's programs follow it in their root.
    pub(super) fn symlink(&self, target: &Path, path: &Path, access: Access) -> io::Result<()> {
        self.0.symlink_contents(target, path)?;
        let (Some((user, group)), Some(name)) = (access.owner, path.file_name()) else { return Ok(()) };
        let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
        let folder = self.0.open_dir(folder)?;
        let (user, group) = (Some(Uid::from_raw(user)), Some(Gid::from_raw(group)));
        Ok(fchownat(&folder, name, user, group, AtFlags::AT_SYMLINK_NOFOLLOW)?)
    }

    /// `target` is a path in the image; a link there is not followed.
    pub(super) fn hard_link(&self, target: &Path, path: &Path) -> io::Result<()> {
        let target = self.place(target)?.ok_or(Errno::EPERM)?;
        self.0.hard_link(target, &self.0, path)
    }
}

/// The owner first: a change of it takes away the setuid and setgid bits.
fn give(file: &File, access: Access) -> io::Result<()> {
    if let Some((user, group)) = access.owner {
        std::os::unix::fs::fchown(file, Some(user), Some(group))?;
    }
    file.set_permissions(Permissions::from_mode(access.mode))
}

/// Puts the parts of `path` on top of those that are left, the first one uppermost.
fn push_parts(left: &mut Vec<OsString>, path: &Path) {
    let parts = path.components().rev().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some(OsStr::new("..").to_owned()),
        _ => None,
    });
    left.extend(parts);
}
