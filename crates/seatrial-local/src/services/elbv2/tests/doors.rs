//! Who may connect to a listener: whom the load balancer's security groups let in.

use std::net::SocketAddr;

use super::*;

/// What a client with this address of its own is answered; empty where it is not let in.
async fn fetched_from(source: &str, address: &str) -> String {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::new(source.parse().unwrap(), 0)).unwrap();
    let mut stream = socket.connect(address.parse().unwrap()).await.unwrap();
    let mut answer = String::new();
    let request = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    // A connection that is closed at once may refuse the request, or the answer.
    if stream.write_all(request.as_bytes()).await.is_ok() {
        let _ = stream.read_to_string(&mut answer).await;
    }
    answer
}

#[tokio::test]
async fn a_listener_lets_in_whom_the_security_groups_let_in() {
    let dir = tempfile::tempdir().unwrap();
    let balancer = Balancer::new(dir.path()).await;
    let cloud = &balancer.cloud;
    let test = crate::services::elbv2::local_listeners(cloud);
    let test = test.iter().find(|one| one.port == 8080).unwrap().address.clone();
    let production = balancer.output("Url").strip_prefix("http://").unwrap().to_owned();
    let (operator, build) = ("127.0.0.1", "127.0.0.9");
    // Every case a client of its own: what EC2 said is kept for moments.
    assert!(fetched_from(operator, &test).await.starts_with("HTTP/1.1 503"));
    assert_eq!(fetched_from(build, &test).await, "");
    assert!(fetched_from(build, &production).await.starts_with("HTTP/1.1 503"));

    let opened = json!({
        "GroupId": balancer.groups["LoadBalancerSecurityGroupId"],
        "IpPermissions": [{
            "IpProtocol": "tcp", "FromPort": 8080, "ToPort": 8080, "IpRanges": [{ "CidrIp": "127.0.0.10/32" }],
        }],
    });
    call(cloud, "ec2:AuthorizeSecurityGroupIngress", opened.clone()).await.unwrap();
    assert!(fetched_from("127.0.0.10", &test).await.starts_with("HTTP/1.1 503"));
    assert_eq!(fetched_from("127.0.0.11", &test).await, "");

    let deadline = tokio::time::Instant::now() + PATIENCE;
    call(cloud, "ec2:RevokeSecurityGroupIngress", opened).await.unwrap();
    while !fetched_from("127.0.0.10", &test).await.is_empty() {
        assert!(tokio::time::Instant::now() < deadline, "still open");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
