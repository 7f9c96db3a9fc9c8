//! As whom a container runs: `USER` of its image or its definition, by the image's own `/etc/passwd` and `/etc/group`,
//! as runc reads them (opencontainers/runc, `GetExecUser`).

use std::path::Path;

use crate::runtime::sandbox::User;
use crate::runtime::unpack::Root;

/// A user, and their home.
#[derive(Debug, PartialEq)]
pub(super) struct Identity {
    pub user: User,
    pub home: String,
}

/// Whom `given` (`USER`, `USER:GROUP`, each by name or number) names in the image unpacked at `root`. The error is what
/// the runtime says.
pub(super) fn find(root: &Path, given: &str) -> Result<Identity, String> {
    let (name, group) = given.split_once(':').unwrap_or((given, ""));
    let name = if name.is_empty() { "0" } else { name };
    let users = lines(root, "etc/passwd");
    let number: Option<u32> = name.parse().ok();
    let by_name = users.iter().find(|fields| fields.first().is_some_and(|field| field == name));
    let by_number = || users.iter().find(|fields| number.is_some() && numeric(fields, 2) == number);
    let known = by_name.or_else(by_number);
    let uid = known.and_then(|fields| numeric(fields, 2)).or(number);
    let uid = uid.ok_or_else(|| format!("unable to find user {name}: no matching entries in passwd file"))?;
    let groups = lines(root, "etc/group");
    let mut user =
        User { uid, gid: known.and_then(|fields| numeric(fields, 3)).unwrap_or(0), groups: Vec::new() };
    if group.is_empty() {
        let own = known.and_then(|fields| fields.first());
        let has = |fields: &&Vec<String>| {
            own.is_some_and(|own| {
                fields.get(3).is_some_and(|members| members.split(',').any(|one| one == own))
            })
        };
        user.groups = groups.iter().filter(has).filter_map(|fields| numeric(fields, 2)).collect();
    } else {
        let found = groups.iter().find(|fields| fields.first().is_some_and(|field| field == group));
        let gid = found.and_then(|fields| numeric(fields, 2)).or_else(|| group.parse().ok());
        user.gid =
            gid.ok_or_else(|| format!("unable to find group {group}: no matching entries in group file"))?;
    }
    let home = known.and_then(|fields| fields.get(5)).filter(|home| !home.is_empty());
    Ok(Identity { user, home: home.cloned().unwrap_or_else(|| "/".to_owned()) })
}

fn numeric(fields: &[String], index: usize) -> Option<u32> {
    fields.get(index)?.parse().ok()
}

/// The lines of a file of the image, cut at colons; none of one that is not there.
fn lines(root: &Path, file: &str) -> Vec<Vec<String>> {
    let found = Root::open(root).ok().and_then(|image| image.find(Path::new(file)));
    let text = found.and_then(|found| std::fs::read(root.join(found)).ok()).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    text.lines().map(|line| line.split(':').map(|field| field.trim().to_owned()).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_and_groups_are_the_images_own() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("etc")).unwrap();
        let passwd = "root:x:0:0:root:/root:/bin/sh\napp:x:10001:10002::/home/app:/bin/false\n";
        std::fs::write(root.path().join("etc/passwd"), passwd).unwrap();
        let group = "root:x:0:\nmail:x:8:nobody,app\napp:x:10002:\nold:x:12:apple\n";
        std::fs::write(root.path().join("etc/group"), group).unwrap();
        type Expected = Result<(u32, u32, &'static [u32], &'static str), &'static str>;
        let cases: [(&str, Expected); 10] = [
            ("", Ok((0, 0, &[], "/root"))),
            ("app", Ok((10001, 10002, &[8], "/home/app"))),
            ("10001", Ok((10001, 10002, &[8], "/home/app"))),
            ("app:mail", Ok((10001, 8, &[], "/home/app"))),
            ("app:77", Ok((10001, 77, &[], "/home/app"))),
            ("77", Ok((77, 0, &[], "/"))),
            ("77:88", Ok((77, 88, &[], "/"))),
            (":mail", Ok((0, 8, &[], "/root"))),
            ("nobody", Err("unable to find user nobody: no matching entries in passwd file")),
            ("app:none", Err("unable to find group none: no matching entries in group file")),
        ];
        for (given, expected) in cases {
            let found = find(root.path(), given).map(|found| (found.user, found.home));
            let expected = expected.map_err(str::to_owned).map(|(uid, gid, groups, home)| {
                (User { uid, gid, groups: groups.to_owned() }, home.to_owned())
            });
            assert_eq!(found, expected, "{given}");
        }
    }
}
