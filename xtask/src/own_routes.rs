//! The local cloud's own routes, as the tool asks for them.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;

use serde_json::Value;

/// What the local cloud with its data there wrote down for whoever asks it.
pub(crate) fn connection(data_dir: &Path) -> Result<Value, String> {
    let connection = std::fs::read(data_dir.join("daemon.json")).map_err(|error| error.to_string())?;
    serde_json::from_slice(&connection).map_err(|error| error.to_string())
}

/// One of its routes, by HTTP/1.0, so that the answer is in one piece; `null` where that has nothing in it.
pub(crate) fn asked(connection: &Value, (method, path): (&str, &str), body: &str) -> Result<Value, String> {
    let text = |name: &str| connection[name].as_str().unwrap_or_default();
    let (host, token) = (text("endpoint").trim_start_matches("http://"), text("token"));
    let exchange = || {
        let mut stream = TcpStream::connect(host)?;
        let head = format!("{method} {path} HTTP/1.0\r\nhost: {host}\r\nx-seatrial-token: {token}");
        let length = body.len();
        write!(stream, "{head}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).map(|_| answer)
    };
    let answer = exchange().map_err(|error| format!("{path}: {error}"))?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    if head.split(' ').nth(1).is_none_or(|status| !status.starts_with('2')) {
        return Err(format!("{path}: {answer}"));
    }
    if body.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_str(body).map_err(|error| format!("{path}: {error}: {answer}"))
}
