//! What is checked out.

use std::path::Path;

use seatrial_git::Git;

use crate::exit::Refused;

/// The commit that a name stands for in this checkout; a whole commit id outside of one stands for itself.
///
/// # Errors
/// Refused where there is no such commit here.
pub(crate) fn resolve(root: &Path, name: &str) -> anyhow::Result<String> {
    let is_id = name.len() == 40 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    let found = match Git::find(root)? {
        Some(git) => git.read(&["rev-parse", "--verify", "--quiet", &format!("{name}^{{commit}}")]).ok(),
        None => None,
    };
    match found {
        Some(commit) => Ok(commit.trim().to_owned()),
        // One that was pushed from elsewhere need not be here.
        None if is_id => Ok(name.to_owned()),
        None => Err(Refused::new(format!("there is no commit `{name}` in this checkout"))
            .hint("fetch it, or give all 40 digits of its id")
            .into()),
    }
}

/// The commit that is checked out, and whether the tree differs from it.
pub(crate) struct Head {
    pub git: Git,
    pub commit: String,
    /// Files differ from the commit: releases take the commit, not them.
    pub dirty: bool,
}

impl Head {
    /// `None` outside a checkout.
    ///
    /// # Errors
    /// Refused by name where git refuses, or where there is no commit yet: that is not "no checkout".
    pub(crate) fn of(root: &Path) -> anyhow::Result<Option<Self>> {
        let Some(git) = Git::find(root)? else { return Ok(None) };
        let (commit, dirty) = (git.head()?, git.is_dirty()?);
        Ok(Some(Self { git, commit, dirty }))
    }
}
