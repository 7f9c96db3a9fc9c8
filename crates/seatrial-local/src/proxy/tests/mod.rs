//! The load balancer between a real client and real servers.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::Request;
use bytes::Bytes;
use http::{Method, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::*;

mod races;
mod tls;
mod unkind;
mod upgraded;

type TestClient = Client<HttpConnector, Full<Bytes>>;

fn client() -> TestClient {
    Client::builder(TokioExecutor::new()).build_http()
}

fn rules(action: Action) -> Arc<Rules> {
    Arc::new(Rules {
        port: 80,
        protocol: "http",
        tls: None,
        http2: true,
        idle_timeout: Duration::from_secs(5),
        client_keep_alive: Duration::from_secs(3600),
        late_fin: None,
        cases: Vec::new(),
        action,
    })
}

fn forward(groups: &[(&Arc<Group>, u32)]) -> Arc<Rules> {
    let groups = groups.iter().map(|(group, weight)| (Arc::clone(group), *weight)).collect();
    rules(Action::Forward(Forward::new(groups)))
}

async fn fetch(client: &TestClient, method: Method, gate: &Gate, body: &'static str) -> (StatusCode, String) {
    let uri = format!("http://127.0.0.1:{}/some/path?q=1", gate.port());
    let request = Request::builder().method(method).uri(uri);
    let response = client.request(request.body(Full::from(body)).unwrap()).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8_lossy(&body).into_owned())
}

/// A server that answers every request with `answer`, until its token is cancelled.
struct Server {
    target: Arc<Target>,
    stop: CancellationToken,
    ended: tokio::task::JoinHandle<()>,
}

async fn server(answer: &'static str) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = Arc::new(Target::new(listener.local_addr().unwrap(), Default::default()));
    let stop = CancellationToken::new();
    let app = Router::new().fallback(move || async move { answer });
    let stopped = stop.clone().cancelled_owned();
    let serve = axum::serve(listener, app).with_graceful_shutdown(stopped);
    Server { target, stop, ended: tokio::spawn(async move { serve.await.unwrap() }) }
}

impl Server {
    /// As a task is stopped: taken off the group, drained, and only then ended.
    async fn retire(self, group: &Group) {
        self.target.drain();
        while self.target.in_flight() > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        group.remove(&self.target);
        self.stop.cancel();
        self.ended.await.unwrap();
    }
}

