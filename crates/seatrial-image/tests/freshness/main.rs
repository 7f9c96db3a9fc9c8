//! No image holds an old program, or another's: every build through the cache is compared with one from nothing.
//!
//! `cargo test -p seatrial-image --test freshness`; the random walk alone, longer and elsewhere:
//! `SOAK_STEPS=200 SOAK_SEED=7 cargo test -p seatrial-image --test freshness random_walk`; that of Dockerfiles by
//! `random_steps`. A failure names its seed and its step.

#![expect(clippy::unwrap_used, reason = "a test that cannot be prepared has failed")]

mod dockerfile;
mod fixture;
mod killed;
mod together;
mod walk;

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use fixture::{Clock, Fixture};

/// Changes the fixture, dated so that cargo would see nothing, and compares with a build from nothing.
async fn check(fixture: &Fixture, what: &str, expected: &str, change: impl FnOnce(&Fixture)) {
    change(fixture);
    let cached = fixture.build().await;
    assert!(cached.output.contains(expected), "{what}: no `{expected}` in\n{}", cached.output);
    assert_eq!(cached, fixture.build_from_nothing().await, "{what}");
}

#[tokio::test]
async fn a_path_dependency_in_another_folder_and_files_outside_the_package_are_never_old() {
    let fixture = Fixture::new();
    fixture.build().await;
    check(&fixture, "a path dependency", "constant 2", |it| {
        it.write("crates/domain/src/lib.rs", &fixture::domain(2), Clock::Year2000);
    })
    .await;
    check(&fixture, "an included file", "included INSIDE", |it| {
        it.write("texts/included.txt", "INSIDE", Clock::Year2000);
    })
    .await;
    check(&fixture, "a macro", "macro 2", |it| {
        it.write("crates/names/src/lib.rs", &fixture::names(2), Clock::Kept);
    })
    .await;
    check(&fixture, "a build script", "script 2", |it| {
        it.write("shop/build.rs", &fixture::script(2), Clock::Year2000);
    })
    .await;
}

#[tokio::test]
async fn what_only_a_macro_or_a_build_script_reads_is_never_old() {
    let fixture = Fixture::new();
    fixture.build().await;
    check(&fixture, "a file added for a macro", "new.txt=NEW", |it| {
        it.write("texts/new.txt", "NEW", Clock::Year2000);
    })
    .await;
    check(&fixture, "a file added for a build script", "more/deep.txt", |it| {
        it.write("data/more/deep.txt", "DEEP", Clock::Year2000);
    })
    .await;
    check(&fixture, "an edit of the same size and date", "new.txt=OLD", |it| {
        it.write("texts/new.txt", "OLD", Clock::Kept);
    })
    .await;
    check(&fixture, "a file from the future", "data.txt 644=B", |it| {
        it.write("data/data.txt", "B", Clock::Year2038);
    })
    .await;
    check(&fixture, "an edit after the future", "data.txt 644=C", |it| {
        it.write("data/data.txt", "C", Clock::Year2000);
    })
    .await;
}

#[tokio::test]
async fn renames_deletions_modes_and_links_are_never_old() {
    let fixture = Fixture::new();
    fixture.build().await;
    check(&fixture, "a rename", "renamed.txt=one", |it| {
        fs::rename(it.path("texts/one.txt"), it.path("texts/renamed.txt")).unwrap();
    })
    .await;
    check(&fixture, "a renamed folder", "other/file.txt", |it| {
        fs::rename(it.path("data/folder"), it.path("data/other")).unwrap();
    })
    .await;
    check(&fixture, "a mode", "data.txt 755=A", |it| {
        fs::set_permissions(it.path("data/data.txt"), fs::Permissions::from_mode(0o755)).unwrap();
    })
    .await;
    check(&fixture, "a link", "link->other/file.txt", |it| {
        symlink("other/file.txt", it.path("data/link")).unwrap();
    })
    .await;
    check(&fixture, "a link elsewhere", "link->data.txt", |it| {
        fs::remove_file(it.path("data/link")).unwrap();
        symlink("data.txt", it.path("data/link")).unwrap();
    })
    .await;
    check(&fixture, "a deletion", "script 1 [data.txt 755=A;link->data.txt;]", |it| {
        fs::remove_file(it.path("data/other/file.txt")).unwrap();
    })
    .await;
}

#[tokio::test]
async fn an_unchanged_tree_is_not_compiled_again() {
    let fixture = Fixture::new();
    let first = fixture.build().await;
    let made = fixture.binary().metadata().unwrap().modified().unwrap();
    fixture.write("target/products", "not a source", Clock::Now);
    assert_eq!(fixture.build().await, first);
    assert_eq!(fixture.binary().metadata().unwrap().modified().unwrap(), made);
}

#[tokio::test]
async fn a_path_dependency_outside_the_tree_is_refused_by_name() {
    let fixture = Fixture::new();
    let outside = tempfile::tempdir().unwrap();
    let domain = outside.path().canonicalize().unwrap().join("domain");
    fs::rename(fixture.path("crates/domain"), &domain).unwrap();
    let manifest = fs::read_to_string(fixture.path("shop/Cargo.toml")).unwrap();
    let elsewhere = manifest.replace("../crates/domain", domain.to_str().unwrap());
    fixture.write("shop/Cargo.toml", &elsewhere, Clock::Now);
    let error = fixture.try_build(&fixture.cache()).await.unwrap_err();
    assert!(error.is_refusal());
    let root = fixture.path("").canonicalize().unwrap();
    let expected = format!(
        "package `domain` in `{}` must be inside `{}` and not ignored by git: CodeBuild has only what the commit \
         holds",
        domain.display(),
        root.display()
    );
    assert_eq!(error.to_string(), expected);
    assert!(!fixture.binary().exists(), "it was compiled all the same");
}
