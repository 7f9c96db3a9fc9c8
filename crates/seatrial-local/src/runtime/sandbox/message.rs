//! What a task's agent is asked, and what it answers.
//!
//! Each request gets one answer, in the order of the requests; a container's end comes by itself.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub(super) enum Request {
    /// Comes first, once the ids of its user namespace are mapped.
    Begin(Begin),
    /// So many TCP sockets that are not connected yet.
    Sockets(usize),
    /// A socket that listens inside. The local cloud accepts.
    Listen(SocketAddrV4),
    /// An address at which nobody answers, not even to refuse: what security groups make of one.
    Silence(SocketAddrV4),
    /// Connections to other addresses wait in vain, unless they are to one of these.
    Limit(Vec<Range>),
    /// A container, by a number that no other has; one descriptor comes with it, to which it writes.
    Start(usize, Box<Container>),
    /// A signal for the first process of a container.
    Signal { container: usize, signal: i32 },
    /// Unpacks the layer that comes as a descriptor over a folder of the images'.
    Unpack(PathBuf),
    /// Removes a folder of the images'.
    Remove(PathBuf),
}

#[derive(Serialize, Deserialize)]
pub(super) enum Answer {
    /// The agent's process, before any request.
    Cloned(u32),
    /// With descriptors where some were asked for.
    Done,
    Failed(String),
    Exited {
        container: usize,
        code: Option<i32>,
        signal: Option<i32>,
    },
}

/// What all containers of a task share.
#[derive(Serialize, Deserialize)]
pub(super) struct Begin {
    /// Where unpacked images are.
    pub images: PathBuf,
    /// The task's own folder, which belongs to the root of its user namespace.
    pub task: PathBuf,
    /// Names of files in `/etc`, and what is in them.
    pub files: Vec<(String, String)>,
    pub hostname: String,
    /// Names of volumes that containers share.
    pub volumes: Vec<String>,
}

/// Addresses, and ports of theirs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Range {
    pub address: Ipv4Addr,
    /// Length of the prefix, 0 to 32.
    pub bits: u8,
    /// First and last of TCP; `None`: all of every protocol.
    pub ports: Option<(u16, u16)>,
}

/// A container.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Container {
    /// The unpacked image, from the folder of the images.
    pub image: PathBuf,
    pub program: Program,
    /// The whole environment.
    pub env: Vec<(String, String)>,
    /// The working directory, which is made if it is missing.
    pub dir: PathBuf,
    pub user: User,
    /// Whether its root can only be read.
    pub read_only: bool,
    pub mounts: Vec<Mount>,
    /// Limits by their number in Linux, soft and hard; `None` is unlimited.
    pub limits: Vec<(Limit, Option<u64>, Option<u64>)>,
    /// By their numbers in Linux.
    pub capabilities: Vec<u32>,
}

/// What a container runs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Program {
    /// Written first, as a line.
    pub says: Option<String>,
    /// Seconds before it begins.
    pub sleeps: u32,
    /// Nothing: it ends with this exit code.
    pub runs: Result<Execution, i32>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Execution {
    /// Absolute, in the image.
    pub path: PathBuf,
    /// With its own name.
    pub argv: Vec<String>,
}

/// Whose process it is, by the image's numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct User {
    pub uid: u32,
    pub gid: u32,
    /// Supplementary ones.
    pub groups: Vec<u32>,
}

/// A volume in a container.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Mount {
    /// `None`: in memory.
    pub volume: Option<String>,
    pub path: PathBuf,
    pub read_only: bool,
}

/// A resource that is limited, by the name that ECS gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Limit {
    Core,
    Cpu,
    Data,
    Fsize,
    Locks,
    Memlock,
    Msgqueue,
    Nice,
    Nofile,
    Nproc,
    Rss,
    Rtprio,
    Rttime,
    Sigpending,
    Stack,
}
