//! The way to the test listener: closed to the world, opened to this build's own address while it asks.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_config::SdkConfig;
use seatrial_ask::{Address, Asker};
use seatrial_query::{Place, Protocol, Service, call, form};

use crate::error::ImageError;

const EC2: Service = Service {
    name: "EC2",
    signing_name: "ec2",
    protocol: Protocol::Query { version: "2016-11-15" },
    place: Place::Regional,
};

/// Tells whoever asks where the question came from.
const WHO_ASKS: &str = "checkip.amazonaws.com";

/// A port of a security group that is opened to one address.
pub struct Door {
    pub config: SdkConfig,
    pub security_group: String,
    pub port: u16,
    pub address: Ipv4Addr,
    /// Whether it was opened here: what somebody else opened is theirs to close.
    opened: AtomicBool,
}

impl Door {
    pub fn new(config: SdkConfig, (security_group, port): (String, u16), address: Ipv4Addr) -> Self {
        Self { config, security_group, port, address, opened: AtomicBool::new(false) }
    }

    pub(super) async fn open(&self) -> Result<(), ImageError> {
        let answer = self.ask("AuthorizeSecurityGroupIngress").await;
        match answer {
            Err((code, _)) if code == "InvalidPermission.Duplicate" => Ok(()),
            Err((_, words)) => Err(self.failed("open", words)),
            Ok(()) => {
                self.opened.store(true, Ordering::Relaxed);
                Ok(())
            }
        }
    }

    pub(super) async fn close(&self) -> Result<(), ImageError> {
        if !self.opened.swap(false, Ordering::Relaxed) {
            return Ok(());
        }
        match self.ask("RevokeSecurityGroupIngress").await {
            Err((code, _)) if code == "InvalidPermission.NotFound" => Ok(()),
            Err((_, words)) => Err(self.failed("close", words)),
            Ok(()) => Ok(()),
        }
    }

    fn failed(&self, what: &str, words: String) -> ImageError {
        let Self { port, security_group, address, .. } = self;
        ImageError::failed(
            format!("{what} port {port} of security group {security_group} to {address}"),
            words,
        )
    }

    /// The code and the words of a refusal.
    async fn ask(&self, operation: &'static str) -> Result<(), (String, String)> {
        let (port, range) = (self.port.to_string(), format!("{}/32", self.address));
        // Not a description: what is revoked is found by all that is said of it.
        let input = form(&[
            ("GroupId", &self.security_group),
            ("IpPermissions.1.IpProtocol", "tcp"),
            ("IpPermissions.1.FromPort", &port),
            ("IpPermissions.1.ToPort", &port),
            ("IpPermissions.1.IpRanges.1.CidrIp", &range),
        ]);
        let answer = call(&self.config, &EC2, (operation, input), None).await;
        answer.map(drop).map_err(|error| seatrial_query::words(&error))
    }
}

/// The address that this build's requests come from, as the world sees it.
///
/// # Errors
/// `ImageError::Failed` where nobody tells it.
pub async fn own_address() -> Result<Ipv4Addr, ImageError> {
    let failed = |why: String| ImageError::failed(format!("learn this build's address from {WHO_ASKS}"), why);
    let url = format!("https://{WHO_ASKS}");
    let address = Address { url: url.clone(), load_balancer: WHO_ASKS.to_owned(), trusted: Vec::new() };
    let answer = Asker::new(&address).map_err(failed)?.answer(&url).await.map_err(failed)?;
    let text = String::from_utf8_lossy(&answer.body);
    text.trim().parse().map_err(|_| failed(format!("it answered `{}`", text.trim())))
}
