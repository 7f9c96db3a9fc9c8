//! The page and the own routes over HTTP: who is let in, what the stream tells, and what it never does.

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

use crate::LocalCloud;
use crate::tests::options_in;

struct Started {
    cloud: LocalCloud,
    data: tempfile::TempDir,
}

async fn start_in(data: tempfile::TempDir) -> Started {
    let options = options_in(data.path());
    Started { cloud: LocalCloud::start(options).await.unwrap(), data }
}

async fn start() -> Started {
    start_in(tempfile::tempdir().unwrap()).await
}

/// Headers: names and values.
type Headers<'a> = &'a [(&'a str, &'a str)];

impl Started {
    fn port(&self) -> &str {
        self.cloud.endpoint().rsplit(':').next().unwrap()
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        headers: Headers<'_>,
        body: &Value,
    ) -> Response<Incoming> {
        let client: Client<_, Body> = Client::builder(TokioExecutor::new()).build_http();
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.cloud.endpoint()));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.header("content-type", "application/json").body(Body::from(body.to_string()));
        client.request(request.unwrap()).await.unwrap()
    }

    async fn get(&self, path: &str, headers: Headers<'_>) -> (StatusCode, HeaderMap, String) {
        let (parts, body) = self.ask(Method::GET, path, headers, &Value::Null).await.into_parts();
        let text = String::from_utf8(body.collect().await.unwrap().to_bytes().into()).unwrap();
        (parts.status, parts.headers, text)
    }

    /// A browser's cookie, by a ticket.
    async fn cookie(&self) -> String {
        let token = self.cloud.token();
        let asked =
            self.ask(Method::POST, "/_local/page/ticket", &[("x-seatrial-token", &token)], &json!({})).await;
        let ticket: Value =
            serde_json::from_slice(&asked.into_body().collect().await.unwrap().to_bytes()).unwrap();
        let (status, headers, _) = self.get(ticket["path"].as_str().unwrap(), &[]).await;
        assert_eq!((status, &headers["location"]), (StatusCode::SEE_OTHER, &"/".parse().unwrap()));
        let cookie = headers["set-cookie"].to_str().unwrap();
        assert!(cookie.ends_with("; Path=/_local/page/; HttpOnly; SameSite=Strict"), "{cookie}");
        cookie.split(';').next().unwrap().to_owned()
    }

    async fn stream(&self, cookie: &str, last: Option<&str>) -> Events {
        let mut headers = vec![("cookie", cookie), ("accept", "text/event-stream")];
        headers.extend(last.map(|last| ("last-event-id", last)));
        let response = self.ask(Method::GET, "/_local/page/stream", &headers, &Value::Null).await;
        assert_eq!(response.status(), StatusCode::OK);
        Events { body: response.into_body(), read: String::new() }
    }

    async fn call(&self, operation: &str, input: Value) {
        crate::tests::call(self.cloud.cloud(), operation, input).await.unwrap();
    }

    /// A line in a task's log.
    async fn log(&self, text: &str) {
        let time = (self.cloud.cloud().clock().now().0 * 1000.0) as i64;
        let events = json!([{"timestamp": time, "message": text}]);
        self.call(
            "logs:PutLogEvents",
            json!({"logGroupName": "/app", "logStreamName": "web/1", "logEvents": events}),
        )
        .await;
    }

    async fn make_log(&self) {
        self.call("logs:CreateLogGroup", json!({"logGroupName": "/app"})).await;
        self.call("logs:CreateLogStream", json!({"logGroupName": "/app", "logStreamName": "web/1"})).await;
    }
}

/// An event of the stream.
#[derive(Debug)]
struct Told {
    id: String,
    name: String,
    data: Value,
}

struct Events {
    body: Incoming,
    read: String,
}

impl Events {
    async fn next(&mut self) -> Told {
        loop {
            if let Some((event, rest)) = self.read.split_once("\n\n") {
                let field = |name: &str| {
                    let line = event.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
                    line.unwrap_or_default().to_owned()
                };
                let told = (field("id"), field("event"), field("data"));
                self.read = rest.to_owned();
                if let (id, name, Ok(data)) = (told.0, told.1, serde_json::from_str(&told.2)) {
                    return Told { id, name, data };
                }
                continue;
            }
            let frame: Bytes = self.body.frame().await.unwrap().unwrap().into_data().unwrap();
            self.read.push_str(std::str::from_utf8(&frame).unwrap());
        }
    }

