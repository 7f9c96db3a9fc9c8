//! The server process of one cluster, on 127.0.0.1 alone.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use nix::sys::signal::Signal;
use rand::RngExt as _;
use tokio::sync::mpsc;

use super::{Cluster, PostgresError, account};
use crate::runtime::lines::Line;
use crate::runtime::process::{Process, Processes, Spec};

/// Recovery after a kill included.
const START: Duration = Duration::from_secs(60);
/// A fast shutdown; SIGKILL after it.
const STOP: Duration = Duration::from_secs(20);
/// Below the ports that systems give to outgoing connections: nobody takes one while the server is down.
const PORTS: std::ops::Range<u16> = 20_000..32_000;
const TAIL: usize = 5;

/// A server that accepts connections.
#[derive(Clone)]
pub(crate) struct Server {
    process: Process,
}

/// A port of 127.0.0.1 that is free now.
pub(crate) fn free_port() -> Option<u16> {
    let mut random = rand::rng();
    let candidates = (0..200).map(|_| random.random_range(PORTS));
    candidates.into_iter().find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
}

impl Server {
    /// Starts the server and waits until it is ready. A leftover under the same `key` is ended first, so a
    /// stale `postmaster.pid` is no hindrance: Postgres takes it over once its process is gone.
    pub(crate) async fn start(
        processes: &Arc<Processes>,
        key: &str,
        cluster: &Cluster,
        port: u16,
    ) -> Result<Self, PostgresError> {
        let not_ready = |output: String| PostgresError::NotReady { output };
        let ended = processes.end_leftover(key, Signal::SIGINT, STOP).await;
        ended.map_err(|error| not_ready(error.to_string()))?;
        let (output, mut lines) = mpsc::channel(100);
        let spec = Spec {
            key: key.to_owned(),
            program: cluster.binaries.postgres.clone(),
            args: arguments(cluster, port),
            env: vec![("LC_ALL".to_owned(), "C".to_owned())],
            dir: cluster.place.clone(),
            user: account(),
            // A fast shutdown, which leaves nothing to recover.
            on_parent_death: Signal::SIGINT,
            input: None,
            output,
        };
        let process = processes.spawn(spec).await.map_err(|error| not_ready(error.to_string()))?;
        let mut tail = VecDeque::new();
        match tokio::time::timeout(START, ready(&mut lines, &mut tail)).await {
            Ok(true) => {
                tokio::spawn(async move { while lines.recv().await.is_some() {} });
                Ok(Self { process })
            }
            _ => {
                drop(lines);
                process.stop(Signal::SIGINT, STOP).await;
                Err(not_ready(Vec::from(tail).join("; ")))
            }
        }
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.process.exit().is_some()
    }

    /// Waits until the server has ended, whoever ended it.
    pub(crate) async fn ended(&self) {
        self.process.wait().await;
    }

    /// Stops the server; connections are cut off.
    pub(crate) async fn stop(&self) {
        self.process.stop(Signal::SIGINT, STOP).await;
    }
}

/// Nothing is synced: the cluster need not outlive a loss of power. Commits are still written before they are
/// answered, so none is lost by a kill.
fn arguments(cluster: &Cluster, port: u16) -> Vec<String> {
    let mut args = vec!["-D".to_owned(), cluster.data().to_string_lossy().into_owned()];
    let settings = [
        "listen_addresses=127.0.0.1".to_owned(),
        format!("port={port}"),
        "unix_socket_directories=".to_owned(),
        "fsync=off".to_owned(),
        "full_page_writes=off".to_owned(),
        "ssl=off".to_owned(),
        "logging_collector=off".to_owned(),
        "log_destination=stderr".to_owned(),
        "lc_messages=C".to_owned(),
    ];
    args.extend(settings.into_iter().flat_map(|setting| ["-c".to_owned(), setting]));
    args
}

/// Reads until the server says that it is ready; false when it ends before.
async fn ready(lines: &mut mpsc::Receiver<Line>, tail: &mut VecDeque<String>) -> bool {
    while let Some(line) = lines.recv().await {
        if line.text.contains("ready to accept connections") {
            return true;
        }
        if tail.len() == TAIL {
            tail.pop_front();
        }
        tail.push_back(line.text);
    }
    false
}

#[cfg(test)]
mod tests {
    use super::super::cluster::Owner;
    use super::super::{find_place, find_postgres, remove_place};
    use super::*;
    use crate::clock::Clock;
    use crate::cloud::{Part as _, Setup};
    use crate::persist::Database;

    /// What psql is told over its standard input.
    fn query(cluster: &Cluster, port: u16, password: &str, sql: &str) -> String {
        let psql = cluster.binaries.postgres.with_file_name("psql");
        let url = format!("postgres://app@127.0.0.1:{port}/notes");
        let mut command = std::process::Command::new(psql);
        let output = command.env("PGPASSWORD", password).args(["-X", "-A", "-t", "-c", sql, &url]).output();
        let output = output.unwrap();
        String::from_utf8_lossy(&output.stdout).trim().to_owned() + &String::from_utf8_lossy(&output.stderr)
    }

    #[tokio::test]
    async fn a_cluster_keeps_its_data_over_a_kill_and_a_new_password() {
        let dir = tempfile::tempdir().unwrap();
        let database = Database::open(&dir.path().join("log")).unwrap();
        let setup = Setup {
            database,
            data_dir: dir.path().to_owned(),
            clock: Clock::new(1.0),
            latencies: Default::default(),
        };
        let processes = Arc::new(Processes::open(&setup));
        let place = find_place(dir.path()).unwrap();
        let cluster = Cluster { binaries: find_postgres().unwrap(), place };
        let owner = Owner { user: "app", password: "it's secret", database: Some("notes") };
        cluster.initialize(&owner).await.unwrap();
        let port = free_port().unwrap();

        let server = Server::start(&processes, "db", &cluster, port).await.unwrap();
        query(&cluster, port, "it's secret", "create table t (n int); insert into t values (42)");
        server.process.stop(Signal::SIGKILL, Duration::ZERO).await;
        let server = Server::start(&processes, "db", &cluster, port).await.unwrap();
        assert_eq!(query(&cluster, port, "it's secret", "select n from t"), "42");
        assert!(query(&cluster, port, "wrong", "select n from t").contains("authentication failed"));
        server.stop().await;
        cluster.set_password("app", "an'other").await.unwrap();
        let server = Server::start(&processes, "db", &cluster, port).await.unwrap();
        assert_eq!(query(&cluster, port, "an'other", "select n from t"), "42");
        server.stop().await;

        remove_place(&cluster.place).unwrap();
        assert!(!cluster.place.exists());
    }
}
