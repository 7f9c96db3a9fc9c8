//! The record of the last rehearsal of a checkout, kept under `${XDG_STATE_HOME:-~/.local/state}/seatrial/permissions`.

use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use seatrial_permissions::Record;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::local::{name_of_checkout, state_dir};
use crate::plan::difference::essential;
use crate::plan::template::StackTemplate;

/// A record, and what was rehearsed.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// What stands before the names of the stacks: `myapp-local-`.
    pub(crate) prefix: String,
    /// Of the templates as they were, without what changes nothing.
    pub(crate) templates: String,
    /// A release went through: what was not used then, nothing uses.
    #[serde(default)]
    pub(crate) complete: bool,
    #[serde(flatten)]
    pub(crate) record: Record,
}

impl Kept {
    /// What was rehearsed last in this checkout; `None` where nothing was, or not by a build that keeps it.
    pub(crate) fn read(root: &Path, project: &str) -> anyhow::Result<Option<Self>> {
        let path = path(root, project)?;
        match std::fs::read(&path) {
            Ok(text) => Ok(serde_json::from_slice(&text).ok()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("failed to read `{}`", path.display())),
        }
    }

    pub(crate) fn write(&self, root: &Path, project: &str) -> anyhow::Result<()> {
        let path = path(root, project)?;
        let failed = || format!("failed to write `{}`", path.display());
        let folder = path.parent().with_context(failed)?;
        std::fs::create_dir_all(folder).with_context(failed)?;
        let mut file = tempfile::NamedTempFile::new_in(folder).with_context(failed)?;
        file.write_all(&serde_json::to_vec(self)?).with_context(failed)?;
        file.persist(&path).with_context(failed)?;
        Ok(())
    }
}

fn path(root: &Path, project: &str) -> anyhow::Result<PathBuf> {
    Ok(state_dir()?.join("permissions").join(format!("{}.json", name_of_checkout(root, project))))
}

/// The digest of templates by what they make.
pub(crate) fn digest(templates: &[StackTemplate]) -> String {
    let mut digest = Sha256::new();
    for template in templates {
        digest.update(&template.name);
        digest.update(essential(&template.json).to_string());
    }
    hex::encode(digest.finalize())
}
