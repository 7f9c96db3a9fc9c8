//! Where a task listens: an address of its own in 127.0.0.0/8, or, where the system has only 127.0.0.1, a port
//! of its own.

use std::collections::HashSet;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use rand::RngExt as _;

use crate::services::ecs::shapes::NetworkConfiguration;
use crate::services::ecs::task::{Detail, Host, NetworkInterface, Task};

const TRIES: u32 = 50;

/// A free place for a task whose container listens on `port`. Another local cloud on this machine may have
/// taken an address: the port is tried.
pub(super) fn find(port: Option<u16>, taken: &HashSet<String>) -> io::Result<Host> {
    if !cfg!(target_os = "linux") {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        return Ok(Host { address: Ipv4Addr::LOCALHOST.to_string(), port: Some(port) });
    }
    let mut random = rand::rng();
    for _ in 0..TRIES {
        let address =
            Ipv4Addr::new(127, random.random_range(16..=254), random.random(), random.random_range(1..=254));
        let in_use = TcpListener::bind(SocketAddr::from((address, port.unwrap_or(0))))
            .is_err_and(|error| error.kind() == io::ErrorKind::AddrInUse);
        if !in_use && !taken.contains(&address.to_string()) {
            return Ok(Host { address: address.to_string(), port: None });
        }
    }
    let port = port
        .map_or_else(String::new, |port| format!(" with port {port}: a program listens on it everywhere"));
    Err(io::Error::other(format!("this machine has no free address in 127.0.0.0/8{port}")))
}

/// A free port of `address`, for a task that must listen where nobody looks.
pub(super) fn free_port(address: &str) -> io::Result<u16> {
    let address: Ipv4Addr = address.parse().map_err(io::Error::other)?;
    Ok(TcpListener::bind((address, 0))?.local_addr()?.port())
}

/// Describes the address as AWS does: a network interface that is attached to the task.
pub(super) fn attach(task: &mut Task, network: Option<&NetworkConfiguration>, address: &str) {
    let detail = |name: &str, value: &str| Detail { name: name.to_owned(), value: value.to_owned() };
    let subnet = network.and_then(|network| network.awsvpc_configuration.subnets.first());
    let Some(attachment) = task.attachments.first_mut() else { return };
    attachment.status = "ATTACHED".to_owned();
    attachment.details = vec![
        detail("subnetId", subnet.map_or("", String::as_str)),
        detail("networkInterfaceId", &format!("eni-{}", crate::id::hex(17))),
        detail("privateDnsName", &format!("ip-{}.local", address.replace('.', "-"))),
        detail("privateIPv4Address", address),
    ];
    for container in &mut task.containers {
        container.network_interfaces = vec![NetworkInterface {
            attachment_id: attachment.id.clone(),
            private_ipv4_address: address.to_owned(),
        }];
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_a_program_has_everywhere_is_named_and_is_nobodys_in_a_network_of_its_own() {
        let everywhere = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
        let port = everywhere.local_addr().unwrap().port();

        let Err(refused) = find(Some(port), &HashSet::new()) else { panic!("the port is taken") };
        assert!(refused.to_string().contains(&format!("port {port}: a program listens on it")), "{refused}");
        assert!(find(None, &HashSet::new()).unwrap().address.starts_with("127."));
    }
}
