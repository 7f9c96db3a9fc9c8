//! `cargo xtask init`: makes a project of a folder. Writes files of that folder only, and overwrites none.
//!
//! What can be seen is not asked for: the package, the port, the repository, the branch. A new folder gets a small
//! application and one workspace; a folder with an application gets a tool that is a workspace of its own, so that
//! nothing of the application's changes. Begun again, it makes what is missing.

mod answers;
mod application;
mod ground;
mod planned;
mod project_file;
mod tool;

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use seatrial_project::generate;
use seatrial_project::{PROJECT_FILE, Project, STACKS_FOLDER};
use serde::Serialize;
use tokio::process::Command;

use self::answers::{Answers, agree, checks_of_cargo};
use self::application::Application;
use self::ground::Ground;
use self::planned::{Action, Planned};
use self::tool::{Tool, workspace_of_new_folder};
use super::whole_file::write_whole;
use super::workflow;
use crate::cli::InitArgs;
use crate::exit::Failed;
use crate::outcome::Report;
use crate::process;
use crate::session::Session;
use crate::shipped::{LOCK, ORIGINALS, STACKS, original};

/// The application of a new folder.
const SAMPLE: [(&str, &str); 4] = [
    ("app/Cargo.toml", include_str!("sample/Cargo.toml.txt")),
    ("app/src/main.rs", include_str!("sample/main.rs")),
    ("app/src/page.html", include_str!("sample/page.html")),
    (".gitignore", "/target/\n"),
];
const ABOUT_ORIGINALS: &str = "The templates of ../stacks as Seatrial brought them: by these `update` tells your edits \
                               from what is new. Commit them, and leave them as they are.\n";

/// What was made, or would be.
#[derive(Serialize)]
pub(crate) struct Initialized {
    folder: PathBuf,
    dry_run: bool,
    files: Vec<Action>,
    by_hand: Vec<String>,
    /// What to type next, in this order.
    next: Vec<String>,
}

/// Everything that is known before the first file is written.
struct Design {
    planned: Planned,
    tool: Tool,
    notes: Vec<String>,
}

pub(crate) async fn run(session: &Session, args: &InitArgs) -> anyhow::Result<Report<Initialized>> {
    let ground = Ground::find(&args.folder)?;
    let Design { planned, tool, notes } = design(session, &ground, args).await?;
    let mut files = planned.actions(&ground)?;
    if !args.dry_run {
        session.cancel.check()?;
        if !files.iter().all(|action| matches!(action, Action::Left { .. })) || ground.git.is_none() {
            session.changes.note();
        }
        if ground.git.is_none() {
            make_repository(session, &ground.root).await?;
        }
        planned.write(&ground.root, &files)?;
        if planned.by_hand.is_empty() {
            files.extend(complete_lock(session, &ground, &tool).await?);
        }
    }
    notes.iter().for_each(|note| session.printer.note(format_args!("note: {note}")));
    let next = match planned.by_hand.is_empty() {
        true => next(&ground, &tool, args),
        false => Vec::new(),
    };
    let (folder, dry_run) = (ground.root.clone(), args.dry_run);
    Ok(Report::done(Initialized { folder, dry_run, files, by_hand: planned.by_hand, next }))
}

async fn design(session: &Session, ground: &Ground, args: &InitArgs) -> anyhow::Result<Design> {
    if let Some(project) = &ground.project {
        agree(project, args)?;
        let tool = Tool::of_folder(ground, args)?;
        let mut planned = Planned::default();
        plan_common(ground, args, &tool, &mut planned)?;
        plan_generated(ground, project, &tool, &mut planned)?;
        return Ok(Design { planned, tool, notes: Vec::new() });
    }
    let has_nothing = args.package.is_none() && args.dockerfile.is_none();
    if has_nothing && let Some(design) = of_new_folder(ground, args)? {
        return Ok(design);
    }
    let application = Application::find(session, ground, args).await?;
    let tool = Tool::of_folder(ground, args)?;
    let mut planned = Planned::default();
    plan_common(ground, args, &tool, &mut planned)?;
    let mut answers = Answers::find(ground, &application, args, &tool.program());
    if matches!(application, Application::Package { .. }) {
        // It compiles the project: a dry run does not.
        if !args.dry_run {
            answers.checks.extend(checks_of_cargo(session, ground).await?);
        }
    }
    let notes = plan_project(ground, &answers, &application, &tool, &mut planned)?;
    Ok(Design { planned, tool, notes })
}

