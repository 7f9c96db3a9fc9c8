//! What an Application Load Balancer does to an application that does not expect it.

use std::sync::atomic::AtomicU32;

use super::*;

/// Answers whatever comes. A `patient` one leaves it to the other side to close; else it serves one request a connection,
/// and closes without having said so.
async fn serving(patient: bool) -> Arc<Target> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = Arc::new(Target::new(listener.local_addr().unwrap(), Default::default()));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut buffer = [0; 4096];
                while stream.read(&mut buffer).await.unwrap_or(0) > 0 {
                    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.unwrap();
                    if !patient {
                        break;
                    }
                }
            });
        }
    });
    target
}

/// Asks so often while so many FINs are made to cross a request; answers how many requests were lost.
async fn lost(
    gate: &Gate,
    (group, target): (&Arc<Group>, &Target),
    keeps: bool,
    (asked, armed): (u32, u32),
) -> u32 {
    let left = AtomicU32::new(armed);
    let late =
        move || left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
    let groups = Action::Forward(Forward::new(vec![(Arc::clone(group), 1)]));
    let mut rules = Arc::into_inner(rules(groups)).unwrap();
    rules.late_fin = Some(Arc::new(late));
    gate.set_rules(Some(Arc::new(rules)));
    let (client, mut lost) = (client(), 0);
    for _ in 0..asked {
        match fetch(&client, Method::GET, gate, "").await.0 {
            StatusCode::OK if keeps => {}
            StatusCode::OK => {
                while !target.keeps_only_closed() {
                    tokio::task::yield_now().await;
                }
            }
            status => {
                assert_eq!(status, StatusCode::BAD_GATEWAY);
                lost += 1;
            }
        }
    }
    lost
}

#[tokio::test]
async fn a_fin_that_crosses_a_request_is_502_and_one_that_was_seen_costs_nothing() {
    let gate = Gate::open(None, everybody()).unwrap();
    let group = Arc::new(Group::default());
    let target = serving(false).await;
    group.add(Arc::clone(&target));
    for armed in [0, 3] {
        assert_eq!(lost(&gate, (&group, &target), false, (20, armed)).await, armed);
    }
}

/// The same application twice: one that closes each connection after a moment is lost exactly what crosses its FIN, one
/// that keeps connections longer than the load balancer loses nothing. `SOAK_REQUESTS=100000` asks so often.
#[tokio::test]
async fn a_target_that_keeps_connections_longer_than_the_load_balancer_loses_nothing() {
    let asked = std::env::var("SOAK_REQUESTS").ok().and_then(|text| text.parse().ok()).unwrap_or(500_u32);
    for (keeps, crossing) in [(true, 0), (false, 7)] {
        let gate = Gate::open(None, everybody()).unwrap();
        let group = Arc::new(Group::default());
        let target = serving(keeps).await;
        group.add(Arc::clone(&target));

        let lost = lost(&gate, (&group, &target), keeps, (asked, crossing)).await;

        println!("{asked} requests, keeps connections: {keeps}: {lost} lost");
        assert_eq!(lost, crossing);
    }
}

/// What a connection to the gate is answered until it is closed.
async fn answered(gate: &Gate, sent: &[u8]) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", gate.port())).await.unwrap();
    stream.write_all(sent).await.unwrap();
    let mut answer = Vec::new();
    // One that is reset has said what it had to say.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn what_is_no_request_for_a_load_balancer_reaches_no_target() {
    let gate = Gate::open(None, everybody()).unwrap();
    let group = Arc::new(Group::default());
    let (address, read) = forgetful().await;
    group.add(Arc::new(Target::new(address, Default::default())));
    gate.set_rules(Some(forward(&[(&group, 1)])));
    let long = "x".repeat(20 << 10);
    for (request, code) in [
        ("TRACE / HTTP/1.1\r\nHost: a\r\n".to_owned(), 405),
        ("GET / HTTP/1.1\r\n".to_owned(), 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n".to_owned(), 400),
        (format!("GET /{long} HTTP/1.1\r\nHost: a\r\n"), 414),
        (format!("GET / HTTP/1.1\r\nHost: a\r\nA: {long}\r\n"), 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n".to_owned(), 501),
        ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n".to_owned(), 400),
    ] {
        let request = format!("{request}Connection: close\r\n\r\n");
        let answer = answered(&gate, request.as_bytes()).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {code} ")), "{code}: {answer}");
    }
    assert_eq!(read.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn headers_of_a_response_that_are_too_long_are_502() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = Arc::new(Target::new(listener.local_addr().unwrap(), Default::default()));
    let app = Router::new().fallback(|| async { [("x-long", "x".repeat(33 << 10))] });
    tokio::spawn(async move { axum::serve(listener, app).await });
    let (gate, group) = (Gate::open(None, everybody()).unwrap(), Arc::new(Group::default()));
    group.add(target);
    gate.set_rules(Some(forward(&[(&group, 1)])));

    assert_eq!(fetch(&client(), Method::GET, &gate, "").await.0, StatusCode::BAD_GATEWAY);
}

/// A gate whose connections may be silent for a short time only.
async fn impatient(target: Arc<Target>) -> Gate {
    let (gate, group) = (Gate::open(None, everybody()).unwrap(), Arc::new(Group::default()));
    group.add(target);
    let groups = Action::Forward(Forward::new(vec![(group, 1)]));
    let mut rules = Arc::into_inner(rules(groups)).unwrap();
    rules.idle_timeout = Duration::from_millis(100);
    gate.set_rules(Some(Arc::new(rules)));
    gate
}

#[tokio::test]
async fn whoever_stops_in_the_middle_is_not_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = Arc::new(Target::new(listener.local_addr().unwrap(), Default::default()));
    let app = Router::new().fallback(|_whole: Bytes| async { "ok" });
    tokio::spawn(async move { axum::serve(listener, app).await });
    let gate = impatient(target).await;
    let body = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf";
    assert!(answered(&gate, body.as_bytes()).await.starts_with("HTTP/1.1 408 "));
    // No head, half a head, a connection that is not used any more.
    assert_eq!(answered(&gate, b"").await, "");
    assert_eq!(answered(&gate, b"GET / HTTP/1.1\r\nHo").await, "");
    let used = answered(&gate, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(used.starts_with("HTTP/1.1 200 ") && used.ends_with("ok"), "{used}");
}

#[tokio::test]
async fn a_target_that_stops_in_the_middle_of_its_answer_is_not_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = Arc::new(Target::new(listener.local_addr().unwrap(), Default::default()));
    let stays = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf").await.unwrap();
        std::future::pending::<()>().await;
        drop(stream);
    });
    let gate = impatient(target).await;

    assert!(answered(&gate, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.ends_with("half"));
    stays.abort();
}

