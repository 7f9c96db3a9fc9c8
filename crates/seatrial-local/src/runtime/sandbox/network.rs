//! The network namespace of a task: the loopback device, and sockets that the local cloud uses from outside.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::OwnedFd;

use rustix::net::sockopt::set_socket_reuseaddr;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, bind, connect, listen as listen_on, recv,
    send, socket_with,
};

/// As many connections wait for the local cloud.
const BACKLOG: i32 = 1024;
/// Where the agent of ECS is in the network of each task.
const CREDENTIALS: Ipv4Addr = Ipv4Addr::new(169, 254, 170, 2);

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

/// Brings the loopback device up: with it all of 127.0.0.0/8 and `::1` are there, and the address at which AWS has
/// credentials for tasks.
pub(super) fn open_loopback() -> io::Result<()> {
    // Without a protocol it is NETLINK_ROUTE, which is 0.
    let route = socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, None)?;
    ask(&route, &up())?;
    ask(&route, &address(CREDENTIALS))
}

fn ask(route: &OwnedFd, message: &[u8]) -> io::Result<()> {
    send(route, message, SendFlags::empty())?;
    let mut answer = [0_u8; 128];
    let (length, _) = recv(route, &mut answer[..], RecvFlags::empty())?;
    // NLMSG_ERROR: behind the header of 16 bytes stands an errno, negative, or 0 (netlink(7)).
    let errno = answer[..length].get(16..20).and_then(|bytes| bytes.try_into().ok()).map(i32::from_ne_bytes);
    match errno {
        Some(0) => Ok(()),
        Some(errno) => Err(io::Error::from_raw_os_error(-errno)),
        None => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// The first interface of a namespace, which is always `lo`.
const LOOPBACK: u32 = 1;
const AF_INET: u8 = 2;

/// `RTM_NEWLINK` (rtnetlink(7), as the others).
fn up() -> Vec<u8> {
    const RTM_NEWLINK: u16 = 16;
    const IFF_UP: u32 = 1;
    // Family and type, index, flags, which of them change.
    let body = [0, LOOPBACK, IFF_UP, IFF_UP].map(u32::to_ne_bytes).concat();
    message(RTM_NEWLINK, 0, &body)
}

/// `RTM_NEWADDR`: an address of the loopback device.
fn address(address: Ipv4Addr) -> Vec<u8> {
    const RTM_NEWADDR: u16 = 20;
    const NLM_F_CREATE: u16 = 0x400;
    const RT_SCOPE_HOST: u8 = 254;
    const IFA_LOCAL: u16 = 2;
    // Family, length of the prefix, flags, scope; index.
    let body = [&[AF_INET, 32, 0, RT_SCOPE_HOST][..], &LOOPBACK.to_ne_bytes()].concat();
    message(RTM_NEWADDR, NLM_F_CREATE, &[body, attribute(IFA_LOCAL, address.octets())].concat())
}

/// A request that is acknowledged (netlink(7)).
fn message(kind: u16, flags: u16, body: &[u8]) -> Vec<u8> {
    const NLM_F_REQUEST_ACK: u16 = 1 | 4;
    const HEADER: u32 = 16;
    let length = HEADER + u32::try_from(body.len()).unwrap_or_default();
    let mut message = length.to_ne_bytes().to_vec();
    message.extend(kind.to_ne_bytes());
    message.extend((flags | NLM_F_REQUEST_ACK).to_ne_bytes());
    // Sequence and sender.
    message.extend([0; 8]);
    message.extend(body);
    message
}

/// An attribute of four bytes, which needs no padding.
fn attribute(kind: u16, value: [u8; 4]) -> Vec<u8> {
    [&8_u16.to_ne_bytes()[..], &kind.to_ne_bytes(), &value].concat()
}
