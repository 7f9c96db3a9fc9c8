//! What ECS needs of other services, as small as can be: images in memory, target health by connecting,
//! log lines in a list.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpStream};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::cloud::{Part, Setup};
use crate::error::ServiceError;
use crate::operation::{Call, Operation, Operations};

/// A server that answers `ok` to everything, says its secret when it starts and `bye` when it is told to end.
const SERVER: &str = r#"#!/usr/bin/perl
use IO::Socket::INET;
$| = 1;
$SIG{TERM} = sub { print "bye\n"; exit 0 };
print "secret $ENV{SECRET}\n";
exit $ENV{CRASH} if $ENV{CRASH};
my $server = IO::Socket::INET->new(LocalAddr => $ENV{HOST}, LocalPort => $ENV{PORT}, Listen => 5, ReuseAddr => 1)
    or die "no server: $@";
print "listening\n";
while (1) {
    my $client = $server->accept or next;
    while (defined(my $line = <$client>)) { last if $line =~ /^\r?\n$/ }
    print $client "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
    close $client;
}
"#;

#[derive(Default)]
pub(super) struct Neighbours {
    /// By digest.
    blobs: Mutex<BTreeMap<String, Vec<u8>>>,
    targets: Mutex<Vec<Target>>,
    /// What happened, in order: log lines and calls of the load balancer.
    story: Mutex<Vec<String>>,
}

#[derive(Clone)]
struct Target {
    group: String,
    id: String,
    port: u16,
    /// How often it still answers `draining`.
    draining: Option<u32>,
}

impl Part for Neighbours {
    fn open(_setup: &Setup) -> Self {
        let this = Self::default();
        let config =
            json!({ "config": { "Entrypoint": ["/server"], "Env": ["FROM_IMAGE=yes"], "WorkingDir": "/" } });
        let config = this.add_blob(config.to_string().into_bytes());
        let layer = this.add_blob(layer());
        let manifest = json!({ "config": { "digest": config }, "layers": [{ "digest": layer }] });
        lock(&this.blobs).insert("manifest".to_owned(), manifest.to_string().into_bytes());
        this
    }
}

fn layer() -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(SERVER.len() as u64);
    header.set_mode(0o755);
    builder.append_data(&mut header, "server", SERVER.as_bytes()).unwrap();
    builder.into_inner().unwrap()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Neighbours {
    fn add_blob(&self, bytes: Vec<u8>) -> String {
        let digest = format!("sha256:{}", hex::encode(Sha256::digest(&bytes)));
        lock(&self.blobs).insert(digest.clone(), bytes);
        digest
    }

    pub(super) fn blob(&self, digest: &str) -> Option<Vec<u8>> {
        lock(&self.blobs).get(digest).cloned()
    }

    fn tell(&self, what: impl Into<String>) {
        lock(&self.story).push(what.into());
    }

    pub(super) fn story(&self) -> Vec<String> {
        lock(&self.story).clone()
    }

    pub(super) fn targets(&self, group: &str) -> Vec<(String, u16)> {
        let targets = lock(&self.targets);
        let live = targets.iter().filter(|target| target.group == group && target.draining.is_none());
        live.map(|target| (target.id.clone(), target.port)).collect()
    }

    fn health(&self, group: &str) -> Vec<Value> {
        let mut targets = lock(&self.targets);
        targets.retain(|target| target.draining != Some(0));
        let of_group = targets.iter_mut().filter(|target| target.group == group);
        of_group
            .map(|target| {
                let state = match &mut target.draining {
                    Some(left) => {
                        *left -= 1;
                        "draining"
                    }
                    None if connects(&target.id, target.port) => "healthy",
                    None => "unhealthy",
                };
                json!({
                    "Target": { "Id": target.id, "Port": target.port },
                    "TargetHealth": { "State": state, "Description": "Health checks failed" }
                })
            })
            .collect()
    }
}