/// `None` where the folder has something.
fn of_new_folder(ground: &Ground, args: &InitArgs) -> anyhow::Result<Option<Design>> {
    let tool = match Tool::of_new_folder(args) {
        Ok(tool) => tool,
        Err(error) => return if ground.holds_nothing_but(&[])? { Err(error) } else { Ok(None) },
    };
    let mut planned = Planned::default();
    planned.file("Cargo.toml", workspace_of_new_folder(&tool));
    SAMPLE.iter().for_each(|(path, text)| planned.file(*path, *text));
    // Nobody may have said where the tool comes from, which only counts in a folder that is new.
    let is_planned = plan_common(ground, args, &tool, &mut planned);
    if !ground.holds_nothing_but(&planned.files)? {
        return Ok(None);
    }
    is_planned?;
    let answers = Answers::find(ground, &Application::Sample, args, &tool.program());
    let notes = plan_project(ground, &answers, &Application::Sample, &tool, &mut planned)?;
    Ok(Some(Design { planned, tool, notes }))
}

/// The tool, the stacks with their originals, and what git is to leave alone.
fn plan_common(ground: &Ground, args: &InitArgs, tool: &Tool, planned: &mut Planned) -> anyhow::Result<()> {
    tool.plan(ground, args, planned)?;
    if let Some(found) = ground.read(".gitignore")? {
        let ignored = ["target", "/target", "target/", "/target/", "**/target", "**/target/"];
        if !found.lines().any(|line| ignored.contains(&line.trim())) {
            let end = if found.is_empty() || found.ends_with('\n') { "" } else { "\n" };
            let (file, what) = (".gitignore".to_owned(), "`/target/`".to_owned());
            planned.edits.push(planned::Edit { file, text: format!("{found}{end}/target/\n"), what });
        }
    } else if !planned.files.iter().any(|(path, _)| path == ".gitignore") {
        planned.file(".gitignore", "/target/\n");
    }
    plan_stacks(ground, planned)
}

/// A template with an original was brought before: if it is gone, somebody does without it.
fn plan_stacks(ground: &Ground, planned: &mut Planned) -> anyhow::Result<()> {
    planned.file(format!("{ORIGINALS}/README"), ABOUT_ORIGINALS);
    for (name, text) in STACKS {
        let file = format!("{STACKS_FOLDER}/{name}");
        let (found, first) = (ground.read(&file)?, ground.read(&original(name))?);
        let (is_new, is_same) = (first.is_none(), first.as_deref() == Some(text));
        // The original last: whoever is interrupted between them has not done without the template.
        if is_new || is_same && found.is_some() {
            planned.file(file, *text);
        }
        // What somebody else put there has nothing of ours to be merged with.
        if is_same || is_new && found.as_deref().is_none_or(|found| found == *text) {
            planned.file(original(name), *text);
        }
    }
    Ok(())
}

/// project.yml and what is rendered from it. Answers what is not as somebody may think it is.
fn plan_project(
    ground: &Ground,
    answers: &Answers,
    application: &Application,
    tool: &Tool,
    planned: &mut Planned,
) -> anyhow::Result<Vec<String>> {
    let text = project_file::text(answers, application);
    let project = Project::parse(text.as_bytes()).context("what was said and seen makes no project")?;
    planned.file(PROJECT_FILE, text);
    plan_generated(ground, &project, tool, planned)?;
    let mut notes = Vec::new();
    if answers.is_of_nobody() {
        let repository = &answers.repository;
        notes.push(format!(
            "no remote of this checkout is at GitHub: `source.repository` is `{repository}` until you set it"
        ));
    }
    if let Application::Package { name, .. } = application
        && ground.root.join("Dockerfile").exists()
    {
        notes.push(format!(
            "the image is made of package `{name}` alone; `--dockerfile Dockerfile` makes it by the Dockerfile that is here"
        ));
    }
    Ok(notes)
}

/// The files of `.aws/`, and the workflow.
fn plan_generated(
    ground: &Ground,
    project: &Project,
    tool: &Tool,
    planned: &mut Planned,
) -> anyhow::Result<()> {
    let rendered = generate::files(project, &tool.place).context("failed to render the generated files")?;
    rendered.into_iter().for_each(|file| planned.file(file.path, file.text));
    let workflow = workflow::of_project(ground.git.as_ref(), &ground.root, &tool.place)?;
    planned.file(workflow.path, workflow.text);
    Ok(())
}

