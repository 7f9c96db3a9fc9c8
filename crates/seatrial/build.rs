//! Lists the templates that the program brings, for `init` and `update`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// A link to this repository's own stacks, which a package of the crate holds as files.
const STACKS: &str = "stacks";

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed={STACKS}");
    let folder = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join(STACKS);
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder)? {
        names.extend(entry?.file_name().into_string());
    }
    names.retain(|name| name.ends_with(".yml"));
    names.sort();
    let mut list = String::from("[\n");
    for name in names {
        let file = folder.join(&name);
        println!("cargo::rerun-if-changed={}", file.display());
        // Formatting a string never fails.
        let _ = writeln!(list, "    ({name:?}, include_str!({file:?})),");
    }
    list.push_str("]\n");
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(Path::new(&out).join("stacks.rs"), list)
}
