//! What `init` would write: files that are not there yet, and lines in some that are.

use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;

use super::ground::Ground;
use crate::commands::whole_file::write_whole;

/// Everything, in the order in which it is written.
#[derive(Default)]
pub(super) struct Planned {
    /// Paths from the project's folder, and texts: written where nothing is.
    pub files: Vec<(String, String)>,
    /// Files that are there, with what is added to them.
    pub edits: Vec<Edit>,
    /// What is for somebody to do by hand.
    pub by_hand: Vec<String>,
}

/// A file that gets another text.
pub(super) struct Edit {
    pub file: String,
    pub text: String,
    /// What is in it now.
    pub what: String,
}

/// What has become, or would become, of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub(super) enum Action {
    Made {
        file: String,
    },
    Edited {
        file: String,
        what: String,
    },
    /// It is there with another text.
    Left {
        file: String,
    },
}

impl Planned {
    pub(super) fn file(&mut self, path: impl Into<String>, text: impl Into<String>) {
        self.files.push((path.into(), text.into()));
    }

    /// What it would do to the folder, without what is there already.
    ///
    /// # Errors
    /// A file that is there and cannot be read.
    pub(super) fn actions(&self, ground: &Ground) -> anyhow::Result<Vec<Action>> {
        let mut actions = Vec::new();
        for (file, text) in &self.files {
            match ground.read(file)? {
                None => actions.push(Action::Made { file: file.clone() }),
                Some(found) if found == *text => {}
                Some(_) => actions.push(Action::Left { file: file.clone() }),
            }
        }
        let edited = |edit: &Edit| Action::Edited { file: edit.file.clone(), what: edit.what.clone() };
        actions.extend(self.edits.iter().map(edited));
        Ok(actions)
    }

    /// Does it. Whoever interrupts it finds whole files, and goes on by doing it again.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub(super) fn write(&self, root: &Path, actions: &[Action]) -> anyhow::Result<()> {
        for action in actions {
            let text = match action {
                Action::Made { file } => {
                    self.files.iter().find(|(path, _)| path == file).map(|(_, text)| text)
                }
                Action::Edited { file, .. } => {
                    self.edits.iter().find(|edit| edit.file == *file).map(|edit| &edit.text)
                }
                Action::Left { .. } => None,
            };
            if let (Some(text), Action::Made { file } | Action::Edited { file, .. }) = (text, action) {
                write_whole(&root.join(file), text).with_context(|| format!("failed to write `{file}`"))?;
            }
        }
        Ok(())
    }
}
