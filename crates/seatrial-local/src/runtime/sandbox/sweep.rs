//! Removes what containers and layers have written where the user of the local cloud may not: files of the ids that a
//! user has from /etc/subuid lie in folders of such ids. The root of a user namespace may.

use std::fs;
use std::io;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};

use super::agent::MARK;
use super::ids::Ids;
use super::message::{Answer, Begin, Request};
use super::wire;

/// Folders of the data directory with such files.
const FOLDERS: [&str; 2] = ["images", "tasks"];

/// Removes the files of tasks and images in the data directory of a local cloud that does not run. `task_agent`: as in
/// [`crate::Settings`]. What cannot be removed is told of by whoever removes the directory.
pub fn sweep_tasks(data_dir: &Path, task_agent: &[String]) {
    for folder in FOLDERS.map(|name| data_dir.join(name)) {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if let Err(error) = remove(&folder, &name, task_agent) {
                tracing::warn!(%error, name, "what tasks have written was not removed");
            }
        }
    }
}

/// Removes a folder in `folder`: by an agent, where this process may not.
pub(super) fn remove(folder: &Path, name: &str, task_agent: &[String]) -> io::Result<()> {
    let ids = Ids::of_this_user();
    match fs::remove_dir_all(folder.join(name)) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied && ids != Ids::Shifted => {}
        removed => return removed,
    }
    let (ours, theirs) = UnixStream::pair()?;
    let mut command = Command::new("/proc/self/exe");
    command.args(task_agent).env_clear().env(MARK, "1").current_dir("/");
    command
        .stdin(Stdio::from(std::os::fd::OwnedFd::from(theirs)))
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut agent = command.spawn()?;
    // Its own copy of the other end goes with it: if the agent ends, so does the wait for its answer.
    drop(command);
    let removed = ask(&ours, (folder, name), ids);
    drop(ours);
    agent.wait()?;
    removed
}

fn ask(socket: &UnixStream, (folder, name): (&Path, &str), ids: Ids) -> io::Result<()> {
    let Answer::Cloned(pid) = answer(socket)? else { return Err(io::ErrorKind::InvalidData.into()) };
    ids.map(pid)?;
    let task = tempfile::tempdir()?;
    let begin = Begin {
        images: folder.to_owned(),
        task: task.path().to_owned(),
        files: Vec::new(),
        hostname: "files".to_owned(),
        volumes: Vec::new(),
    };
    for request in [Request::Begin(begin), Request::Remove(name.into())] {
        wire::send(socket, &request, &[])?;
        answer(socket)?;
    }
    Ok(())
}

fn answer(socket: &UnixStream) -> io::Result<Answer> {
    match wire::receive(socket)? {
        Some((Answer::Failed(why), _)) => Err(io::Error::other(why)),
        Some((answer, _)) => Ok(answer),
        None => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}