/// Answers the first request of each connection as soon as its head is there, and goes on reading.
async fn eager() -> Arc<Target> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = Arc::new(Target::new(listener.local_addr().unwrap(), Default::default()));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut buffer = [0; 4096];
                if stream.read(&mut buffer).await.unwrap_or(0) > 0 {
                    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.unwrap();
                }
                while stream.read(&mut buffer).await.unwrap_or(0) > 0 {}
            });
        }
    });
    target
}

#[tokio::test]
async fn an_answer_before_the_end_of_its_request_spoils_no_other_request() {
    let gate = Gate::open(None, everybody()).unwrap();
    let group = Arc::new(Group::default());
    group.add(eager().await);
    gate.set_rules(Some(forward(&[(&group, 1)])));
    let mut slow = TcpStream::connect(("127.0.0.1", gate.port())).await.unwrap();
    slow.write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf").await.unwrap();
    let mut answer = [0; 12];
    slow.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");

    let next = tokio::time::timeout(Duration::from_secs(3), fetch(&client(), Method::GET, &gate, "")).await;

    assert_eq!(next.unwrap().0, StatusCode::OK);
}

/// Ten requests with the cookies that the first answer set; who answered.
async fn with_cookies(gate: &Gate, own: &str) -> Vec<String> {
    let client = client();
    let (mut cookies, mut by) = (String::new(), Vec::new());
    for _ in 0..10 {
        let request = Request::builder().uri(format!("http://127.0.0.1:{}/", gate.port()));
        let request = request.header(header::COOKIE, &cookies).body(Full::from("")).unwrap();
        let response = client.request(request).await.unwrap();
        let set = response.headers().get_all(header::SET_COOKIE).iter();
        let set: Vec<_> =
            set.map(|value| value.to_str().unwrap().split(';').next().unwrap().to_owned()).collect();
        if cookies.is_empty() {
            cookies = format!("{own}{}", set.join("; "));
        }
        by.push(
            String::from_utf8_lossy(&response.into_body().collect().await.unwrap().to_bytes()).into_owned(),
        );
    }
    by.dedup();
    by
}

#[tokio::test]
async fn a_client_with_the_cookie_comes_back_to_its_target_while_that_is_healthy() {
    let (gate, group) = (Gate::open(None, everybody()).unwrap(), Arc::new(Group::default()));
    let servers = [server("one").await, server("two").await];
    for server in &servers {
        group.add(Arc::clone(&server.target));
        server.target.set_healthy(true);
    }
    gate.set_rules(Some(forward(&[(&group, 1)])));
    assert!(with_cookies(&gate, "").await.len() > 1);
    let sticky = Some(Sticky { lasts: Duration::from_secs(60), application: None });
    group.set_sharing(Sharing { sticky, slow_start: Duration::ZERO });

    assert_eq!(with_cookies(&gate, "").await.len(), 1);
    let sticky = Some(Sticky { lasts: Duration::ZERO, application: None });
    group.set_sharing(Sharing { sticky, slow_start: Duration::ZERO });
    assert!(with_cookies(&gate, "").await.len() > 1);
}

#[tokio::test]
async fn a_target_that_starts_slowly_gets_little_at_first_and_all_if_it_is_alone() {
    let (gate, group) = (Gate::open(None, everybody()).unwrap(), Arc::new(Group::default()));
    let (old, new) = (server("old").await, server("new").await);
    group.add(Arc::clone(&new.target));
    new.target.set_healthy(true);
    gate.set_rules(Some(forward(&[(&group, 1)])));
    group.set_sharing(Sharing { sticky: None, slow_start: Duration::from_secs(900) });
    let client = client();
    assert_eq!(fetch(&client, Method::GET, &gate, "").await, (StatusCode::OK, "new".to_owned()));

    group.set_sharing(Sharing::default());
    group.add(Arc::clone(&old.target));
    old.target.set_healthy(true);
    group.set_sharing(Sharing { sticky: None, slow_start: Duration::from_secs(900) });
    // As old as the other's time to start is long.
    old.target.set_healthy_since(Duration::from_secs(900));
    let mut by_new = 0;
    for _ in 0..100 {
        by_new += usize::from(fetch(&client, Method::GET, &gate, "").await.1 == "new");
    }
    assert!(by_new < 10, "{by_new} of 100");
}