    /// Reads on to the change that tells of such a line.
    async fn until_line(&mut self, text: &str) -> Told {
        loop {
            let told = self.next().await;
            if lines(&told.data).iter().any(|line| line.contains(text)) {
                return told;
            }
        }
    }
}

/// The texts of lines in a change, or in a snapshot.
fn lines(data: &Value) -> Vec<String> {
    let items = data.get("items").unwrap_or(data).as_array().unwrap().iter();
    items.filter(|item| item[0] == "line").map(|item| item[2]["text"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_gets_the_page_without_data_and_a_signed_call_is_answered_as_ever() {
    let started = start().await;
    let html = ("accept", "text/html,application/xhtml+xml;q=0.9");

    let (status, headers, text) = started.get("/", &[html]).await;
    assert_eq!(
        (status, &headers["content-type"]),
        (StatusCode::OK, &"text/html; charset=utf-8".parse().unwrap())
    );
    let policy = headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    assert!(!text.contains(&started.cloud.token()));
    for file in text.split('"').filter(|part| part.starts_with("/_local/page/")) {
        let (status, headers, _) = started.get(file, &[]).await;
        assert_eq!(
            (status, &headers["x-content-type-options"]),
            (StatusCode::OK, &"nosniff".parse().unwrap()),
            "{file}"
        );
    }

    // S3 has the same address: whoever signs, or asks for no page, is answered as a client of AWS is.
    for headers in [[html, ("authorization", "AWS4-HMAC-SHA256 x")], [("accept", "*/*"), ("x-a", "b")]] {
        let (status, _, text) = started.get("/", &headers).await;
        assert!(status.is_client_error() && text.contains("<Error>"), "{status} {text}");
    }
    let (status, _, text) = started.get("/?X-Amz-Algorithm=x", &[html]).await;
    assert!(status.is_client_error() && text.contains("<Error>"), "{status} {text}");
    let host = [html, ("host", "seatrial.example:80")];
    assert_eq!(started.get("/", &host).await.0, StatusCode::FORBIDDEN);
    started.cloud.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_looks_without_a_key_under_another_name_or_from_another_origin() {
    let started = start().await;
    let cookie = started.cookie().await;
    let own = started.cloud.endpoint().to_owned();
    let token = started.cloud.token();

    for (headers, wanted) in [
        (vec![], 403),
        (vec![("cookie", "seatrial-page-1=x")], 403),
        (vec![("x-seatrial-token", "x")], 403),
        (vec![("cookie", cookie.as_str()), ("origin", "http://elsewhere.example")], 403),
        (vec![("cookie", cookie.as_str()), ("origin", "http://127.0.0.1:1")], 403),
        (vec![("cookie", cookie.as_str()), ("origin", "null")], 403),
        (vec![("cookie", cookie.as_str()), ("host", "elsewhere.example")], 403),
        (vec![("cookie", cookie.as_str()), ("origin", own.as_str())], 200),
        (vec![("cookie", cookie.as_str())], 200),
        (vec![("x-seatrial-token", token.as_str())], 200),
    ] {
        let (status, _, text) = started.get("/_local/page/data", &headers).await;
        assert_eq!(status.as_u16(), wanted, "{headers:?}: {text}");
    }
    started.cloud.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_is_good_once_and_a_cookie_changes_nothing() {
    let started = start().await;
    let token = started.cloud.token();
    let asked =
        started.ask(Method::POST, "/_local/page/ticket", &[("x-seatrial-token", &token)], &json!({})).await;
    let ticket: Value =
        serde_json::from_slice(&asked.into_body().collect().await.unwrap().to_bytes()).unwrap();
    let path = ticket["path"].as_str().unwrap();
    assert_eq!(started.get(path, &[]).await.0, StatusCode::SEE_OTHER);
    assert_eq!(started.get(path, &[]).await.0, StatusCode::FORBIDDEN);

    let cookie = started.cookie().await;
    let with_cookie = [("cookie", cookie.as_str())];
    for (method, path) in [
        (Method::POST, "/_local/page/ticket"),
        (Method::PUT, "/_local/page/verdict"),
        (Method::GET, "/_local/journal"),
        (Method::GET, "/_local/permissions"),
        (Method::GET, "/_local/traffic"),
        (Method::POST, "/_local/faults"),
        (Method::DELETE, "/_local/faults"),
        (Method::POST, "/_local/stand-ins"),
        (Method::POST, "/_local/connections/x/complete"),
        (Method::POST, "/_local/certificates/x/validate"),
    ] {
        for headers in [&with_cookie[..], &[]] {
            let answer = started.ask(method.clone(), path, headers, &json!({"kind": "throttle"})).await;
            assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{method} {path}");
        }
    }
    assert!(started.cloud.cloud().faults().armed().is_empty());
    assert_eq!(started.get("/_local/faults", &[("x-seatrial-token", &token)]).await.2, "[]");
    assert_eq!(started.get("/_local/status", &[]).await.0, StatusCode::OK);
    started.cloud.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_broke_goes_on_behind_what_was_told_and_anew_after_a_restart() {
    let started = start().await;
    started.make_log().await;
    let cookie = started.cookie().await;
    let mut events = started.stream(&cookie, None).await;
    let first = events.next().await;
    assert_eq!(first.name, "snapshot");
    started.log("one").await;
    let one = events.until_line("one").await;
    assert_eq!(one.name, "change");
    drop(events);
    started.log("two").await;
    started.log("three").await;

    let mut again = started.stream(&cookie, Some(&one.id)).await;
    let mut found = Vec::new();
    while found.last().is_none_or(|last| last != "three") {
        let told = again.next().await;
        assert_eq!(told.name, "change");
        found.extend(lines(&told.data));
    }
    assert_eq!(found, ["two", "three"]);

    // Another process: its numbers are others. The key, and with it the session, stays; a cookie is named by the port.
    let data = started.data;
    started.cloud.stop().await;
    let started = start_in(data).await;
    let (_, session) = cookie.split_once('=').unwrap();
    let cookie = format!("seatrial-page-{}={session}", started.port());
    let mut events = started.stream(&cookie, Some(&one.id)).await;
    let told = events.next().await;
    assert_eq!(
        (told.name.as_str(), lines(&told.data)),
        ("snapshot", ["one", "two", "three"].map(str::to_owned).into())
    );
    started.cloud.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_is_on_the_page_or_in_its_stream() {
    let started = start().await;
    started.make_log().await;
    let text = "planted-text-8f1";
    let object = json!({"username": "app", "password": "planted\"pass-8f2"}).to_string();
    started.call("secretsmanager:CreateSecret", json!({"Name": "a", "SecretString": text})).await;
    started.call("secretsmanager:CreateSecret", json!({"Name": "b", "SecretString": object})).await;
    let put = json!({"Name": "/c", "Value": "planted-parameter-8f3", "Type": "SecureString"});
    started.call("ssm:PutParameter", put).await;
    let cookie = started.cookie().await;
    let mut events = started.stream(&cookie, None).await;
    events.next().await;
    let operator = started.cloud.operator().secret_access_key.clone();
    started
        .log(&format!(
            "{text} {object} postgres://app:planted\"pass-8f2@db planted-parameter-8f3 {operator} end"
        ))
        .await;
    let token = started.cloud.token();
    let verdict = json!({"verdict": "fail", "releases": [{"reasons": [text]}]});
    let told =
        started.ask(Method::PUT, "/_local/page/verdict", &[("x-seatrial-token", &token)], &verdict).await;
    assert_eq!(told.status(), StatusCode::NO_CONTENT);

    let line = events.until_line("end").await;
    let (_, _, all) = started.get("/_local/page/data", &[("x-seatrial-token", &token)]).await;

    assert_eq!(lines(&line.data), ["*** *** postgres://app:***@db *** *** end"]);
    assert!(all.contains(r#""reasons":["***"]"#), "{all}");
    let report = seatrial_page::report("x", &serde_json::from_str(&all).unwrap()).unwrap();
    for page in [&all, &report, &line.data.to_string()] {
        for secret in ["planted", &operator, &token] {
            assert!(!page.contains(secret), "{secret}");
        }
    }
    started.cloud.stop().await;
}
