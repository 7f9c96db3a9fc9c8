//! The network namespace of a task: the loopback device, and sockets that the local cloud uses from outside.

use std::io;
use std::net::SocketAddrV4;
use std::os::fd::OwnedFd;

use rustix::net::sockopt::set_socket_reuseaddr;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, bind, connect, listen as listen_on, recv,
    send, socket_with,
};

/// As many connections wait for the local cloud.
const BACKLOG: i32 = 1024;

/// Sockets that are not connected yet, which do not block.
pub(super) fn sockets(count: usize) -> io::Result<Vec<OwnedFd>> {
    (0..count).map(|_| socket(SocketFlags::NONBLOCK)).collect()
}

pub(super) fn listen(address: SocketAddrV4) -> io::Result<Vec<OwnedFd>> {
    let listener = bound(address)?;
    listen_on(&listener, BACKLOG)?;
    Ok(vec![listener])
}

/// A listener whose queue is full and never emptied: what else comes to it is dropped without a word. It stays so as
/// long as the answer is kept.
pub(super) fn silence(address: SocketAddrV4) -> io::Result<Vec<OwnedFd>> {
    let listener = bound(address)?;
    listen_on(&listener, 0)?;
    let first = socket(SocketFlags::empty())?;
    connect(&first, &address)?;
    Ok(vec![listener, first])
}

fn socket(flags: SocketFlags) -> io::Result<OwnedFd> {
    let flags = flags | SocketFlags::CLOEXEC;
    Ok(socket_with(AddressFamily::INET, SocketType::STREAM, flags, None)?)
}

fn bound(address: SocketAddrV4) -> io::Result<OwnedFd> {
    let socket = socket(SocketFlags::NONBLOCK)?;
    set_socket_reuseaddr(&socket, true)?;
    bind(&socket, &address)?;
    Ok(socket)
}

/// Brings the loopback device up: with it all of 127.0.0.0/8 and `::1` are there.
pub(super) fn open_loopback() -> io::Result<()> {
    // Without a protocol it is NETLINK_ROUTE, which is 0.
    let route = socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, None)?;
    send(&route, &up(), SendFlags::empty())?;
    let mut answer = [0_u8; 128];
    let (length, _) = recv(&route, &mut answer[..], RecvFlags::empty())?;
    // NLMSG_ERROR: behind the header of 16 bytes stands an errno, negative, or 0 (netlink(7)).
    let errno = answer[..length].get(16..20).and_then(|bytes| bytes.try_into().ok()).map(i32::from_ne_bytes);
    match errno {
        Some(0) => Ok(()),
        Some(errno) => Err(io::Error::from_raw_os_error(-errno)),
        None => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// `RTM_NEWLINK` for the first interface of a namespace, which is always `lo` (rtnetlink(7)).
fn up() -> [u8; 32] {
    const RTM_NEWLINK: u16 = 16;
    const NLM_F_REQUEST_ACK: u16 = 1 | 4;
    const IFF_UP: u32 = 1;
    let mut message = [0; 32];
    message[0..4].copy_from_slice(&32_u32.to_ne_bytes());
    message[4..6].copy_from_slice(&RTM_NEWLINK.to_ne_bytes());
    message[6..8].copy_from_slice(&NLM_F_REQUEST_ACK.to_ne_bytes());
    // Behind the header: family, type, index, flags, which of them change.
    message[20..24].copy_from_slice(&1_i32.to_ne_bytes());
    message[24..28].copy_from_slice(&IFF_UP.to_ne_bytes());
    message[28..32].copy_from_slice(&IFF_UP.to_ne_bytes());
    message
}
