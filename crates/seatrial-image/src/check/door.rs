//! The way to the test listener: closed to the world, opened to this build's own address while it asks.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_config::SdkConfig;
use seatrial_ask::{Address, Asker};
use seatrial_query::{Place, Protocol, Service, call, elements, form};

use crate::error::ImageError;

const EC2: Service = Service {
    name: "EC2",
    signing_name: "ec2",
    protocol: Protocol::Query { version: "2016-11-15" },
    place: Place::Regional,
};

/// Tells whoever asks where the question came from.
const WHO_ASKS: &str = "checkip.amazonaws.com";

/// By this a rule is known that a check made: what is asked of it goes with the check, or with the next one.
const DESCRIPTION: &str = "opened by seatrial-image check, which closes it again";

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

    /// Closes what checks before this one opened that were killed before they could close it. This one's deployment is
    /// ready, and a group has one at a time: none of theirs waits for an answer any more. How many there were.
    pub(super) async fn close_what_was_left(&self) -> Result<usize, ImageError> {
        let group = &self.security_group;
        let failed =
            |(_, words)| ImageError::failed(format!("close what other checks left open in {group}"), words);
        let of_group = form(&[("Filter.1.Name", "group-id"), ("Filter.1.Value.1", group)]);
        let answer = self.call("DescribeSecurityGroupRules", of_group).await.map_err(failed)?;
        let rules = elements(&answer, "item");
        let of = |rule: &[(String, String)], name: &str| {
            rule.iter().find(|(member, _)| member == name).map(|(_, text)| text.clone())
        };
        let left = rules.iter().filter(|rule| of(rule, "description").as_deref() == Some(DESCRIPTION));
        let left: Vec<String> = left.filter_map(|rule| of(rule, "securityGroupRuleId")).collect();
        if left.is_empty() {
            return Ok(0);
        }
        let names: Vec<String> =
            (1..=left.len()).map(|index| format!("SecurityGroupRuleId.{index}")).collect();
        let ids = names.iter().zip(&left).map(|(name, id)| (name.as_str(), id.as_str()));
        let input: Vec<_> = [("GroupId", group.as_str())].into_iter().chain(ids).collect();
        self.call("RevokeSecurityGroupIngress", form(&input)).await.map_err(failed)?;
        Ok(left.len())
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

    /// Of one rule. What is revoked needs no description (EC2 API, RevokeSecurityGroupIngress).
    async fn ask(&self, operation: &'static str) -> Result<(), (String, String)> {
        let (port, range) = (self.port.to_string(), format!("{}/32", self.address));
        let rule = [
            ("GroupId", self.security_group.as_str()),
            ("IpPermissions.1.IpProtocol", "tcp"),
            ("IpPermissions.1.FromPort", &port),
            ("IpPermissions.1.ToPort", &port),
            ("IpPermissions.1.IpRanges.1.CidrIp", &range),
        ];
        let described = ("IpPermissions.1.IpRanges.1.Description", DESCRIPTION);
        let description = (operation == "AuthorizeSecurityGroupIngress").then_some(described);
        let input: Vec<_> = rule.into_iter().chain(description).collect();
        self.call(operation, form(&input)).await.map(drop)
    }

    /// The answer, or the code and the words of a refusal.
    async fn call(&self, operation: &'static str, input: String) -> Result<String, (String, String)> {
        let answer = call(&self.config, &EC2, (operation, input), None).await;
        answer.map_err(|error| seatrial_query::words(&error))
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
