//! What is kept of a release that did not go well, under `target/releases/EXECUTION/`: written while its tasks are there.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::Serialize;

use super::story::Story;
use crate::follow::{Evidence, TaskEvidence, words};

const FOLDER: &str = "target/releases";
const STORY: &str = "explanation.json";

/// The folder of one execution.
pub(crate) struct Kept {
    folder: PathBuf,
    /// From the project's folder.
    shown: String,
}

impl Kept {
    pub(crate) fn of(root: &Path, execution: &str) -> Self {
        // An id that is typed must not lead elsewhere.
        let name: String = execution.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
        let shown = format!("{FOLDER}/{name}");
        Self { folder: root.join(&shown), shown }
    }

    /// Where it lies, if there is anything.
    pub(super) fn there(&self) -> Option<String> {
        self.folder.is_dir().then(|| self.shown.clone())
    }

    /// What was told of it.
    pub(super) fn story(&self) -> Option<Story> {
        serde_json::from_slice(&fs::read(self.folder.join(STORY)).ok()?).ok()
    }

    /// Writes what the tasks showed: how each stopped and its log, and how the targets stood.
    ///
    /// # Errors
    /// What the system says: nothing else is lost by it.
    pub(crate) fn keep(&self, evidence: &Evidence) -> io::Result<()> {
        let tasks = self.folder.join("tasks");
        fs::create_dir_all(&tasks)?;
        for task in &evidence.tasks {
            fs::write(tasks.join(format!("{}.log", task.id)), log(task))?;
        }
        self.write("targets.json", &evidence.targets)
    }

    /// Writes what was told in the end; where it lies.
    pub(crate) fn tell(&self, story: &Story, steps: &impl Serialize) -> io::Result<String> {
        fs::create_dir_all(&self.folder)?;
        self.write(STORY, story)?;
        self.write("lifecycle-events.json", steps)?;
        Ok(self.shown.clone())
    }

    fn write(&self, name: &str, value: &impl Serialize) -> io::Result<()> {
        fs::write(self.folder.join(name), serde_json::to_vec_pretty(value)?)
    }
}

/// What the task said of itself, line by line.
fn log(task: &TaskEvidence) -> String {
    let mut text = String::new();
    match &task.stopped {
        Some(stopped) => {
            let time = stopped.time.map(|time| time.to_string()).unwrap_or_default();
            let _ = writeln!(text, "# stopped {time} ({}): {}", stopped.code, words(stopped));
        }
        None => text.push_str("# it ran\n"),
    }
    for line in &task.log {
        let time = line.time.map(|time| time.to_string()).unwrap_or_default();
        let _ = writeln!(text, "{time} {}", line.text.trim_end());
    }
    text
}
