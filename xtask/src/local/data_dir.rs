//! Where a checkout's local cloud keeps its data: never under `target/`, which people delete.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};

/// `XTASK_LOCAL_DATA_DIR`, else `${XDG_STATE_HOME:-~/.local/state}/slipway/<project>-<hash of the path>`.
pub(crate) fn data_dir(root: &Path, project: &str) -> anyhow::Result<PathBuf> {
    if let Some(dir) = std::env::var_os("XTASK_LOCAL_DATA_DIR") {
        return Ok(std::path::absolute(dir)?);
    }
    let state = match std::env::var_os("XDG_STATE_HOME").filter(|dir| !dir.is_empty()) {
        Some(dir) => PathBuf::from(dir),
        None => {
            let home = std::env::home_dir().context("failed to find the home directory: HOME is not set")?;
            home.join(".local/state")
        }
    };
    let digest = hex::encode(Sha256::digest(root.as_os_str().as_encoded_bytes()));
    let short = digest.get(..8).unwrap_or(&digest);
    Ok(state.join("slipway").join(format!("{project}-{short}")))
}
