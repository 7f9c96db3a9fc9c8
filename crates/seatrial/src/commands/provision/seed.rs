//! Spares the local cloud's first build what this program's own build has compiled already.
//!
//! The build compiles `seatrial-image` in its cache, as CodeBuild does. Its dependencies are this program's too, with
//! the same features, and lie beside this program: linked into a cache that is still empty, cargo finds them fresh.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// What cargo keeps of compiled units, below the folder of a profile.
const PRODUCTS: [&str; 3] = [".fingerprint", "build", "deps"];
/// How the products of this tool's own packages begin. Their sources may differ, and cargo writes into them: a link
/// would write into the user's.
const OWN: [&str; 4] = ["libseatrial", "libxtask", "seatrial", "xtask"];

/// Links or copies them into the cache of CodeBuild project `project`, where there is none yet; whether it did.
///
/// # Errors
/// Whatever keeps them from being linked, such as two file systems. Without them the build takes longer, and that is
/// all.
pub(super) fn seed(project: &str) -> io::Result<bool> {
    let home = std::env::home_dir().ok_or(io::ErrorKind::NotFound)?;
    let cache = home.join(".cache/image-build").join(project).join("tool");
    let program = std::env::current_exe()?;
    let profile = program.parent().ok_or(io::ErrorKind::NotFound)?;
    seed_from(profile, &cache)
}

fn seed_from(profile: &Path, cache: &Path) -> io::Result<bool> {
    if cache.exists() || !PRODUCTS.iter().all(|folder| profile.join(folder).is_dir()) {
        return Ok(false);
    }
    let parent = cache.parent().ok_or(io::ErrorKind::NotFound)?;
    fs::create_dir_all(parent)?;
    // Whole or not at all, also if two commands do it at once.
    let new = tempfile::Builder::new().prefix(".seed-").tempdir_in(parent)?;
    for (products, place) in compiled(profile) {
        for folder in PRODUCTS {
            link_all(&products.join(folder), &new.path().join(&place).join(folder), &OWN)?;
        }
    }
    fs::rename(new.path(), cache)?;
    // It has another name now.
    let _ = new.keep();
    Ok(true)
}

/// Folders of products, and their places below cargo's target directory. A program that was compiled for a target by name
/// has what ran meanwhile, as macros do, in another folder than its own.
fn compiled(profile: &Path) -> Vec<(PathBuf, PathBuf)> {
    let own = |place: &Path| (profile.to_owned(), place.join("debug"));
    let target = profile.parent().filter(|target| {
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(&format!("{}-", std::env::consts::ARCH))
    });
    let named = target.and_then(|target| Some((target.parent()?.join("debug"), target.file_name()?)));
    match named {
        Some((ran, name)) => vec![own(Path::new(name)), (ran, PathBuf::from("debug"))],
        None => vec![own(Path::new(""))],
    }
}

fn link_all(from: &Path, to: &Path, except: &[&str]) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        if except.iter().any(|start| name.to_string_lossy().starts_with(start)) {
            continue;
        }
        let target = to.join(&name);
        match entry.file_type()?.is_dir() {
            true => link_all(&entry.path(), &target, &[])?,
            false if is_replaced_whole(&entry.path())? => fs::hard_link(entry.path(), target)?,
            // Cargo and build scripts write into these: a link would write into the user's.
            false => copy_with_time(&entry.path(), &target)?,
        }
    }
    Ok(())
}

/// cargo holds whatever is older than what it was made of for stale, and compiles all that depends on it.
fn copy_with_time(from: &Path, to: &Path) -> io::Result<()> {
    fs::copy(from, to)?;
    let copied = fs::File::options().write(true).open(to)?;
    copied.set_modified(fs::metadata(from)?.modified()?)
}

/// Whether compilers write such a file anew under its name, and never into it: libraries, and programs.
fn is_replaced_whole(path: &Path) -> io::Result<bool> {
    let is_library =
        path.extension().is_some_and(|end| ["rlib", "rmeta", "so", "dylib"].iter().any(|e| end == *e));
    Ok(is_library || fs::metadata(path)?.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cache_that_is_not_there_gets_what_others_made_and_nothing_of_our_own() {
        let dir = tempfile::tempdir().unwrap();
        let (profile, cache) = (dir.path().join("debug"), dir.path().join("cache/tool"));
        let long_ago = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_500_000_000);
        for file in [
            "deps/libserde-1.rlib",
            "deps/libseatrial_image-2.rlib",
            ".fingerprint/serde-1/lib",
            "build/x/out",
        ] {
            let path = profile.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, file).unwrap();
            fs::File::options().write(true).open(path).unwrap().set_modified(long_ago).unwrap();
        }

        assert!(seed_from(&profile, &cache).unwrap());

        let linked = |file: &str| cache.join("debug").join(file).exists();
        assert!(
            linked("deps/libserde-1.rlib") && linked(".fingerprint/serde-1/lib") && linked("build/x/out")
        );
        assert!(!linked("deps/libseatrial_image-2.rlib"));
        for file in ["deps/libserde-1.rlib", ".fingerprint/serde-1/lib", "build/x/out"] {
            let time = fs::metadata(cache.join("debug").join(file)).unwrap().modified().unwrap();
            assert_eq!(time, long_ago, "cargo would compile {file} anew");
        }
        // What the build writes into what it got does not reach the user's.
        for file in [".fingerprint/serde-1/lib", "build/x/out"] {
            fs::write(cache.join("debug").join(file), "written by the build").unwrap();
            assert_eq!(fs::read_to_string(profile.join(file)).unwrap(), file);
        }
        assert!(!seed_from(&profile, &cache).unwrap(), "a cache that is there is somebody's");
        assert!(!seed_from(dir.path(), &dir.path().join("other")).unwrap());
    }

    #[test]
    fn of_a_program_compiled_for_a_named_target_the_macros_come_along() {
        let dir = tempfile::tempdir().unwrap();
        let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
        for place in ["debug", &format!("{target}/debug")] {
            for folder in PRODUCTS {
                let path = dir.path().join("target").join(place).join(folder);
                fs::create_dir_all(&path).unwrap();
                fs::write(path.join("product"), place).unwrap();
            }
        }
        let (named, cache) = (dir.path().join("target").join(&target).join("debug"), dir.path().join("tool"));

        assert!(seed_from(&named, &cache).unwrap());

        for place in ["debug", &format!("{target}/debug")] {
            assert_eq!(fs::read_to_string(cache.join(place).join("deps/product")).unwrap(), place);
        }
    }
}
