//! CodeStarSourceConnection: the commit the checkout is at, or the one asked for, as a zip in S3.
//!
//! Here the repository is the checkout the local cloud was started for. Its HEAD is taken whatever `BranchName`
//! says: what is rehearsed is what the operator has before them. It is taken whole, as on AWS, also where the folder is
//! a part of it. A folder that is no checkout is taken as it is.

use std::collections::BTreeMap;
use std::path::Path;

use seatrial_git::{Git, GitError};
use serde_json::json;

use super::super::store::{ErrorDetails, Revision};
use super::provider::{Context, Done, Progress, failed, refused};
use crate::archive;
use crate::retry;
use crate::services::codeconnections::{Status, UseConnection};
use crate::services::s3::objects;

/// A commit and its files.
struct Commit {
    id: String,
    author_date: String,
    message: String,
    zip: Vec<u8>,
}

pub(super) async fn run(context: &Context<'_>) -> Result<Progress, ErrorDetails> {
    let arn = context.required("ConnectionArn")?;
    let input = UseConnection { connection_arn: arn.to_owned() };
    let connection = retry::call(context.cloud, &context.principal, input).await.map_err(refused)?;
    if connection.connection_status != Status::Available {
        let message = format!(
            "Connection {arn} is not available: its status is PENDING, for nobody has completed the handshake yet"
        );
        return Err(failed("ConnectionUnavailable", message));
    }
    let wanted = context.row.overrides.iter().find(|found| found.action_name == context.run.name);
    let wanted = wanted.map(|found| found.revision_value.clone());
    let folder = context.cloud.settings().source.clone();
    let taken = tokio::task::spawn_blocking(move || take(&folder, wanted.as_deref())).await;
    let commit = taken
        .map_err(|error| failed("InternalError", error.to_string()))?
        .map_err(|message| failed("ConfigurationError", message))?;
    let Some(output) = context.run.outputs.first() else {
        return Err(failed("ConfigurationError", "a source action needs an output artifact"));
    };
    let (cloud, principal, place) = (context.cloud, &context.principal, output.place());
    let store = context.row.declaration.artifact_store.as_ref();
    let key = store.and_then(|store| Some(store.encryption_key.as_ref()?.id.as_str()));
    objects::check_store(cloud, principal, place.bucket).await.map_err(refused)?;
    objects::check_versioning(cloud, principal, place.bucket).await.map_err(refused)?;
    objects::put_for_owner(cloud, principal, (place, key), &commit.zip).await.map_err(refused)?;
    done(context, &output.name, commit).map(Progress::Succeeded)
}

fn done(context: &Context<'_>, artifact: &str, commit: Commit) -> Result<Done, ErrorDetails> {
    let (arn, repository) = (context.required("ConnectionArn")?, context.required("FullRepositoryId")?);
    let url = format!(
        "https://{}.console.aws.amazon.com/codesuite/settings/connections/redirect?connectionArn={arn}&\
         referenceType=COMMIT&FullRepositoryId={repository}&Commit={}",
        context.cloud.region(),
        commit.id
    );
    let summary = json!({ "ProviderType": "GitHub", "CommitMessage": commit.message }).to_string();
    let variables = BTreeMap::from(
        [
            ("AuthorDate", commit.author_date.as_str()),
            ("BranchName", context.required("BranchName")?),
            ("CommitId", &commit.id),
            ("CommitMessage", &commit.message),
            ("ConnectionArn", arn),
            ("FullRepositoryName", repository),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned())),
    );
    let revision = Revision {
        action: context.run.name.clone(),
        artifact: artifact.to_owned(),
        id: commit.id,
        summary: summary.clone(),
        url: url.clone(),
        created: context.cloud.clock().now(),
    };
    Ok(Done { summary: Some(summary), url: Some(url), variables, revision: Some(revision) })
}

/// The commit `wanted`, else HEAD, of the checkout; the folder itself if it is none. A commit is the whole repository's,
/// as on AWS, also where the project lies in a folder of it.
fn take(folder: &Path, wanted: Option<&str>) -> Result<Commit, String> {
    let Some(checkout) = Git::find(folder).map_err(words)? else {
        return match wanted {
            Some(wanted) => {
                Err(format!("failed to find `{wanted}`: `{}` is no git checkout", folder.display()))
            }
            None => tree(folder).map_err(|error| error.to_string()),
        };
    };
    let wanted = wanted.unwrap_or("HEAD");
    let name = format!("{wanted}^{{commit}}");
    let id = checkout
        .read(&["rev-parse", "--verify", "--end-of-options", &name])
        .map_err(|reason| format!("failed to find `{wanted}` in `{}`: {reason}", folder.display()))?;
    commit(&checkout, &id).map_err(words)
}

