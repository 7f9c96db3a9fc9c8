//! Where Postgres is installed.

use std::path::{Path, PathBuf};

/// The programs of one installed Postgres.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostgresBinaries {
    pub initdb: PathBuf,
    pub postgres: PathBuf,
}

/// No Postgres server is installed.
#[derive(Debug, thiserror::Error)]
#[error(
    "no Postgres server found: `initdb` and `postgres` are neither on PATH nor in the usual places; install \
     it, for example with `apt-get install postgresql`, `dnf install postgresql-server` or \
     `brew install postgresql`"
)]
pub struct PostgresNotFound;

/// Folders whose subfolders are versions, and what leads to the programs from there.
const VERSIONED: [(&str, &str, &str); 6] = [
    ("/usr/lib/postgresql", "", "bin"),
    ("/usr", "pgsql-", "bin"),
    ("/opt/homebrew/opt", "postgresql", "bin"),
    ("/usr/local/opt", "postgresql", "bin"),
    ("/home/linuxbrew/.linuxbrew/opt", "postgresql", "bin"),
    ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
];
const FIXED: [&str; 3] = ["/usr/local/pgsql/bin", "/opt/homebrew/bin", "/usr/lib/postgresql/bin"];

/// The folder to use, and the only one that counts, for those who have several versions.
const CHOSEN: &str = "XTASK_POSTGRES_BIN";

/// Finds `initdb` and `postgres` in the folder that `XTASK_POSTGRES_BIN` names; without it on PATH, else in the
/// places where packages put them, the newest version first.
pub fn find_postgres() -> Result<PostgresBinaries, PostgresNotFound> {
    if let Some(chosen) = std::env::var_os(CHOSEN).filter(|chosen| !chosen.is_empty()) {
        return both_in(Path::new(&chosen)).ok_or(PostgresNotFound);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).collect::<Vec<_>>();
    let usual = VERSIONED.iter().flat_map(|(folder, prefix, rest)| versions(Path::new(folder), prefix, rest));
    let candidates = on_path.into_iter().chain(usual).chain(FIXED.map(PathBuf::from));
    candidates.filter_map(|folder| both_in(&folder)).next().ok_or(PostgresNotFound)
}

/// Links are followed: the programs find one another in their real folder.
fn both_in(folder: &Path) -> Option<PostgresBinaries> {
    let program = |name: &str| folder.join(name).canonicalize().ok().filter(|path| path.is_file());
    Some(PostgresBinaries { initdb: program("initdb")?, postgres: program("postgres")? })
}

fn versions(folder: &Path, prefix: &str, rest: &str) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let named = |entry: std::fs::DirEntry| {
        let name = entry.file_name().into_string().ok()?;
        let version = name.strip_prefix(prefix)?.trim_start_matches('@').to_owned();
        let order: Vec<u32> = version.split('.').filter_map(|part| part.parse().ok()).collect();
        Some((order, entry.path().join(rest)))
    };
    let mut found: Vec<_> = entries.flatten().filter_map(named).collect();
    found.sort();
    found.into_iter().rev().map(|(_, path)| path).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_comes_first() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["postgresql@9.6", "postgresql@17", "postgresql", "other"] {
            std::fs::create_dir(dir.path().join(name)).unwrap();
        }

        let found = versions(dir.path(), "postgresql", "bin");

        let names: Vec<_> = ["postgresql@17/bin", "postgresql@9.6/bin", "postgresql/bin"]
            .map(|name| dir.path().join(name))
            .into();
        assert_eq!(found, names);
    }
}
