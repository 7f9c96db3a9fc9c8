//! Where a local cloud answers, and to which key: what `daemon.json` says.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// How to reach a running local cloud.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Connection {
    /// `http://127.0.0.1:PORT`.
    pub endpoint: String,
    pub region: String,
    pub access_key_id: String,
    pub secret_access_key: String,
    /// `127.0.0.1:PORT`: what image URIs start with.
    pub registry: String,
    pub pid: u32,
    pub data_dir: PathBuf,
    /// The certificate, as PEM, of the authority that signs what HTTPS listeners show; trusted by whoever reads it, and
    /// installed nowhere. Empty where an earlier build runs, whose listeners speak no TLS.
    #[serde(default)]
    pub certificate_authority: PathBuf,
    /// What its own routes below `/_local/` and its page are asked with. Empty where an earlier build runs, which asks for
    /// none.
    #[serde(default)]
    pub token: String,
    /// Which source of the local cloud runs it.
    pub build: String,
}
