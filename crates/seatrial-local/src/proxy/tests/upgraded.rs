//! Connections after an upgrade: what they carry, and what ends them.

use super::*;

/// A client's connection to a server that says again what it hears, after an upgrade.
async fn connected(idle_timeout: Duration) -> (TcpStream, Arc<Target>, Gate) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = Arc::new(Target::new(listener.local_addr().unwrap(), Default::default()));
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut buffer = [0; 4096];
        let read = stream.read(&mut buffer).await.unwrap();
        assert!(String::from_utf8_lossy(&buffer[..read]).to_lowercase().contains("upgrade: echo"));
        let answer = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";
        stream.write_all(answer).await.unwrap();
        let (mut reader, mut writer) = stream.split();
        let _ = tokio::io::copy(&mut reader, &mut writer).await;
    });
    let group = Arc::new(Group::default());
    group.add(Arc::clone(&target));
    let gate = Gate::open(None, everybody()).unwrap();
    let forward = Action::Forward(Forward::new(vec![(group, 1)]));
    gate.set_rules(Some(Arc::new(Rules {
        port: 80,
        protocol: "http",
        tls: None,
        idle_timeout,
        http2: true,
        client_keep_alive: Duration::from_secs(3600),
        late_fin: None,
        cases: Vec::new(),
        action: forward,
    })));

    let mut stream = TcpStream::connect(("127.0.0.1", gate.port())).await.unwrap();
    let request = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    assert!(head.starts_with(b"HTTP/1.1 101"));
    (stream, target, gate)
}

/// Waits for the end of what the load balancer sends.
async fn is_closed(mut stream: TcpStream) -> bool {
    let patience = Duration::from_secs(30);
    tokio::time::timeout(patience, stream.read_to_end(&mut Vec::new())).await.is_ok()
}

#[tokio::test]
async fn an_upgraded_connection_carries_bytes_both_ways_and_counts_as_in_flight() {
    let (mut stream, target, _gate) = connected(Duration::from_secs(60)).await;

    target.drain();
    stream.write_all(b"ping").await.unwrap();
    let mut echoed = [0; 4];
    stream.read_exact(&mut echoed).await.unwrap();

    assert_eq!(&echoed, b"ping");
    assert_eq!(target.in_flight(), 1);
}

#[tokio::test]
async fn an_upgraded_connection_ends_with_its_targets_deregistration_delay() {
    let (stream, target, _gate) = connected(Duration::from_secs(60)).await;

    target.drain();
    target.end();

    assert!(is_closed(stream).await);
}

#[tokio::test]
async fn an_upgraded_connection_on_which_nothing_moves_ends_after_the_idle_timeout() {
    let (stream, _target, _gate) = connected(Duration::from_millis(50)).await;

    assert!(is_closed(stream).await);
}

#[tokio::test]
async fn a_request_that_outlives_its_targets_deregistration_delay_is_answered_with_502() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = Arc::new(Target::new(listener.local_addr().unwrap(), Default::default()));
    let group = Arc::new(Group::default());
    group.add(Arc::clone(&target));
    let gate = Gate::open(None, everybody()).unwrap();
    gate.set_rules(Some(forward(&[(&group, 1)])));
    let ended = Arc::clone(&target);
    tokio::spawn(async move {
        // It hears the request, and never answers.
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.read_u8().await.unwrap();
        ended.drain();
        ended.end();
        std::future::pending::<()>().await;
    });

    let (status, _) = fetch(&client(), Method::GET, &gate, "").await;

    assert_eq!(status, StatusCode::BAD_GATEWAY);
}
