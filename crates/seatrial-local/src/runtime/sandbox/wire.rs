//! Messages over a stream socket: four bytes of length, which descriptors may come with, then JSON.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};
use serde::{Serialize, de::DeserializeOwned};

/// As many descriptors as may come with one message.
pub(super) const MOST_FILES: usize = 32;
/// A container's environment is the largest part of any; nobody's is larger (a task definition has 64 KiB, each secret
/// likewise).
const LONGEST: usize = 16 * 1024 * 1024;

/// A message as bytes.
pub(super) fn encode(message: &impl Serialize) -> io::Result<([u8; 4], Vec<u8>)> {
    let body = serde_json::to_vec(message)?;
    let length = u32::try_from(body.len()).map_err(io::Error::other)?;
    Ok((length.to_be_bytes(), body))
}

/// The length that a message's head tells, in bytes.
pub(super) fn length(head: [u8; 4]) -> io::Result<usize> {
    let length = u32::from_be_bytes(head) as usize;
    if length > LONGEST {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a message is too long"));
    }
    Ok(length)
}

/// Sends the head of a message with `files`. A head is never cut.
pub(super) fn send_head(socket: impl AsFd, head: [u8; 4], files: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_FILES))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !files.is_empty() && !control.push(SendAncillaryMessage::ScmRights(files)) {
        return Err(io::Error::other("too many descriptors for a message"));
    }
    let sent = sendmsg(socket, &[IoSlice::new(&head)], &mut control, SendFlags::NOSIGNAL)?;
    if sent == head.len() { Ok(()) } else { Err(io::ErrorKind::WriteZero.into()) }
}

/// Receives the head of a message with its descriptors. `None`: the other side has gone.
pub(super) fn receive_head(socket: impl AsFd) -> io::Result<Option<([u8; 4], Vec<OwnedFd>)>> {
    let mut head = [0; 4];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_FILES))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::CMSG_CLOEXEC;
    let received = recvmsg(socket, &mut [IoSliceMut::new(&mut head)], &mut control, flags)?;
    let files = control.drain().flat_map(|message| match message {
        RecvAncillaryMessage::ScmRights(files) => files.collect::<Vec<_>>(),
        _ => Vec::new(),
    });
    let files = files.collect();
    match received.bytes {
        0 => Ok(None),
        4 => Ok(Some((head, files))),
        _ => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// Sends a message and waits until it is sent.
pub(super) fn send(socket: &UnixStream, message: &impl Serialize, files: &[OwnedFd]) -> io::Result<()> {
    let (head, body) = encode(message)?;
    let files: Vec<_> = files.iter().map(AsFd::as_fd).collect();
    send_head(socket, head, &files)?;
    (&mut &*socket).write_all(&body)
}

/// Waits for a message. `None`: the other side has gone.
pub(super) fn receive<T: DeserializeOwned>(socket: &UnixStream) -> io::Result<Option<(T, Vec<OwnedFd>)>> {
    let Some((head, files)) = receive_head(socket)? else { return Ok(None) };
    let mut body = vec![0; length(head)?];
    (&mut &*socket).read_exact(&mut body)?;
    Ok(Some((serde_json::from_slice(&body)?, files)))
}
