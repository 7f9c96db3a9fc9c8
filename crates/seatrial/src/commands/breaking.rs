//! Before a release: what of its new migrations breaks the version that serves, for it goes on serving while they run.
//! Reads only.

use std::path::Path;

use seatrial_git::{Git, GitError};

use super::deployed::{Deployed, Place};
use super::released::short;
use crate::context::Ctx;
use crate::exit::Refused;
use crate::plan::breaking::{Judged, judge};
use crate::plan::owned::Owned;

const MEANT: &str = "--allow-breaking-migration";
/// Digits of a commit in an image's tag.
const TAG_DIGITS: usize = 12;
/// Where migrations lie, whatever applies them.
const FOLDER: &str = "migrations";

/// Refuses a release of `revision` whose new migrations break what is live; with `is_meant` that is told only.
///
/// # Errors
/// Refused where there are such statements, or where it cannot be known.
pub(super) async fn refuse(
    ctx: &Ctx,
    (deployed, place): (&Deployed, &Place),
    revision: &str,
    is_meant: bool,
) -> anyhow::Result<()> {
    if ctx.environment.migrate.is_none() {
        return Ok(());
    }
    let Some(git) = Git::find(&ctx.root)? else { return Ok(()) };
    let tags = live_tags(ctx, deployed, place).await?;
    let is_commit =
        |tag: &&String| tag.len() == TAG_DIGITS && tag.bytes().all(|byte| byte.is_ascii_hexdigit());
    let Some(live) = tags.iter().find(is_commit) else {
        if !tags.is_empty() {
            ctx.printer().warning("the image that is live names no commit: new migrations are not judged");
        }
        return Ok(());
    };
    let files = match new_migrations(&git, (live, revision)) {
        Ok(files) => files,
        Err(error) if is_meant => {
            ctx.printer().warning(format_args!("new migrations are not judged: {error}"));
            return Ok(());
        }
        Err(error) => {
            let refused = format!(
                "what migrations {} has and {live}, which is live, has not cannot be told",
                short(revision)
            );
            let refused = Refused::new(format!("{refused}: {error}"));
            return Err(refused
                .hint(format!("fetch both commits, or release it all the same with `{MEANT}`"))
                .into());
        }
    };
    conclude(ctx, &judge(files.iter().map(|(file, text)| (file.as_str(), text.as_str()))), is_meant)
}

fn conclude(ctx: &Ctx, judged: &Judged, is_meant: bool) -> anyhow::Result<()> {
    for unread in &judged.unread {
        let told =
            format_args!("{}:{} is not understood, so not judged: {}", unread.file, unread.line, unread.why);
        ctx.printer().warning(told);
    }
    if judged.breaches.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = judged.breaches.iter().map(|breach| format!("  {breach}")).collect();
    if is_meant {
        ctx.printer()
            .warning(format_args!("migrations that break the version that serves:\n{}", lines.join("\n")));
        return Ok(());
    }
    let refused = format!(
        "migrations would break the version that serves until traffic has moved:\n{}",
        lines.join("\n")
    );
    Err(Refused::new(refused)
        .hint("release first what can do without it, and take it away in the release after that")
        .hint(format!("`{MEANT}` releases it all the same"))
        .into())
}

/// The tags of the image that is live; none where nothing was deployed yet.
async fn live_tags(ctx: &Ctx, deployed: &Deployed, place: &Place) -> anyhow::Result<Vec<String>> {
    let Some(primary) = ctx.reading(ctx.aws.primary_task_set(&place.cluster, &place.service)).await? else {
        return Ok(Vec::new());
    };
    let images = ctx.reading(ctx.aws.task_definition_images(&primary.task_definition)).await?;
    let Some((_, digest)) = images.iter().find_map(|uri| uri.split_once('@')) else { return Ok(Vec::new()) };
    let repository = deployed.required(Owned::RepositoryName)?;
    let image = ctx.reading(ctx.aws.image(repository, digest)).await?;
    Ok(image.map(|image| image.tags).unwrap_or_default())
}

/// The SQL files below folders named `migrations` that are new or changed, each with its text, in the order in which they
/// are run.
fn new_migrations(git: &Git, (live, revision): (&str, &str)) -> Result<Vec<(String, String)>, GitError> {
    let inside = git.inside().to_string_lossy();
    let inside = if inside.is_empty() { "." } else { inside.as_ref() };
    // Both by name, so that an unknown one is told as such.
    let [live, revision] = [live, revision].map(|name| format!("{name}^{{commit}}"));
    let arguments =
        ["diff", "--name-only", "-z", "--no-renames", "--diff-filter=d", &live, &revision, "--", inside];
    let listed = seatrial_git::bytes(git.top(), &arguments)?;
    let listed = String::from_utf8_lossy(&listed).into_owned();
    let paths = listed.split_terminator('\0').filter(|path| is_migration(Path::new(path)));
    let read = |path: &str| {
        let text = seatrial_git::bytes(
            git.top(),
            &["show", &format!("{revision}:{path}").replace("^{commit}", "")],
        )?;
        Ok((path.to_owned(), String::from_utf8_lossy(&text).into_owned()))
    };
    paths.map(read).collect()
}

