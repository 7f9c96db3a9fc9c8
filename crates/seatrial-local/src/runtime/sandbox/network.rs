//! The network namespace of a task: the loopback device, and sockets that the local cloud uses from outside.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::OwnedFd;

use rustix::net::sockopt::set_socket_reuseaddr;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, bind, connect, listen as listen_on, recv,
    send, socket_with,
};

use super::message::Range;

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
    let route = route()?;
    ask(&route, &up())?;
    ask(&route, &address(CREDENTIALS))
}

/// Has connections to all addresses but the loopback device's wait in vain, as security groups have them, unless a range
/// lets them out.
pub(super) fn limit(let_out: &[Range]) -> io::Result<()> {
    /// Between that of the local addresses, 0, and that of the main table, 32,766.
    const PRIORITY: u32 = 1000;
    let route = route()?;
    for (priority, range) in (PRIORITY..).zip(let_out) {
        ask(&route, &unreachable(range, priority))?;
    }
    ask(&route, &lost(Ipv4Addr::LOCALHOST))
}

fn route() -> io::Result<OwnedFd> {
    // Without a protocol it is NETLINK_ROUTE, which is 0.
    Ok(socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, None)?)
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

/// `RTM_NEWRULE`: what is let out to a range, by rules of this priority, before the route of what is lost counts. There is
/// nobody in this network to go to: the program is told at once.
fn unreachable(range: &Range, priority: u32) -> Vec<u8> {
    const RTM_NEWRULE: u16 = 32;
    const NLM_F_CREATE: u16 = 0x400;
    const FR_ACT_UNREACHABLE: u8 = 7;
    const FRA_DST: u16 = 1;
    const FRA_PRIORITY: u16 = 6;
    const FRA_IP_PROTO: u16 = 22;
    const FRA_DPORT_RANGE: u16 = 24;
    const IPPROTO_TCP: u8 = 6;
    // Family, lengths of both prefixes, type of service, table, nothing, nothing, action, and no flags.
    let mut body = vec![AF_INET, range.bits, 0, 0, 0, 0, 0, FR_ACT_UNREACHABLE, 0, 0, 0, 0];
    if range.bits > 0 {
        body.extend(attribute(FRA_DST, range.address.octets()));
    }
    body.extend(attribute(FRA_PRIORITY, priority.to_ne_bytes()));
    if let Some((from, to)) = range.ports {
        let mut protocol = attribute(FRA_IP_PROTO, [IPPROTO_TCP, 0, 0, 0]);
        // One byte of value; the others pad it.
        protocol[..2].copy_from_slice(&5_u16.to_ne_bytes());
        body.extend(protocol);
        // There is no port 0.
        let [from, to] = [from.max(1), to.max(1)].map(u16::to_ne_bytes);
        body.extend(attribute(FRA_DPORT_RANGE, [from[0], from[1], to[0], to[1]]));
    }
    message(RTM_NEWRULE, NLM_F_CREATE, &body)
}

/// `RTM_NEWROUTE`: a default route over the loopback device. What leaves by it comes back for an address that nobody
/// has, and is dropped without a word.
fn lost(source: Ipv4Addr) -> Vec<u8> {
    const RTM_NEWROUTE: u16 = 24;
    const NLM_F_CREATE: u16 = 0x400;
    const RT_TABLE_MAIN: u8 = 254;
    const RTPROT_BOOT: u8 = 3;
    const RT_SCOPE_LINK: u8 = 253;
    const RTN_UNICAST: u8 = 1;
    const RTA_OIF: u16 = 4;
    const RTA_PREFSRC: u16 = 7;
    // Family, lengths of both prefixes, type of service, table, protocol, scope, kind, and no flags.
    let body = [AF_INET, 0, 0, 0, RT_TABLE_MAIN, RTPROT_BOOT, RT_SCOPE_LINK, RTN_UNICAST, 0, 0, 0, 0];
    let device = attribute(RTA_OIF, LOOPBACK.to_ne_bytes());
    let source = attribute(RTA_PREFSRC, source.octets());
    message(RTM_NEWROUTE, NLM_F_CREATE, &[&body[..], &device, &source].concat())
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
