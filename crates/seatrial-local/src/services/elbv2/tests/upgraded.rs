//! WebSockets of a target that is taken off.

use super::*;
use crate::clock::{Clock, Hands};
use crate::tests::cloud_at;

const UPGRADE: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";
const SWITCHED: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";

/// Up to the end of a head.
async fn head(stream: &mut TcpStream) -> Vec<u8> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    head
}

/// A server that speaks a protocol of its own after an upgrade: it says again what it hears. It answers anything else as
/// well, so that it is healthy.
async fn echo() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let asked = String::from_utf8(head(&mut stream).await).unwrap().to_lowercase();
                if !asked.contains("upgrade: echo") {
                    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
                    return stream.write_all(answer).await;
                }
                stream.write_all(SWITCHED).await?;
                let (mut reader, mut writer) = stream.split();
                tokio::io::copy(&mut reader, &mut writer).await.map(drop)
            });
        }
    });
    port
}

async fn echoes(stream: &mut TcpStream) -> bool {
    let mut echoed = [0; 4];
    stream.write_all(b"ping").await.is_ok()
        && stream.read_exact(&mut echoed).await.is_ok()
        && echoed == *b"ping"
}

#[tokio::test]
async fn a_websocket_outlives_its_targets_deregistration_by_the_delay_and_no_longer() {
    let (dir, hands) = (tempfile::tempdir().unwrap(), Hands::new());
    let cloud = cloud_at(dir.path(), dir.path(), Clock::by(hands), crate::services::register);
    let balancer = Balancer::of(cloud).await;
    let group = balancer.output("BlueTargetGroupArn");
    let delay = json!([{ "Key": "deregistration_delay.timeout_seconds", "Value": "30" }]);
    let attributes = json!({ "TargetGroupArn": group, "Attributes": delay });
    balancer.call("ModifyTargetGroupAttributes", attributes).await;
    let targets =
        json!({ "TargetGroupArn": group, "Targets": [{ "Id": "127.0.0.1", "Port": echo().await }] });
    balancer.call("RegisterTargets", targets.clone()).await;
    let address = balancer.output("Url").strip_prefix("http://").unwrap().to_owned();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(UPGRADE).await.unwrap();
    assert!(head(&mut stream).await.starts_with(b"HTTP/1.1 101"));

    balancer.call("DeregisterTargets", targets).await;
    hands.advance(Duration::from_secs(29));
    balancer.wait_for("BlueTargetGroupArn", "draining").await;
    assert!(echoes(&mut stream).await);
    hands.advance(Duration::from_secs(1));

    let mut rest = Vec::new();
    let closed = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest)).await;
    assert!(closed.is_ok() && rest.is_empty(), "{closed:?}");
}