/// What undoes a migration is never run by a release.
fn is_migration(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let below =
        path.parent().is_some_and(|folder| folder.components().any(|part| part.as_os_str() == FOLDER));
    below && name.ends_with(".sql") && name != "down.sql" && !name.ends_with(".down.sql")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::aws::tests::{Calls, of_account, stub};
    use crate::output::{Format, Printer};
    use crate::session::Session;

    /// A repository with the project in its folder `web`; the commits, in their order.
    fn repository(root: &Path) -> Vec<String> {
        let git = |arguments: &[&str]| {
            let identity = ["-c", "user.name=T", "-c", "user.email=t@example.com"];
            seatrial_git::bytes(root, &[&identity[..], arguments].concat()).unwrap()
        };
        git(&["init", "--quiet"]);
        let commits: [&[(&str, &str)]; 2] = [
            &[("web/migrations/0001.sql", "CREATE TABLE a (id int);"), ("web/src.rs", "")],
            &[
                ("web/migrations/0002.sql", "ALTER TABLE a ADD b text;\nDROP TABLE a;"),
                ("web/migrations/0002.down.sql", "DROP TABLE b;"),
                ("web/db/migrations/7/up.sql", "TRUNCATE a;"),
                ("web/db/migrations/7/down.sql", "DROP TABLE c;"),
                ("web/seeds.sql", "DROP TABLE d;"),
                ("other/migrations/0001.sql", "DROP TABLE e;"),
            ],
        ];
        let commit = |files: &&[(&str, &str)]| {
            for (path, text) in *files {
                std::fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
                std::fs::write(root.join(path), text).unwrap();
            }
            git(&["add", "."]);
            git(&["commit", "--quiet", "-m", "x"]);
            Git::find(root).unwrap().unwrap().head().unwrap()
        };
        commits.iter().map(commit).collect()
    }

    /// Whether a release of `revision` in an environment with `more` is refused where `tags` are live, and what is called.
    async fn refused(
        root: &Path,
        more: &str,
        tags: &[&str],
        (revision, is_meant): (&str, bool),
    ) -> (Option<String>, Calls) {
        let tags: Vec<String> = tags.iter().map(|tag| (*tag).to_owned()).collect();
        let (aws, calls) = stub(move |operation, _, _| match operation {
            "DescribeServices" => json!({ "services": [{ "status": "ACTIVE", "taskSets": [
                { "status": "PRIMARY", "id": "ecs-svc/1", "taskDefinition": "web:1" },
            ]}]}),
            "DescribeTaskDefinition" => {
                json!({ "taskDefinition": { "containerDefinitions": [{ "image": "r/web@sha256:1" }] } })
            }
            "DescribeImages" => json!({ "imageDetails": [{ "imageTags": tags, "imageSizeInBytes": 1 }] }),
            _ => json!({}),
        })
        .await;
        let text = format!("project: web\nsource: {{repository: o/n}}\n{more}\nenvironments: {{local: }}\n");
        let project = seatrial_project::Project::parse(text.as_bytes()).unwrap();
        let session = Session::new(Printer::new(Format::Text), "cargo xtask");
        let ctx = Ctx {
            aws: of_account(&aws, session.changes.clone()),
            session,
            root: root.join("web"),
            environment: project.environment(None).unwrap().clone(),
            local: None,
        };
        let deployed = Deployed::of_outputs(&ctx.environment);
        let place = Place::of(&deployed).unwrap();
        let ended = refuse(&ctx, (&deployed, &place), revision, is_meant).await;
        (ended.err().map(|error| format!("{error:#}")), calls)
    }

    const MIGRATES: &str = "migrate: {command: [migrate]}";

    #[tokio::test]
    async fn a_release_whose_new_migrations_break_what_serves_is_refused_by_file_line_statement_and_rule() {
        let root = tempfile::tempdir().unwrap();
        let commits = repository(root.path());
        let live = &commits[0][..12];

        let (told, calls) = refused(root.path(), MIGRATES, &["latest", live], (&commits[1], false)).await;

        let told = told.unwrap();
        let lines: Vec<&str> = told.lines().skip(1).map(str::trim).collect();
        assert_eq!(lines.len(), 2, "{told}");
        assert!(lines[0].starts_with("web/db/migrations/7/up.sql:1: `TRUNCATE a`: "), "{told}");
        assert!(lines[1].starts_with("web/migrations/0002.sql:2: `DROP TABLE a`: "), "{told}");
        assert!(calls.made().iter().all(|name| name.starts_with("Describe")));
    }

    #[tokio::test]
    async fn a_release_is_not_refused_where_nothing_new_breaks_it_is_meant_or_nothing_migrates() {
        let root = tempfile::tempdir().unwrap();
        let commits = repository(root.path());
        let (first, second) = (&commits[0][..12], &commits[1][..12]);
        let rows = [
            (MIGRATES, first, true),
            (MIGRATES, second, false),
            (MIGRATES, "dirty-000000000000", false),
            ("", first, false),
        ];
        for (more, live, is_meant) in rows {
            let (told, _) = refused(root.path(), more, &[live], (&commits[1], is_meant)).await;
            assert_eq!(told, None, "{more} {live} {is_meant}");
        }
    }

    #[tokio::test]
    async fn a_live_commit_that_is_not_here_is_no_reason_to_look_away() {
        let root = tempfile::tempdir().unwrap();
        let commits = repository(root.path());

        let (told, _) = refused(root.path(), MIGRATES, &["0123456789ab"], (&commits[1], false)).await;

        assert!(told.unwrap().contains("0123456789ab, which is live, has not cannot be told"));
    }
}
