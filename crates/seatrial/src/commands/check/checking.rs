//! A step that a project adds to `check`, and what it works with.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crate::install::{self, Package};
use crate::running::Running;
use crate::session::Session;

type Step = Box<dyn Fn(&Checking<'_>) -> Result<(), String>>;

/// A step that a project adds.
pub struct Check {
    pub(super) name: &'static str,
    pub(super) run: Step,
}

impl Check {
    /// A step called `name`; what it answers as an error is printed, and fails the check.
    pub fn new(name: &'static str, run: impl Fn(&Checking<'_>) -> Result<(), String> + 'static) -> Self {
        Self { name, run: Box::new(run) }
    }
}

/// What a step of the project's works with.
pub struct Checking<'a> {
    pub(super) session: &'a Session,
    pub(super) root: &'a Path,
    pub(super) install_missing: bool,
}

impl Checking<'_> {
    /// The run that the check is part of: through it a step runs programs.
    pub fn running(&self) -> Running<'_> {
        Running::new(self.session)
    }

    /// The project's folder.
    pub fn root(&self) -> &Path {
        self.root
    }

    /// The files that git knows or would add, below the project's folder and relative to it, sorted.
    ///
    /// # Errors
    /// A folder that is no checkout.
    pub fn files(&self, pattern: &str) -> Result<Vec<PathBuf>, String> {
        let arguments = ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", pattern];
        let listed = seatrial_git::bytes(self.root, &arguments).map_err(|error| error.to_string())?;
        // A set: a file that is being merged is listed once for each side.
        let paths: BTreeSet<PathBuf> = listed
            .split(|byte| *byte == 0)
            .filter(|name| !name.is_empty())
            .map(|name| PathBuf::from(OsStr::from_bytes(name)))
            .filter(|path| self.root.join(path).exists())
            .collect();
        Ok(paths.into_iter().collect())
    }

    /// Makes sure that a program is there: installed with `--install-missing`, else an error that says how.
    ///
    /// # Errors
    /// A program that is missing and is not to be installed, or cannot be.
    pub fn needs(&self, package: &Package) -> Result<(), String> {
        install::ensure_program(self.session, self.install_missing, package)
            .map_err(|error| format!("{error:#}"))
    }

    /// The same for a package of PyPI's, pinned as `name==version`; the folder of its programs.
    ///
    /// # Errors
    /// As [`Checking::needs`].
    pub fn needs_python(&self, requirement: &str) -> Result<PathBuf, String> {
        install::ensure_python(self.session, self.root, self.install_missing, requirement)
            .map_err(|error| format!("{error:#}"))
    }

    /// Makes sure that a Postgres server is there.
    ///
    /// # Errors
    /// As [`Checking::needs`].
    pub fn needs_postgres(&self) -> Result<(), String> {
        install::ensure_postgres(self.session, self.install_missing).map_err(|error| format!("{error:#}"))
    }
}
