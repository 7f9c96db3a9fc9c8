//! A throwaway Postgres server on a free port of 127.0.0.1.

use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, User, geteuid};
use sqlx::Connection as _;
use tempfile::TempDir;

/// The server; ends with the value.
pub(crate) struct Postgres {
    server: Child,
    pub(crate) port: u16,
    _directory: TempDir,
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Postgres {
    /// Makes a cluster with the superuser and database `app`, and waits until it accepts connections.
    pub(crate) fn start(port: u16) -> Self {
        let programs = programs();
        let directory = tempfile::Builder::new().prefix("app-test-postgres-").tempdir().unwrap();
        let user = unprivileged();
        if let Some(user) = &user {
            chown(directory.path(), Some(user.uid.as_raw()), Some(user.gid.as_raw())).unwrap();
        }
        let data = directory.path().join("data");
        let mut initdb = command(&programs.join("initdb"), user.as_ref(), directory.path());
        initdb.arg("--pgdata").arg(&data).args(["--username=app", "--auth=trust", "--no-locale"]);
        let output = initdb.args(["--encoding=UTF8", "--no-sync"]).output().unwrap();
        assert!(output.status.success(), "initdb failed: {}", String::from_utf8_lossy(&output.stderr));

        let mut server = command(&programs.join("postgres"), user.as_ref(), directory.path());
        server.arg("-D").arg(&data).args(["-p", &port.to_string()]);
        for setting in ["listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off"] {
            server.args(["-c", setting]);
        }
        let server = server.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let postgres = Self { server, port, _directory: directory };
        super::poll("postgres listens", || TcpStream::connect(("127.0.0.1", port)).ok());
        postgres
    }

    pub(crate) fn execute(&self, statement: &'static str) {
        let url = format!("postgres://app@127.0.0.1:{}/postgres", self.port);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let done = runtime.block_on(async {
            let mut connection = sqlx::PgConnection::connect(&url).await?;
            sqlx::query(statement).execute(&mut connection).await?;
            connection.close().await
        });
        done.unwrap();
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // SIGINT: fast shutdown, which ends open connections and leaves no shared memory behind.
        let _ = kill(Pid::from_raw(self.server.id() as i32), Signal::SIGINT);
        let _ = self.server.wait();
    }
}

/// Postgres refuses to run as root.
fn unprivileged() -> Option<User> {
    geteuid().is_root().then(|| {
        let find = |name| User::from_name(name).ok().flatten();
        find("postgres").or_else(|| find("nobody")).expect("neither user `postgres` nor `nobody` exists")
    })
}

fn command(program: &Path, user: Option<&User>, directory: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(directory);
    if let Some(user) = user {
        command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
    }
    command
}

/// The directory that holds `initdb` and `postgres`: from PATH, else where the packages put it.
fn programs() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places: Vec<PathBuf> = std::env::split_paths(&path).collect();
    for parent in ["/usr/lib/postgresql", "/usr/local/opt", "/opt/homebrew/opt"] {
        let versions = std::fs::read_dir(parent).into_iter().flatten().flatten();
        places.extend(versions.map(|version| version.path().join("bin")));
    }
    places
        .into_iter()
        .find(|place| place.join("initdb").is_file() && place.join("postgres").is_file())
        .expect("this test needs a Postgres server (`initdb` and `postgres`), and none is installed")
}
