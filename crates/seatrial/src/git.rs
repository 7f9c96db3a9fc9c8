//! What is checked out.

use std::path::Path;

use seatrial_git::Git;

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
