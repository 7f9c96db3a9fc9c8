//! From the file to the model.

use std::path::Path;

use super::{
    model::{PROJECT_FILE, Project, ProjectError},
    planned, resolve,
};

impl Project {
    /// Reads and checks [`PROJECT_FILE`] under `root`, the root of the workspace.
    ///
    /// # Errors
    /// A file that cannot be read, and what [`Project::parse`] refuses.
    pub fn load(root: &Path) -> Result<Self, ProjectError> {
        let text = std::fs::read(root.join(PROJECT_FILE))
            .map_err(|source| ProjectError::Unreadable { path: PROJECT_FILE.to_owned(), source })?;
        Self::parse(&text)
    }

    /// Checks `text` as a whole.
    ///
    /// # Errors
    /// The first thing wrong, with its place: no YAML, an unknown key, a value that breaks a rule.
    pub fn parse(text: &[u8]) -> Result<Self, ProjectError> {
        let document = seatrial_template::parse(PROJECT_FILE, text).map_err(ProjectError::Invalid)?;
        planned::refuse(&document).map_err(ProjectError::Invalid)?;
        let settings = document.deserialize().map_err(ProjectError::Invalid)?;
        resolve::project(document, settings).map_err(ProjectError::Invalid)
    }
}
