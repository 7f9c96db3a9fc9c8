//! What is kept of a release that did not go well, under `target/releases/EXECUTION/`: written while its tasks are there.

use std::fmt::Write as _;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::{Deserialize, Serialize};

use super::story::Story;
use crate::follow::{Evidence, TaskEvidence, words};

const FOLDER: &str = "target/releases";
const STORY: &str = "explanation.json";

/// What was told, and of which end.
#[derive(Serialize, Deserialize)]
struct Told {
    status: String,
    explanation: Story,
}

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

    /// What was told of it when it had come to stand as it does now: an action that was tried again ends otherwise.
    pub(super) fn story(&self, status: &str) -> Option<Story> {
        let told: Told = serde_json::from_slice(&fs::read(self.folder.join(STORY)).ok()?).ok()?;
        (told.status == status).then_some(told.explanation)
    }

    /// Writes what the tasks showed: how each stopped and its log, and how the targets stood.
    ///
    /// # Errors
    /// What the system says: nothing else is lost by it.
    pub(crate) fn keep(&self, evidence: &Evidence) -> io::Result<()> {
        self.make()?;
        let tasks = self.folder.join("tasks");
        fs::create_dir_all(&tasks)?;
        for task in &evidence.tasks {
            private(&tasks.join(format!("{}.log", task.id)), log(task).as_bytes())?;
        }
        self.write("targets.json", &evidence.targets)
    }

    /// Writes what was told in the end; where it lies.
    pub(crate) fn tell(&self, (status, story): (&str, &Story), steps: &impl Serialize) -> io::Result<String> {
        self.make()?;
        self.write(STORY, &Told { status: status.to_owned(), explanation: story.clone() })?;
        self.write("lifecycle-events.json", steps)?;
        Ok(self.shown.clone())
    }

    /// The owner's alone: an application may have written anything into its log.
    fn make(&self) -> io::Result<()> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        // Whatever the project ignores: logs are not to be committed.
        let ignore = self.folder.with_file_name(".gitignore");
        if ignore.exists() { Ok(()) } else { fs::write(ignore, "*\n") }
    }

    fn write(&self, name: &str, value: &impl Serialize) -> io::Result<()> {
        private(&self.folder.join(name), &serde_json::to_vec_pretty(value)?)
    }
}

fn private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600).open(path)?.write_all(bytes)
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
