//! What a check of the replacement tasks says of answers.

use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use seatrial_ask::Address;
use tokio::net::TcpListener;

use super::*;

const AT_ONCE: Duration = Duration::ZERO;

/// An application with answers of several kinds, and the listener that leads to it.
async fn listener() -> TestListener {
    let slow = || async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        "late"
    };
    let app = Router::new()
        .route("/", get(|| async { "<h1>all   well</h1>" }))
        .route("/broken", get(|| async { (StatusCode::INTERNAL_SERVER_ERROR, "no\ndatabase") }))
        .route("/slow", get(slow));
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let load_balancer = socket.local_addr().unwrap().to_string();
    tokio::spawn(async move { axum::serve(socket, app).await });
    let address = Address { url: format!("http://{load_balancer}"), load_balancer, trusted: Vec::new() };
    TestListener { address, own: None }
}

fn check(json: &str) -> Check {
    serde_json::from_str(json).unwrap()
}

#[tokio::test]
async fn a_check_holds_or_says_what_was_expected_and_what_was_found() {
    let listener = listener().await;
    let held = [
        (r#"{"path":"/"}"#, "GET / was answered with 200"),
        (r#"{"path":"/","contains":"all","max_latency":"60s"}"#, "GET / was answered with 200"),
        (r#"{"path":"/broken","status":"500-599"}"#, "GET /broken was answered with 500"),
    ];
    for (json, words) in held {
        let told = requests::verdict(&listener, &check(json), AT_ONCE).await.unwrap();
        assert!(told.starts_with(words), "{json}: {told}");
    }
    let failed = [
        (r#"{"path":"/broken"}"#, "GET /broken was answered with 500, expected 200: no database"),
        (r#"{"path":"/none"}"#, "GET /none was answered with 404, expected 200: an empty body"),
        (r#"{"path":"/","contains":"ill"}"#, "GET /: the answer does not contain `ill`: <h1>all well</h1>"),
        (r#"{"path":"/slow","max_latency":"1ms"}"#, "at most 1 ms are allowed"),
    ];
    for (json, words) in failed {
        let why = requests::verdict(&listener, &check(json), AT_ONCE).await.unwrap_err();
        assert!(why.contains(words), "{json}: {why}");
    }
}

#[tokio::test]
async fn a_listener_that_is_opened_late_is_asked_again() {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let load_balancer = socket.local_addr().unwrap().to_string();
    let address = Address { url: format!("http://{load_balancer}"), load_balancer, trusted: Vec::new() };
    tokio::spawn(async move {
        // As a security group does that is not open yet.
        for _ in 0..3 {
            drop(socket.accept().await);
        }
        axum::serve(socket, Router::new().route("/", get(|| async { "now" }))).await
    });

    let told =
        requests::verdict(&TestListener { address, own: None }, &check(r#"{"path":"/"}"#), AT_ONCE).await;

    assert!(told.is_ok(), "{told:?}");
}
