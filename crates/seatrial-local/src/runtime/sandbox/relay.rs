//! The way out of a task's network: connections to one address inside go on to the same address outside.

use std::io;
use std::net::SocketAddrV4;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::AbortOnDropHandle;

use super::handle::Sandbox;

/// Between two tries to accept, where descriptors have run out.
const PAUSE: Duration = Duration::from_millis(100);

/// Ends when it is dropped; connections that were made go on to their own end.
pub(crate) struct Relay(#[expect(dead_code, reason = "held, not read")] AbortOnDropHandle<()>);

/// Lets the task reach `address`.
pub(crate) async fn relay(sandbox: &Sandbox, address: SocketAddrV4) -> io::Result<Relay> {
    let listener = sandbox.listen(address).await?;
    Ok(Relay(AbortOnDropHandle::new(tokio::spawn(accept(listener, address)))))
}

async fn accept(listener: TcpListener, address: SocketAddrV4) {
    loop {
        match listener.accept().await {
            Ok((inside, _)) => drop(tokio::spawn(carry(inside, address))),
            Err(error) => {
                tracing::warn!(%address, %error, "a task's connection was not taken");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

async fn carry(mut inside: TcpStream, address: SocketAddrV4) {
    let carried = async {
        let mut outside = TcpStream::connect(address).await?;
        inside.set_nodelay(true)?;
        outside.set_nodelay(true)?;
        tokio::io::copy_bidirectional(&mut inside, &mut outside).await
    };
    if let Err(error) = carried.await {
        tracing::debug!(%address, %error, "a task's connection broke");
    }
}
