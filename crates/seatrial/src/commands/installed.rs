//! Where this program was installed from, as cargo keeps it: for projects that have no `xtask`.

use std::path::Path;

use seatrial_project::generate::Installed;

/// In which cargo keeps what it has installed, beside the folder `bin` (The Cargo Book, `cargo install`).
const LIST: &str = ".crates.toml";

/// The repository and the commit that this program was installed from by `cargo install --git`; `None` of one that was not.
pub(super) fn of_this_program() -> Option<Installed> {
    let program = std::env::current_exe().ok()?;
    let name = program.file_name()?.to_str()?;
    let list = std::fs::read_to_string(program.parent()?.parent()?.join(LIST)).ok()?;
    of_list(&list, name)
}

/// `"seatrial 0.1.0 (git+URL?rev=…#COMMIT)" = ["cargo-seatrial"]`.
fn of_list(list: &str, program: &str) -> Option<Installed> {
    let list: toml_edit::DocumentMut = list.parse().ok()?;
    let packages = list.get("v1")?.as_table_like()?;
    let is_it = |programs: &toml_edit::Item| {
        programs.as_array().is_some_and(|all| all.iter().any(|one| one.as_str() == Some(program)))
    };
    let (package, _) = packages.iter().find(|(_, programs)| is_it(programs))?;
    let source = package.rsplit_once(" (git+")?.1.strip_suffix(')')?;
    let (url, revision) = source.rsplit_once('#')?;
    Installed::new(url.split('?').next().unwrap_or(url), revision)
}

/// What the project in `root` should say of it and does not: nothing where it has an `xtask`, or where this program does not
/// know where it is from.
///
/// # Errors
/// A file that is there and cannot be read.
pub(super) fn outdated(root: &Path) -> std::io::Result<Option<Installed>> {
    let Some(said) = seatrial_project::generate::Place::find(root)?.installed else { return Ok(None) };
    Ok(of_this_program().filter(|own| *own != said))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_knows_the_commit_that_a_program_was_installed_from() {
        const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
        let list = |source: &str| format!("[v1]\n\"seatrial 0.1.0 ({source})\" = [\"cargo-seatrial\"]\n");
        let found = |source: &str| of_list(&list(source), "cargo-seatrial");
        for url in ["https://example.com/o/n", "file:///srv/n"] {
            let installed = Installed::new(url, COMMIT);
            assert!(installed.is_some());
            assert_eq!(found(&format!("git+{url}#{COMMIT}")), installed);
            assert_eq!(found(&format!("git+{url}?rev=0123456#{COMMIT}")), installed);
        }
        assert_eq!(found("path+file:///srv/n"), None);
        assert_eq!(found("registry+https://example.com/index"), None);
        assert_eq!(of_list(&list(&format!("git+file:///srv/n#{COMMIT}")), "other"), None);
        assert_eq!(of_list("no [ toml", "cargo-seatrial"), None);
    }
}
