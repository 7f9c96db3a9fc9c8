//! What the phases of a build share.

use std::path::PathBuf;

use super::super::store::PhaseContext;
use super::log::BuildLog;
use crate::cloud::Cloud;
use crate::services::sts::RoleSession;

/// What a build runs on: its folders, its role's session, its log.
pub(super) struct Host {
    pub cloud: Cloud,
    pub role: RoleSession,
    /// Holds everything of this build.
    pub root: PathBuf,
    /// `CODEBUILD_SRC_DIR`.
    pub folder: PathBuf,
    /// Further sources by identifier.
    pub extra_sources: Vec<(String, PathBuf)>,
    pub log: BuildLog,
}

/// A failure that CodeBuild ascribes to its user.
pub(super) fn client_error(message: impl Into<String>) -> PhaseContext {
    PhaseContext { status_code: "CLIENT_ERROR".to_owned(), message: message.into() }
}
