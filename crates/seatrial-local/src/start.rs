//! Starting and stopping: the data directory, the listener, the engines that were under way.

use std::fs::{File, OpenOptions, Permissions};
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::authority::{self, Authority};
use crate::clock::Clock;
use crate::cloud::{Cloud, Settings, Setup};
use crate::console;
use crate::credentials::{CredentialStore, Credentials};
use crate::doors::doors;
use crate::latency::{Latencies, LatencyError};
use crate::operation::Operations;
use crate::persist::{Database, PersistError};
use crate::runtime::limits;
use crate::runtime::sandbox::{Sandboxes, Unusable};
use crate::services;

/// The port AWS emulators are expected on; taken if it is free and none was used before.
const USUAL_PORT: u16 = 4566;

/// Whoever asks whether a local cloud runs here holds its lock for a moment: that is nobody who uses the directory.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);
const LOCK_POLL: Duration = Duration::from_millis(10);

/// What a local cloud makes in its data directory, by name: anything else there is somebody else's.
pub const DATA_ENTRIES: [&str; 15] = [
    "lock",
    "port",
    "state.jsonl",
    "state.new",
    authority::ENTRIES[0],
    authority::ENTRIES[1],
    authority::ENTRIES[2],
    "codebuild",
    "images",
    "logs",
    "postgres",
    services::rds::PASSWORDS,
    "registry",
    "s3",
    "tasks",
];

/// How to start.
#[derive(Debug, Clone)]
pub struct Options {
    /// Holds everything; made if missing. One process at a time.
    pub data_dir: PathBuf,
    /// Fails if this port is taken. `None`: the port of the last start, else 4566, else one from the system.
    pub port: Option<u16>,
    pub settings: Settings,
    /// How many seconds of AWS's waits pass in one real second, at least 1; 60 is the tool's default.
    pub time_scale: f64,
    /// How long resources take at the least, as on AWS; divided by the time scale.
    pub latencies: Latencies,
}

/// Reads latencies from a file of YAML or JSON: resource types, and for each the seconds that AWS takes, 0 to 86,400
/// with fractions, or a map of `create`, `update` and `delete` to seconds, of which those that are left out are none.
///
/// # Errors
/// The first thing wrong, with its place; a type that the local cloud does not know.
pub fn read_latencies(path: &Path) -> Result<Latencies, LatencyError> {
    Latencies::read(path, services::cloudformation::is_type)
}

/// Why tasks have no namespaces of their own here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoNamespaces {
    pub why: String,
    /// What to type, where one setting of this machine is in the way.
    pub command: Option<&'static str>,
}

/// Tries whether tasks have namespaces of their own on this machine, by a container that does nothing. `task_agent`: as
/// in [`Settings`].
///
/// # Errors
/// They have none. Nothing is left behind.
pub async fn try_namespaces(task_agent: Vec<String>) -> Result<(), NoNamespaces> {
    let failed = |error: &dyn std::fmt::Display| NoNamespaces { why: error.to_string(), command: None };
    let dir = tempfile::tempdir().map_err(|error| failed(&error))?;
    let database = Database::open(&dir.path().join("state.jsonl")).map_err(|error| failed(&error))?;
    let setup = Setup {
        database,
        data_dir: dir.path().to_owned(),
        clock: Clock::new(1.0),
        latencies: Latencies::default(),
    };
    let settings =
        Settings { account: String::new(), region: String::new(), source: dir.path().to_owned(), task_agent };
    let cloud = Cloud::new(settings, setup, Operations::default());
    let tried = cloud.part::<Sandboxes>().usable(&cloud).await;
    let unusable = |found: Unusable| NoNamespaces { why: found.to_string(), command: found.command() };
    tried.map(drop).map_err(unusable)
}

/// Why the local cloud did not start. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("data directory `{path}` is not writable: {source}")]
    DataDir { path: PathBuf, source: std::io::Error },
    #[error("data directory `{path}` is in use by another local cloud")]
    InUse { path: PathBuf },
    #[error("port {port} on 127.0.0.1 is not free: {source}")]
    Port { port: u16, source: std::io::Error },
    #[error(transparent)]
    Persist(#[from] PersistError),
}

/// A running local cloud. Dropping it without [`LocalCloud::stop`] is like killing it.
pub struct LocalCloud {
    cloud: Cloud,
    operator: Credentials,
    server: tokio::task::JoinHandle<()>,
    _lock: Flock<File>,
}

