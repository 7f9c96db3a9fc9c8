//! Users and groups of containers, and whose they are on this machine.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;

use nix::unistd::{getegid, geteuid};

/// As many ids as a container has: 0 to 65,535, as with Docker's user namespaces.
const COUNT: u32 = 65_536;
/// The first of those that the root of this machine gives: in the range that systemd keeps for containers
/// (systemd.io/UIDS-GIDS, "524288…1879048191"), and in no range that distributions give to users.
const FIRST: u32 = 0x3A5E_0000;

/// How ids in a container become ids of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ids {
    /// Root gives ids that are nobody's.
    Shifted,
    /// A user gives their own to the container's root, and all others from a range that is theirs, by `newuidmap` and
    /// `newgidmap`: the first user, and the first group.
    Subordinate(u32, u32),
    /// A user has no id to give but their own.
    Own,
}

impl Ids {
    /// What the user of this process may give.
    pub(super) fn of_this_user() -> Self {
        if geteuid().is_root() {
            return Self::Shifted;
        }
        let helpers = ["newuidmap", "newgidmap"].iter().all(|name| is_installed(name));
        let ranges = (range("/etc/subuid"), range("/etc/subgid"));
        match ranges {
            (Some(users), Some(groups)) if helpers => Self::Subordinate(users, groups),
            _ => Self::Own,
        }
    }

    /// A name for what has these owners.
    pub(crate) fn name(self) -> String {
        match self {
            Self::Shifted => "shifted".to_owned(),
            Self::Subordinate(users, groups) => format!("subordinate-{users}-{groups}"),
            Self::Own => "own".to_owned(),
        }
    }

    /// Whether files can have the owners that layers name.
    pub(crate) fn keep_owners(self) -> bool {
        self != Self::Own
    }

    /// Maps the ids of the user namespace of process `pid`.
    pub(super) fn map(self, pid: u32) -> io::Result<()> {
        let (user, group) = (geteuid().as_raw(), getegid().as_raw());
        let maps = match self {
            Self::Shifted => [format!("0 {FIRST} {COUNT}"), format!("0 {FIRST} {COUNT}")],
            Self::Own => {
                // Else a user could leave a group that keeps them out (user_namespaces(7), "setgroups").
                fs::write(format!("/proc/{pid}/setgroups"), "deny")?;
                [format!("0 {user} 1"), format!("0 {group} 1")]
            }
            Self::Subordinate(users, groups) => {
                let rest = COUNT - 1;
                mapped_by("newuidmap", pid, &[0, user, 1, 1, users, rest])?;
                return mapped_by("newgidmap", pid, &[0, group, 1, 1, groups, rest]);
            }
        };
        for (kind, map) in ["uid_map", "gid_map"].iter().zip(maps) {
            fs::write(format!("/proc/{pid}/{kind}"), map)?;
        }
        Ok(())
    }

    /// Gives a folder to the root of containers.
    pub(crate) fn give(self, folder: &Path) -> io::Result<()> {
        match self {
            Self::Shifted => std::os::unix::fs::chown(folder, Some(FIRST), Some(FIRST)),
            Self::Subordinate(..) | Self::Own => Ok(()),
        }
    }
}

fn mapped_by(program: &str, pid: u32, map: &[u32]) -> io::Result<()> {
    let mut command = Command::new(program);
    let output = command.arg(pid.to_string()).args(map.iter().map(u32::to_string)).output()?;
    match output.status.success() {
        true => Ok(()),
        false => {
            Err(io::Error::other(format!("{program}: {}", String::from_utf8_lossy(&output.stderr).trim())))
        }
    }
}

fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// The first id of a range of this user's in a file (subuid(5)) that is large enough.
fn range(file: &str) -> Option<u32> {
    let user = nix::unistd::User::from_uid(geteuid()).ok().flatten().map(|user| user.name);
    range_in(&fs::read_to_string(file).ok()?, &user.unwrap_or_default(), geteuid().as_raw())
}

fn range_in(text: &str, name: &str, uid: u32) -> Option<u32> {
    let ranges = text.lines().filter_map(|line| {
        let (whose, range) = line.split_once(':')?;
        let (first, count) = range.split_once(':')?;
        let is_own = whose == name || whose.parse() == Ok(uid);
        let is_large = count.trim().parse::<u32>().ok()? >= COUNT - 1;
        (is_own && is_large).then(|| first.parse().ok()).flatten()
    });
    ranges.into_iter().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_range_of_the_user_that_is_large_enough_is_taken() {
        let text = "other:100000:65536\nme:1:100\nme:231072:65536\nme:900000:65536\n";
        assert_eq!(range_in(text, "me", 7), Some(231_072));
        assert_eq!(range_in("1000:165536:65535", "me", 1000), Some(165_536));
        assert_eq!(range_in(text, "nobody", 7), None);
    }
}
