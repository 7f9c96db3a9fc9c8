//! The image of these tests.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use tar::{Builder, EntryType, Header};

const PROGRAMS: [&str; 12] =
    ["bash", "cat", "grep", "head", "id", "ls", "od", "readlink", "rm", "sleep", "stat", "touch"];

/// A layer with some programs of this machine, the libraries that they are linked to, a few files of other owners, and
/// perhaps a program `/server`.
pub(super) fn layer(server: Option<&[u8]>) -> Vec<u8> {
    let mut layer = Builder::new(Vec::new());
    let mut libraries = BTreeSet::new();
    for program in PROGRAMS {
        let path = found(program);
        libraries.extend(linked(&path));
        add(&mut layer, &format!("bin/{program}"), &std::fs::read(path).unwrap(), (0, 0, 0o755));
    }
    for library in libraries {
        let name = library.to_str().unwrap().trim_start_matches('/').to_owned();
        add(&mut layer, &name, &std::fs::read(&library).unwrap(), (0, 0, 0o755));
    }
    if let Some(server) = server {
        add(&mut layer, "server", server, (0, 0, 0o755));
    }
    add(&mut layer, "data/own", b"new", (10001, 10002, 0o640));
    add(&mut layer, "data/setuid", b"", (10001, 0, 0o4755));
    layer.into_inner().unwrap()
}

fn add(layer: &mut Builder<Vec<u8>>, name: &str, content: &[u8], (uid, gid, mode): (u64, u64, u32)) {
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::Regular);
    header.set_size(content.len() as u64);
    header.set_uid(uid);
    header.set_gid(gid);
    header.set_mode(mode);
    layer.append_data(&mut header, name, content).unwrap();
}

fn found(program: &str) -> PathBuf {
    let folders = ["/bin", "/usr/bin"].map(Path::new);
    folders.iter().map(|folder| folder.join(program)).find(|path| path.exists()).unwrap()
}

/// The files that a program is linked to, its loader among them.
fn linked(program: &Path) -> Vec<PathBuf> {
    let told = Command::new("ldd").arg(program).output().unwrap();
    let told = String::from_utf8(told.stdout).unwrap();
    told.split_whitespace().filter(|word| word.starts_with('/')).map(PathBuf::from).collect()
}
