//! What a task is to its sandbox.

use std::net::Ipv4Addr;

/// What a task's sandbox is to be.
#[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "nobody there makes a sandbox of it"))]
pub(crate) struct Task<'a> {
    /// Names its folder.
    pub id: &'a str,
    /// Names its agent among the processes.
    pub key: String,
    pub address: Ipv4Addr,
    pub hostname: String,
    pub volumes: Vec<String>,
}