fn connects(id: &str, port: u16) -> bool {
    let address: SocketAddr = format!("{id}:{port}").parse().unwrap();
    TcpStream::connect_timeout(&address, Duration::from_millis(200)).is_ok()
}

macro_rules! stub {
    ($name:ident, $service:literal, $does:expr) => {
        #[derive(Deserialize)]
        struct $name(Value);

        impl Operation for $name {
            type Output = Value;
            const SERVICE: &'static str = $service;
            const NAME: &'static str = stringify!($name);

            async fn handle(self, call: &Call) -> Result<Value, ServiceError> {
                let does: fn(&Call, &Neighbours, Value) -> Result<Value, ServiceError> = $does;
                does(call, &call.cloud.part::<Neighbours>(), self.0)
            }
        }
    };
}

stub!(GetAuthorizationToken, "ecr", |_, _, _| Ok(json!({})));
stub!(BatchGetImage, "ecr", |_, this, input| {
    if input["imageIds"][0]["imageTag"] == "missing" {
        return Ok(json!({ "images": [] }));
    }
    let manifest = String::from_utf8(this.blob("manifest").unwrap_or_default()).unwrap_or_default();
    Ok(json!({ "images": [{ "imageManifest": manifest }] }))
});
stub!(GetDownloadUrlForLayer, "ecr", |call, _, input| {
    let digest = input["layerDigest"].as_str().unwrap_or_default();
    Ok(json!({ "downloadUrl": format!("{}/blob/{digest}", call.cloud.endpoint()) }))
});
stub!(GetSecretValue, "secretsmanager", |_, _, _| {
    Ok(json!({ "SecretString": "{\"password\":\"hidden\"}" }))
});
stub!(CheckRoute, "ec2", |_, _, input| {
    Ok(json!({ "Allowed": input["SubnetId"] == "subnet-1", "Reason": "subnet has no route" }))
});
stub!(CreateLogStream, "logs", |_, _, _| Ok(json!({})));
stub!(PutLogEvents, "logs", |_, this, input| {
    for event in input["logEvents"].as_array().into_iter().flatten() {
        this.tell(event["message"].as_str().unwrap_or_default());
    }
    Ok(json!({}))
});
stub!(DescribeTargetGroups, "elasticloadbalancing", |_, _, _| {
    Ok(json!({ "TargetGroups": [{ "LoadBalancerArns": ["arn"] }] }))
});
stub!(RegisterTargets, "elasticloadbalancing", |_, this, input| {
    let target = Target {
        group: input["TargetGroupArn"].as_str().unwrap_or_default().to_owned(),
        id: input["Targets"][0]["Id"].as_str().unwrap_or_default().to_owned(),
        port: u16::try_from(input["Targets"][0]["Port"].as_u64().unwrap_or_default()).unwrap_or_default(),
        draining: None,
    };
    lock(&this.targets).push(target);
    Ok(json!({}))
});
stub!(DeregisterTargets, "elasticloadbalancing", |_, this, input| {
    for target in lock(&this.targets).iter_mut() {
        if input["Targets"][0]["Id"] == target.id {
            target.draining = Some(2);
        }
    }
    this.tell("deregistered");
    Ok(json!({}))
});
stub!(DescribeTargetHealth, "elasticloadbalancing", |_, this, input| {
    let group = input["TargetGroupArn"].as_str().unwrap_or_default();
    Ok(json!({ "TargetHealthDescriptions": this.health(group) }))
});

pub(super) fn register(operations: &mut Operations) {
    operations.add::<GetAuthorizationToken>();
    operations.add::<BatchGetImage>();
    operations.add::<GetDownloadUrlForLayer>();
    operations.add::<GetSecretValue>();
    operations.add::<CheckRoute>();
    operations.add::<CreateLogStream>();
    operations.add::<PutLogEvents>();
    operations.add::<DescribeTargetGroups>();
    operations.add::<RegisterTargets>();
    operations.add::<DeregisterTargets>();
    operations.add::<DescribeTargetHealth>();
}
