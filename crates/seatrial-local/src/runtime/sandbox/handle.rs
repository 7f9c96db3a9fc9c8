//! The local cloud's end of an agent: questions and answers over its socket, and what becomes of its containers.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::{SocketAddr, SocketAddrV4};
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, Interest};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf, pipe};
use tokio::net::{TcpListener, TcpSocket, TcpStream, UnixStream};
use tokio::sync::{Mutex as AsyncMutex, mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use super::message::{Answer, Container, Range, Request};
use super::wire;
use crate::clock::Clock;
use crate::runtime::lines::{Line, read_lines};
use crate::runtime::process::{Exit, Process};

/// Sockets that are fetched at a time: a round trip for as many connections.
const SOCKETS: usize = 16;
/// How long the last lines of a container may take after its end.
const LAST_LINES: std::time::Duration = std::time::Duration::from_secs(2);

type Files = Vec<OwnedFd>;

/// A task's namespaces. All in them ends when this is dropped.
pub(crate) struct Sandbox {
    writer: AsyncMutex<OwnedWriteHalf>,
    asked: Arc<Asked>,
    /// Of the task's network, not connected yet.
    sockets: Mutex<Files>,
    clock: Clock,
    reader: JoinHandle<()>,
}

/// An address of a task's network at which nobody answers; when this is dropped, connections are refused there.
pub(crate) struct Silence(#[expect(dead_code, reason = "held, not read")] Files);

/// Who waits for what.
#[derive(Default)]
struct Asked {
    /// In the order of the requests. `None`: the agent is gone.
    answers: Mutex<Option<VecDeque<oneshot::Sender<io::Result<Files>>>>>,
    exits: Mutex<Containers>,
}

#[derive(Default)]
struct Containers {
    next: usize,
    waiting: HashMap<usize, watch::Sender<Option<Exit>>>,
}

impl Containers {
    /// The number of the next container, whose end `told` is to be told of.
    fn expect(&mut self, told: watch::Sender<Option<Exit>>) -> usize {
        let number = self.next;
        self.next += 1;
        self.waiting.insert(number, told);
        number
    }
}

impl Sandbox {
    /// Takes over the socket of an agent that has told its process.
    pub(super) fn new((reader, writer): (OwnedReadHalf, OwnedWriteHalf), clock: Clock) -> Self {
        let asked = Arc::new(Asked { answers: Mutex::new(Some(VecDeque::new())), ..Asked::default() });
        let reader = tokio::spawn(read(reader, Arc::clone(&asked)));
        Self { writer: AsyncMutex::new(writer), asked, sockets: Mutex::default(), clock, reader }
    }

    /// Starts the next container, whose lines go to `output`. The error is why it does not run.
    pub(crate) async fn start(
        self: &Arc<Self>,
        container: Container,
        output: mpsc::Sender<Line>,
    ) -> io::Result<Process> {
        let (reader, writer) = io::pipe()?;
        let (ended, exit) = watch::channel(None);
        let (told, mut tells) = watch::channel(None);
        let number = lock(&self.asked.exits).expect(told);
        let asked = self.ask(Request::Start(number, Box::new(container)), &[writer.into()]).await;
        if let Err(error) = asked {
            lock(&self.asked.exits).waiting.remove(&number);
            return Err(error);
        }
        let lines = pipe::Receiver::from_owned_fd(reader.into())?;
        let lines = tokio::spawn(read_lines(lines, self.clock, output));
        tokio::spawn(async move {
            let exit = tells.wait_for(Option::is_some).await.ok().and_then(|exit| *exit);
            let _ = tokio::time::timeout(LAST_LINES, lines).await;
            ended.send_replace(Some(exit.unwrap_or(KILLED)));
        });
        let sandbox = Arc::downgrade(self);
        let runtime = tokio::runtime::Handle::current();
        Ok(Process::contained(exit, move |signal| {
            if let Some(sandbox) = sandbox.upgrade() {
                let request = Request::Signal { container: number, signal: signal as i32 };
                runtime.spawn(async move { sandbox.ask(request, &[]).await });
            }
        }))
    }

    /// Connects to a port of the task, from inside.
    pub(crate) async fn connect(&self, address: SocketAddr) -> io::Result<TcpStream> {
        let kept = lock(&self.sockets).pop();
        let socket = match kept {
            Some(socket) => socket,
            None => {
                let mut sockets = self.ask(Request::Sockets(SOCKETS), &[]).await?;
                let one =
                    sockets.pop().ok_or_else(|| io::Error::other("the agent of a task gave no socket"))?;
                lock(&self.sockets).extend(sockets);
                one
            }
        };
        TcpSocket::from_std_stream(socket.into()).connect(address).await
    }

    /// Listens at an address of the task's network.
    pub(crate) async fn listen(&self, address: SocketAddrV4) -> io::Result<TcpListener> {
        let mut files = self.ask(Request::Listen(address), &[]).await?;
        let listener = files.pop().ok_or_else(|| io::Error::other("the agent of a task gave no listener"))?;
        TcpListener::from_std(listener.into())
    }

    /// Has connections to an address wait in vain, as long as the answer is kept.
    pub(crate) async fn silence(&self, address: SocketAddrV4) -> io::Result<Silence> {
        self.ask(Request::Silence(address), &[]).await.map(Silence)
    }

    /// Has connections to addresses that are no way wait in vain, unless a range lets them out: then they are refused at
    /// once, for nobody is there. Once only.
    pub(crate) async fn limit(&self, let_out: Vec<Range>) -> io::Result<()> {
        self.ask(Request::Limit(let_out), &[]).await.map(drop)
    }

    /// Unpacks a layer in the ids of the sandbox.
    pub(crate) async fn unpack(&self, layer: std::fs::File, root: std::path::PathBuf) -> io::Result<()> {
        self.ask(Request::Unpack(root), &[layer.into()]).await.map(drop)
    }

    pub(super) async fn ask(&self, request: Request, files: &[OwnedFd]) -> io::Result<Files> {
        let (head, body) = wire::encode(&request)?;
        let (answer, answered) = oneshot::channel();
        let mut writer = self.writer.lock().await;
        match lock(&self.asked.answers).as_mut() {
            Some(answers) => answers.push_back(answer),
            None => return Err(gone()),
        }
        let sent = async {
            let files: Vec<_> = files.iter().map(|file| file.as_fd()).collect();
            loop {
                writer.writable().await?;
                let socket: &UnixStream = writer.as_ref();
                match socket.try_io(Interest::WRITABLE, || wire::send_head(socket, head, &files)) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    sent => break sent?,
                }
            }
            writer.write_all(&body).await
        };
        sent.await?;
        drop(writer);
        answered.await.map_err(|_| gone())?
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // Its half of the socket would keep the agent waiting.
        self.reader.abort();
    }
}

/// How what was running ends with its agent.
const KILLED: Exit = Exit { code: None, signal: Some(nix::sys::signal::Signal::SIGKILL as i32) };

fn gone() -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, "the agent of the task is gone")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Hands on what the agent answers, until it is gone.
async fn read(mut reader: OwnedReadHalf, asked: Arc<Asked>) {
    loop {
        match receive(&mut reader).await {
            Ok(Some((Answer::Exited { container, code, signal }, _))) => {
                if let Some(waiting) = lock(&asked.exits).waiting.remove(&container) {
                    waiting.send_replace(Some(Exit { code, signal }));
                }
            }
            Ok(Some((answer, files))) => {
                let result = match answer {
                    Answer::Failed(why) => Err(io::Error::other(why)),
                    _ => Ok(files),
                };
                let waits = lock(&asked.answers).as_mut().and_then(VecDeque::pop_front);
                if let Some(waits) = waits {
                    // Whoever asked may have gone.
                    let _ = waits.send(result);
                }
            }
            Ok(None) => break,
            Err(error) => {
                tracing::error!(%error, "the agent of a task cannot be understood");
                break;
            }
        }
    }
    lock(&asked.answers).take();
    lock(&asked.exits).waiting.clear();
}

/// The next message. `None`: the agent is gone.
pub(super) async fn receive(reader: &mut OwnedReadHalf) -> io::Result<Option<(Answer, Files)>> {
    let (head, files) = loop {
        let socket: &UnixStream = (*reader).as_ref();
        socket.readable().await?;
        match socket.try_io(Interest::READABLE, || wire::receive_head(socket)) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Ok(None),
            received => match received? {
                Some(received) => break received,
                None => return Ok(None),
            },
        }
    };
    let mut body = vec![0; wire::length(head)?];
    reader.read_exact(&mut body).await?;
    Ok(Some((serde_json::from_slice(&body)?, files)))
}