async fn make_repository(session: &Session, root: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(root).with_context(|| format!("failed to make `{}`", root.display()))?;
    let mut git: Command = seatrial_git::command(root).into();
    git.args(["init", "--quiet", "--initial-branch", "main"]);
    let output =
        process::output(session, git).await.context("failed to run `git init`: is git installed?")?;
    match output.status.success() {
        true => Ok(()),
        false => {
            Err(Failed(format!("`git init` failed: {}", String::from_utf8_lossy(&output.stderr).trim()))
                .into())
        }
    }
}

/// Has cargo write the tool's lock file, from the versions that the tool was tested with. Those of an application that is a
/// workspace of its own are not touched.
async fn complete_lock(session: &Session, ground: &Ground, tool: &Tool) -> anyhow::Result<Option<Action>> {
    let is_new_workspace = ground.read("Cargo.toml")?.as_deref() == Some(&workspace_of_new_folder(tool));
    let file = match tool.lock() {
        Some(file) => file,
        // That of the application that was made, and no other's.
        None if is_new_workspace => "Cargo.lock".to_owned(),
        None => return Ok(None),
    };
    let before = ground.read(&file)?;
    if before.is_none() {
        session.changes.note();
        write_whole(&ground.root.join(&file), LOCK).with_context(|| format!("failed to write `{file}`"))?;
    }
    // Only what is not locked is looked for, and nothing is downloaded but the repository that the tool comes from: as it is
    // now, unless it is out of reach.
    let cargo = |network: &[&str]| {
        let mut cargo = Command::new("cargo");
        cargo.args(["update", "--workspace", "--quiet", "--manifest-path", &file.replace(".lock", ".toml")]);
        process::output(session, {
            cargo.args(network).current_dir(&ground.root);
            cargo
        })
    };
    let output = match cargo(&[]).await? {
        output if output.status.success() => output,
        failed => match cargo(&["--offline"]).await? {
            output if output.status.success() => output,
            _ => failed,
        },
    };
    if !output.status.success() {
        if before.is_none() {
            // Half of one would be taken for whole.
            let _ = std::fs::remove_file(ground.root.join(&file));
        }
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(Failed(format!("cargo could not complete `{file}`:\n{}", said.trim())).into());
    }
    let what = "what the tool is compiled from".to_owned();
    Ok(match before {
        None => Some(Action::Made { file }),
        Some(before) if ground.read(&file)?.as_deref() != Some(&before) => {
            Some(Action::Edited { file, what })
        }
        Some(_) => None,
    })
}

/// The two commands to type.
fn next(ground: &Ground, tool: &Tool, args: &InitArgs) -> Vec<String> {
    let quoted = match args.folder == Path::new(".") {
        true => String::new(),
        false => format!("cd '{}' && ", ground.root.display()),
    };
    vec![
        format!("{quoted}git add --all . && git commit --message 'Take Seatrial in'"),
        format!("{} rehearse --install-missing", tool.program()),
    ]
}

impl fmt::Display for Initialized {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (made, edited) = if self.dry_run { ("would make", "would edit") } else { ("made", "edited") };
        for action in &self.files {
            match action {
                Action::Made { file } if file.starts_with(ORIGINALS) => {}
                Action::Made { file } => writeln!(f, "{made:10} {file}")?,
                Action::Edited { file, what } => writeln!(f, "{edited:10} {file}: {what}")?,
                Action::Left { file } => {
                    writeln!(f, "{:10} {file}: it is there already, with another text", "left")?
                }
            }
        }
        for text in &self.by_hand {
            writeln!(f, "\n{text}\n")?;
        }
        let done = self.files.iter().all(|action| matches!(action, Action::Left { .. }));
        match (done, self.dry_run) {
            (true, _) => write!(f, "nothing to do in {}", self.folder.display()),
            (false, true) => write!(f, "nothing was written"),
            (false, false) => {
                write!(f, "{} is a project", self.folder.display())?;
                if !self.next.is_empty() {
                    write!(f, ". Now type:\n\n  {}", self.next.join("\n  "))?;
                }
                Ok(())
            }
        }
    }
}
