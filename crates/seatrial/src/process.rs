//! Programs run on the user's behalf, shown as they are started.

use std::path::Path;

use anyhow::Context as _;
use xshell::{Shell, cmd};

/// The commit that is checked out, and whether the tree differs from it; `None` outside a git checkout.
pub(crate) fn head_commit(root: &Path) -> anyhow::Result<Option<Head>> {
    let sh = shell(root)?;
    let Ok(commit) = cmd!(sh, "git rev-parse --verify HEAD").quiet().ignore_stderr().read() else {
        return Ok(None);
    };
    let changes = cmd!(sh, "git status --porcelain").quiet().read().context("failed to run `git status`")?;
    Ok(Some(Head { commit, dirty: !changes.is_empty() }))
}

/// What is checked out.
pub(crate) struct Head {
    pub commit: String,
    /// Files differ from the commit: releases take the commit, not them.
    pub dirty: bool,
}

/// The tree of a commit as a zip archive, as CodePipeline's source action makes it.
pub(crate) fn archive(root: &Path, commit: &str) -> anyhow::Result<Vec<u8>> {
    let sh = shell(root)?;
    let output = cmd!(sh, "git archive --format=zip {commit}").quiet().output();
    Ok(output.context("failed to run `git archive`")?.stdout)
}

/// A shell in `dir`.
pub(crate) fn shell(dir: &Path) -> anyhow::Result<Shell> {
    let sh = Shell::new()?;
    sh.change_dir(dir);
    Ok(sh)
}