/// Lets everybody in.
fn everybody() -> Admission {
    Arc::new(|_| Box::pin(async { true }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_fails_while_weights_swap_and_targets_come_and_go() {
    let gate = Arc::new(Gate::open(None, everybody()).unwrap());
    let groups = [Arc::new(Group::default()), Arc::new(Group::default())];
    let mut servers = Vec::new();
    for (group, name) in groups.iter().zip(["blue", "green"]) {
        let server = server(name).await;
        server.target.set_healthy(true);
        group.add(Arc::clone(&server.target));
        servers.push((server, name));
    }
    gate.set_rules(Some(forward(&[(&groups[0], 100), (&groups[1], 0)])));
    let done = Arc::new(AtomicBool::new(false));
    let started = Instant::now();
    let clients: Vec<_> = (0..8)
        .map(|_| {
            let (gate, done) = (Arc::clone(&gate), Arc::clone(&done));
            tokio::spawn(async move {
                let (client, mut sent) = (client(), 0_u32);
                while !done.load(Ordering::Relaxed) {
                    let method = if sent % 3 == 0 { Method::POST } else { Method::GET };
                    let (status, _) = fetch(&client, method, &gate, "body").await;
                    assert_eq!(status, StatusCode::OK);
                    sent += 1;
                }
                sent
            })
        })
        .collect();

    for round in 0..30_u32 {
        let weight = round % 11 * 10;
        gate.set_rules(Some(forward(&[(&groups[0], 100 - weight), (&groups[1], weight)])));
        let index = round as usize % 2;
        let fresh = server(servers[index].1).await;
        fresh.target.set_healthy(true);
        groups[index].add(Arc::clone(&fresh.target));
        let name = servers[index].1;
        let (old, _) = std::mem::replace(&mut servers[index], (fresh, name));
        old.retire(&groups[index]).await;
    }
    done.store(true, Ordering::Relaxed);

    let mut sent = 0;
    for client in clients {
        sent += client.await.unwrap();
    }
    println!("{:.0} requests a second", f64::from(sent) / started.elapsed().as_secs_f64());
    let figures: Vec<_> = groups.iter().map(|group| group.figures().snapshot()).collect();
    assert_eq!(figures.iter().map(|figures| figures.target_2xx).sum::<u64>(), u64::from(sent));
    assert!(figures.iter().all(|figures| figures.load_balancer_5xx == 0 && figures.target_2xx > 0));
}

#[tokio::test]
async fn a_group_without_targets_answers_503_and_one_without_healthy_targets_fails_open() {
    let gate = Gate::open(None, everybody()).unwrap();
    let group = Arc::new(Group::default());
    gate.set_rules(Some(forward(&[(&group, 1)])));
    let client = client();

    let (status, page) = fetch(&client, Method::GET, &gate, "").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(page.contains("<h1>503 Service Unavailable</h1>"));

    let server = server("here").await;
    group.add(Arc::clone(&server.target));
    assert_eq!(fetch(&client, Method::GET, &gate, "").await, (StatusCode::OK, "here".to_owned()));
}

#[tokio::test]
async fn a_refused_connection_is_502_and_a_silent_target_504() {
    let gate = Gate::open(None, everybody()).unwrap();
    let (refusing, silent) = (Arc::new(Group::default()), Arc::new(Group::default()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    silent.add(Arc::new(Target::new(listener.local_addr().unwrap(), Default::default())));
    let unused = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    refusing.add(Arc::new(Target::new(unused, Default::default())));
    let client = client();

    gate.set_rules(Some(forward(&[(&refusing, 1)])));
    assert_eq!(fetch(&client, Method::GET, &gate, "").await.0, StatusCode::BAD_GATEWAY);

    let action = Action::Forward(Forward::new(vec![(silent, 1)]));
    let idle_timeout = Duration::from_millis(50);
    gate.set_rules(Some(Arc::new(Rules {
        port: 80,
        protocol: "http",
        tls: None,
        idle_timeout,
        http2: true,
        client_keep_alive: Duration::from_secs(3600),
        late_fin: None,
        cases: Vec::new(),
        action,
    })));
    assert_eq!(fetch(&client, Method::GET, &gate, "").await.0, StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(refusing.figures().snapshot().connection_errors, 1);
}

/// A server that answers one request a connection and closes it at the second, without a word. Answers its
/// address and the number of requests it has read.
async fn forgetful() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let read = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&read);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let count = Arc::clone(&count);
            tokio::spawn(async move {
                let mut buffer = [0; 4096];
                if stream.read(&mut buffer).await.unwrap_or(0) > 0 {
                    count.fetch_add(1, Ordering::SeqCst);
                    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
                    stream.write_all(answer).await.unwrap();
                    let _ = stream.read(&mut buffer).await;
                    count.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
    });
    (address, read)
}

#[tokio::test]
async fn no_request_is_sent_twice_whatever_its_method() {
    let gate = Gate::open(None, everybody()).unwrap();
    let group = Arc::new(Group::default());
    let (address, read) = forgetful().await;
    group.add(Arc::new(Target::new(address, Default::default())));
    gate.set_rules(Some(forward(&[(&group, 1)])));
    let client = client();

    for method in [Method::GET, Method::PUT, Method::POST] {
        let before = read.load(Ordering::SeqCst);
        assert_eq!(fetch(&client, method.clone(), &gate, "").await.0, StatusCode::OK);
        assert_eq!(fetch(&client, method, &gate, "").await.0, StatusCode::BAD_GATEWAY);
        assert_eq!(read.load(Ordering::SeqCst), before + 2);
    }
}

#[tokio::test]
async fn a_target_is_told_who_asked_and_gets_no_header_of_the_clients_connection() {
    let app = Router::new()
        .fallback(|request: Request| async move { format!("{} {:?}", request.uri(), request.headers()) });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = Arc::new(Target::new(listener.local_addr().unwrap(), Default::default()));
    tokio::spawn(async move { axum::serve(listener, app).await });
    let group = Arc::new(Group::default());
    group.add(target);
    let gate = Gate::open(None, everybody()).unwrap();
    gate.set_rules(Some(forward(&[(&group, 1)])));
    let uri = format!("http://127.0.0.1:{}/a?b=c", gate.port());
    let request = Request::builder().uri(uri).header("x-forwarded-for", "192.0.2.7");
    let request = request.header(header::CONNECTION, "x-hop").header("x-hop", "1");

    let response = client().request(request.body(Full::default()).unwrap()).await.unwrap();
    let seen = response.into_body().collect().await.unwrap().to_bytes();
    let seen = String::from_utf8_lossy(&seen);

    assert!(seen.starts_with("/a?b=c "), "{seen}");
    assert!(seen.contains(r#""x-forwarded-for": "192.0.2.7, 127.0.0.1""#), "{seen}");
    assert!(seen.contains(r#""x-forwarded-proto": "http""#) && seen.contains(r#""x-forwarded-port": "80""#));
    assert!(seen.contains(r#""x-amzn-trace-id": "Root=1-"#), "{seen}");
    assert!(seen.contains(&format!(r#""host": "127.0.0.1:{}""#, gate.port())), "{seen}");
    assert!(!seen.contains("x-hop"), "{seen}");
}

#[tokio::test]
async fn a_redirect_to_a_port_of_the_same_load_balancer_leads_to_where_it_is_served_here() {
    let gate = Gate::open(None, everybody()).unwrap();
    let redirect = |host: &str| Redirect {
        protocol: "HTTPS".to_owned(),
        host: host.to_owned(),
        port: "443".to_owned(),
        path: "/#{path}".to_owned(),
        query: "#{query}".to_owned(),
        status: 301,
        local_ports: vec![(443, 23_456)],
    };
    let location = async |host: &str| {
        gate.set_rules(Some(rules(Action::Redirect(redirect(host)))));
        let uri = format!("http://127.0.0.1:{}/a/b?c=d", gate.port());
        let request = Request::get(uri).body(Full::default()).unwrap();
        let response = client().request(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::MOVED_PERMANENTLY);
        response.headers()[header::LOCATION].to_str().unwrap().to_owned()
    };

    assert_eq!(location("#{host}").await, "https://127.0.0.1:23456/a/b?c=d");
    assert_eq!(location("www.example.com").await, "https://www.example.com:443/a/b?c=d");
}
