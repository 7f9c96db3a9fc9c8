//! The text of a new infra/project.yml: what was seen and said, and the keys that come next.

use super::answers::Answers;
use super::application::Application;

/// Where comments begin, as far as what stands before them leaves room.
const COMMENTS: usize = 40;

/// The file's text.
pub(super) fn text(answers: &Answers, application: &Application) -> String {
    let Answers { name, repository, branch, port, health_check_path, has_database, checks, program } =
        answers;
    let mut text = format!(
        "# The one file to edit. `{program} diff` tells what an edit would do; docs/project-yml.md of Seatrial has every key.\n\
         # Each key works at one time: [creation] is fixed from then on, [provision] and [release] name the command.\n\n\
         # Every name on AWS starts with project and environment, together at most 30 characters.\n"
    );
    let mut line = |key: &str, comment: &str| text.push_str(&commented(key, comment));
    line(&format!("project: {}", scalar(name)), "[creation]");
    line("", "");
    line("source:", "[provision]");
    line(&format!("  repository: {}", scalar(repository)), "owner/name at GitHub");
    line(&format!("  branch: {}", scalar(branch)), "each push to it is released");
    line("", "");
    line("app:", "");
    line(&format!("  port: {port}"), "[creation] on which the application listens, and its PORT");
    let path = format!("  health_check_path: {}", scalar(health_check_path));
    line(&path, "[release, then provision] answers 200 while a task can serve");
    line("  cpu: 256", "[release] CPU units, 1024 are one processor");
    line("  memory: 512", "[release] MiB; Fargate allows certain pairs with cpu");
    let read_only = !matches!(application, Application::Dockerfile { .. });
    let writes = "[release] false: it may write files, which are gone with their task";
    line(&format!("  read_only: {read_only}"), writes);
    line("  environment: {}", "[release] NAME: value, or NAME: {output: NameOfAStacksOutput}");
    line("  secrets: {}", "[provision, then release] NAME: ARN of a secret or of an SSM parameter");
    line("", "");
    line("image:", "");
    match application {
        Application::Dockerfile { file, context, .. } => {
            line("  builder: docker", "[provision] or cargo: a package of a Cargo workspace");
            let file = format!("  dockerfile: {}", scalar(file));
            line(&file, "[release] followed by docker, podman or buildah, whichever is there");
            line(&format!("  context: {}", scalar(context)), "[release] the folder that it copies from");
        }
        Application::Sample => image_of_package("app", &mut line),
        Application::Package { name, .. } => image_of_package(name, &mut line),
    }
    line("", "");
    line("", &format!("What `{program} check` runs of the project's own."));
    line(if checks.is_empty() { "check: []" } else { "check:" }, "");
    checks.iter().for_each(|check| line(&format!("  - {}", scalar(check)), ""));
    line("", "");
    line("default_environment: local", "for commands without --environment");
    line("", "");
    line("environments:", "");
    let here = if *has_database { "{}" } else { "{database: none}" };
    line(&format!("  local: {here}"), "the embedded local cloud: no account needed");
    text + &production(*has_database)
}

fn image_of_package(name: &str, line: &mut impl FnMut(&str, &str)) {
    line("  builder: cargo", "[provision] or docker: a Dockerfile");
    line(
        &format!("  package: {}", scalar(name)),
        "[release] the package of the workspace that the image runs",
    );
}

/// What an environment on AWS says first.
fn production(has_database: bool) -> String {
    let database = match has_database {
        true => "{instance_class: db.t4g.micro, storage_gib: 30}",
        false => "none",
    };
    let lines = [
        ("  # production:", ""),
        ("  #   account: \"123456789012\"", "[creation] a caller of another account is refused"),
        ("  #   region: eu-central-1", "[creation]"),
        ("  #   tasks: {min: 2, max: 6, cpu_target: 60}", ""),
        (&format!("  #   database: {database}"), ""),
        ("  #   deployment: {traffic: Canary10Percent5Minutes, terminate_blue_after: 5m}", ""),
    ];
    lines.iter().fold("\n".to_owned(), |text, (key, comment)| text + &commented(key, comment))
}

/// A line, with its comment where comments begin.
fn commented(key: &str, comment: &str) -> String {
    match (key, comment) {
        (key, "") => format!("{key}\n"),
        ("", comment) => format!("# {comment}\n"),
        (key, comment) => {
            format!("{key:<width$}# {comment}\n", width = COMMENTS.max(key.chars().count() + 2))
        }
    }
}

/// A text as YAML takes it for one: in quotes, unless it can be taken for nothing else.
fn scalar(text: &str) -> String {
    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || "/_.-".contains(c));
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
    let word = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"];
    match text == "." || plain && begins && !word.iter().any(|word| text.eq_ignore_ascii_case(word)) {
        true => text.to_owned(),
        // Every JSON string is a YAML one.
        false => serde_json::Value::from(text).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use seatrial_project::{ImageBuilder, Project};

    use super::*;

    fn answers() -> Answers {
        Answers {
            name: "shop".to_owned(),
            repository: "o/n".to_owned(),
            branch: "main".to_owned(),
            port: 8000,
            health_check_path: "/up".to_owned(),
            has_database: false,
            checks: Vec::new(),
            program: "cargo xtask".to_owned(),
        }
    }

    #[test]
    fn whatever_is_said_is_read_back_as_it_was() {
        let odd = ["true", "No", "1.10", "0x1F", "a: b", "# no", "a \"b\" 'c'", "- x", "{x}", "ends ", "ünï"];
        for text in odd {
            let answers = Answers {
                branch: "a-branch".to_owned(),
                checks: vec![text.to_owned(), "cargo test --locked".to_owned()],
                ..answers()
            };
            let file = "docker files/Dockerfile".to_owned();
            let application =
                Application::Dockerfile { file: file.clone(), context: ".".to_owned(), port: None };
            let written = super::text(&answers, &application);
            let project =
                Project::parse(written.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{written}"));
            assert_eq!(project.check, answers.checks);
            let local = project.environment(None).unwrap();
            assert_eq!((&local.project, &local.source.branch), (&answers.name, &answers.branch));
            assert_eq!((local.image.builder, &local.image.dockerfile), (ImageBuilder::Docker, &file));
            assert!(local.database.is_none());
        }
    }

    #[test]
    fn the_example_of_a_production_is_one() {
        for has_database in [true, false] {
            let answers = Answers { has_database, ..answers() };
            let text = super::text(&answers, &Application::Sample)
                .replace("\n  # ", "\n  ")
                .replace("\n  #   ", "\n    ");
            let project = Project::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{text}"));
            let production = project.environment(Some("production")).unwrap();
            assert_eq!(production.database.is_some(), has_database);
            assert_eq!(production.image.package, "app");
        }
    }
}