impl LocalCloud {
    /// Opens the data directory, listens, and takes up what was under way.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        limits::raise();
        let lock = take_data_dir(&options.data_dir).await?;
        // Before it is told that the local cloud is there: whoever finds it finds the authority too.
        let unusable = |source| StartError::DataDir { path: options.data_dir.clone(), source };
        Authority::open(&options.data_dir).map_err(unusable)?;
        let listener = listen(&options).await?;
        let database = Database::open(&options.data_dir.join("state.jsonl"))?;
        let clock = Clock::new(options.time_scale);
        let setup =
            Setup { database, data_dir: options.data_dir.clone(), clock, latencies: options.latencies };
        let mut operations = Operations::default();
        services::register(&mut operations);
        let cloud = Cloud::new(options.settings, setup, operations);
        let address = listener.local_addr().map_err(|source| StartError::Port { port: 0, source })?;
        cloud.set_endpoint(format!("http://{address}"));
        let operator = cloud.part::<CredentialStore>().operator(cloud.account())?;
        let server = tokio::spawn(crate::protocol::serve(cloud.clone(), listener, doors(&cloud)));
        tokio::spawn(console::watch(cloud.clone(), &services::SOURCES));
        services::resume(&cloud).await;
        Ok(Self { cloud, operator, server, _lock: lock })
    }

    pub fn cloud(&self) -> &Cloud {
        &self.cloud
    }

    /// `http://127.0.0.1:PORT`.
    pub fn endpoint(&self) -> &str {
        self.cloud.endpoint()
    }

    /// The operations that are served over HTTP, sorted: `ecs:CreateTaskSet`. Engines have a few more among themselves.
    pub fn operations(&self) -> Vec<String> {
        crate::doors::served(&self.cloud)
    }

    /// The key with which the operator signs.
    pub fn operator(&self) -> &Credentials {
        &self.operator
    }

    /// What `x-seatrial-token` must be for the routes below `/_local/`, and for the page.
    pub fn token(&self) -> String {
        console::token_of(&self.cloud)
    }

    /// Ends engines between two steps and every process that was started; a later start goes on from there.
    pub async fn stop(self) {
        self.cloud.drivers().shutdown(Duration::from_secs(5)).await;
        services::stop(&self.cloud).await;
        self.server.abort();
        // Whoever takes the data directory next finds nobody else who writes there.
        self.cloud.close();
    }
}

async fn take_data_dir(path: &Path) -> Result<Flock<File>, StartError> {
    let failed = |source| StartError::DataDir { path: path.to_owned(), source };
    std::fs::create_dir_all(path).map_err(failed)?;
    // Whoever made it: secrets and sources lie in it.
    std::fs::set_permissions(path, Permissions::from_mode(0o700)).map_err(failed)?;
    let deadline = Instant::now() + LOCK_PATIENCE;
    loop {
        // Opened anew each time: a reset may have deleted the one before.
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(path.join("lock"));
        match Flock::lock(file.map_err(failed)?, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => return Ok(lock),
            Err((_, Errno::EWOULDBLOCK)) if Instant::now() < deadline => {}
            Err((_, Errno::EWOULDBLOCK)) => return Err(StartError::InUse { path: path.to_owned() }),
            Err((_, errno)) => return Err(failed(errno.into())),
        }
        tokio::time::sleep(LOCK_POLL).await;
    }
}

async fn listen(options: &Options) -> Result<TcpListener, StartError> {
    let bind = |port| TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    if let Some(port) = options.port {
        return bind(port).await.map_err(|source| StartError::Port { port, source });
    }
    let remembered = options.data_dir.join("port");
    let last = std::fs::read_to_string(&remembered).ok().and_then(|text| text.trim().parse().ok());
    let listener = match bind(last.unwrap_or(USUAL_PORT)).await {
        Ok(listener) => listener,
        Err(_) => bind(0).await.map_err(|source| StartError::Port { port: 0, source })?,
    };
    let address = listener.local_addr().map_err(|source| StartError::Port { port: 0, source })?;
    let failed = |source| StartError::DataDir { path: remembered.clone(), source };
    let mut file = File::create(&remembered).map_err(failed)?;
    writeln!(file, "{}", address.port()).map_err(failed)?;
    Ok(listener)
}

#[cfg(test)]
mod tests {
    use nix::sys::resource::{Resource, getrlimit};

    use super::*;
    use crate::tests;

    #[tokio::test]
    async fn a_start_under_few_open_files_gets_all_that_the_system_gives() {
        if !tests::has_few_files("start::tests::a_start_under_few_open_files_gets_all_that_the_system_gives")
        {
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        let before = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        let settings = Settings {
            account: tests::ACCOUNT.to_owned(),
            region: "eu-central-1".to_owned(),
            source: dir.path().to_owned(),
            task_agent: Vec::new(),
        };
        let data_dir = dir.path().join("data");
        let options =
            Options { data_dir, port: Some(0), settings, time_scale: 60.0, latencies: Latencies::default() };
        let cloud = LocalCloud::start(options).await.unwrap();

        let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        assert_eq!(before.0, tests::FEW_FILES);
        assert_eq!((soft, hard), (before.1, before.1));
        cloud.stop().await;
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_only_asks_whether_a_local_cloud_runs_keeps_none_from_starting() {
        let dir = tempfile::tempdir().unwrap();
        let ask = || {
            let file = File::create(dir.path().join("lock")).unwrap();
            Flock::lock(file, FlockArg::LockSharedNonblock).unwrap()
        };
        let asked = ask();
        std::fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
        let taken = take_data_dir(dir.path());
        tokio::pin!(taken);
        assert!(tokio::time::timeout(LOCK_PATIENCE / 2, &mut taken).await.is_err());
        drop(asked);
        drop(taken.await.unwrap());
        assert_eq!(dir.path().metadata().unwrap().permissions().mode() & 0o777, 0o700);

        // One that stays uses the directory.
        let _stays = ask();
        assert!(matches!(take_data_dir(dir.path()).await, Err(StartError::InUse { .. })));
    }
}