fn commit(checkout: &Git, id: &str) -> Result<Commit, GitError> {
    let told = checkout.read(&["log", "-1", "--format=%aI%n%B", id])?;
    let (author_date, message) = told.split_once('\n').unwrap_or((&told, ""));
    Ok(Commit {
        zip: checkout.archive(id)?,
        id: id.to_owned(),
        author_date: author_date.to_owned(),
        message: message.trim().to_owned(),
    })
}

/// One line for the action's error: a pipeline has no room for a hint of its own.
fn words(error: GitError) -> String {
    match error.hint() {
        Some(hint) => format!("{error}; {hint}"),
        None => error.to_string(),
    }
}

/// The folder itself, under a hash of its content.
fn tree(folder: &Path) -> Result<Commit, archive::ArchiveError> {
    let snapshot = archive::snapshot(folder)?;
    Ok(Commit {
        id: snapshot.revision,
        zip: snapshot.zip,
        author_date: jiff::Timestamp::now().to_string(),
        message: format!("the folder {} as it is", folder.display()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run_git(folder: &Path, arguments: &[&str]) {
        let identity = ["-c", "user.name=Test", "-c", "user.email=test@example.com"];
        seatrial_git::bytes(folder, &[&identity[..], arguments].concat()).unwrap();
    }

    #[test]
    fn the_head_of_a_checkout_is_taken_not_its_dirty_files_and_older_commits_by_id() {
        let dir = tempfile::tempdir().unwrap();
        run_git(dir.path(), &["init", "--quiet"]);
        let mut ids = Vec::new();
        for content in ["one", "two"] {
            std::fs::write(dir.path().join("file"), content).unwrap();
            run_git(dir.path(), &["add", "file"]);
            run_git(dir.path(), &["commit", "--quiet", "-m", content]);
            ids.push(Git::find(dir.path()).unwrap().unwrap().head().unwrap());
        }
        std::fs::write(dir.path().join("file"), "dirty").unwrap();

        let head = take(dir.path(), None).unwrap();
        let first = take(dir.path(), Some(&ids[0])).unwrap();

        assert_eq!((head.id.as_str(), head.message.as_str()), (ids[1].as_str(), "two"));
        assert_eq!(archive::read(&head.zip, "file").unwrap().unwrap(), b"two");
        assert_eq!(archive::read(&first.zip, "file").unwrap().unwrap(), b"one");
        assert!(take(dir.path(), Some("nowhere")).is_err());
    }

    #[test]
    fn a_project_in_a_folder_of_its_repository_is_taken_with_the_whole_commit() {
        let dir = tempfile::tempdir().unwrap();
        let project = dir.path().join("services/web");
        std::fs::create_dir_all(&project).unwrap();
        std::fs::write(dir.path().join("shared"), "one").unwrap();
        std::fs::write(project.join("file"), "two").unwrap();
        run_git(dir.path(), &["init", "--quiet"]);
        run_git(dir.path(), &["add", "."]);
        run_git(dir.path(), &["commit", "--quiet", "-m", "both"]);

        let taken = take(&project, None).unwrap();

        assert_eq!(taken.message, "both");
        assert_eq!(archive::read(&taken.zip, "shared").unwrap().unwrap(), b"one");
        assert_eq!(archive::read(&taken.zip, "services/web/file").unwrap().unwrap(), b"two");
    }

    #[test]
    fn a_folder_that_is_no_checkout_is_taken_without_its_caches_under_its_hash() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("target")).unwrap();
        std::fs::write(dir.path().join("target/CACHEDIR.TAG"), "").unwrap();
        std::fs::write(dir.path().join("file"), "one").unwrap();

        let first = take(dir.path(), None).unwrap();
        let again = take(dir.path(), None).unwrap();
        std::fs::write(dir.path().join("file"), "two").unwrap();
        let changed = take(dir.path(), None).unwrap();

        assert_eq!((first.id.len(), &first.id), (40, &again.id));
        assert_ne!(first.id, changed.id);
        assert_eq!(archive::read(&first.zip, "target/CACHEDIR.TAG").unwrap(), None);
    }
}
