//! Which commit runs here, as which task, since when: the page footer's facts.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde::Deserialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tracing::warn;

use crate::config::Config;

const METADATA_TIMEOUT: Duration = Duration::from_secs(1);
const METADATA_LIMIT: u64 = 1 << 20;
const UNKNOWN: &str = "unknown";

/// What distinguishes this task from every other.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) commit: String,
    pub(crate) task: String,
    pub(crate) started: jiff::Timestamp,
}

impl Identity {
    /// Asks the ECS task metadata endpoint where there is one, else takes what the environment says.
    pub(crate) async fn discover(config: &Config) -> Self {
        let mut task = None;
        if let Some(uri) = &config.metadata_uri {
            match tokio::time::timeout(METADATA_TIMEOUT, task_from_metadata(uri)).await {
                Ok(Ok(id)) => task = Some(id),
                Ok(Err(error)) => warn!(uri, error = format!("{error:#}"), "failed to read task metadata"),
                Err(_) => warn!(uri, "task metadata did not answer in time"),
            }
        }
        Self {
            commit: config.commit.clone().unwrap_or_else(|| UNKNOWN.to_owned()),
            task: task.or_else(|| config.task.clone()).unwrap_or_else(|| UNKNOWN.to_owned()),
            started: jiff::Timestamp::now(),
        }
    }

    /// The commit as people quote it.
    pub(crate) fn short_commit(&self) -> &str {
        self.commit.get(..12).unwrap_or(&self.commit)
    }

    /// Whether it is known which commit this is: an image says so, `cargo run` does not.
    pub(crate) fn is_built(&self) -> bool {
        self.commit != UNKNOWN
    }

    /// The start time to the second, UTC.
    pub(crate) fn started_at(&self) -> String {
        self.started.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
    }
}

/// `GET <uri>/task`; the id is the last part of `TaskARN`.
async fn task_from_metadata(uri: &str) -> anyhow::Result<String> {
    #[derive(Deserialize)]
    struct Task {
        #[serde(rename = "TaskARN")]
        arn: String,
    }

    let (authority, path) = split_http_uri(uri).context("not an http:// address")?;
    let address = if authority.contains(':') { authority.to_owned() } else { format!("{authority}:80") };
    let mut stream = TcpStream::connect(&address).await?;
    // HTTP/1.0: the answer is neither chunked nor kept alive, so its end is the connection's end.
    let request =
        format!("GET {path}/task HTTP/1.0\r\nHost: {authority}\r\nAccept: application/json\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(METADATA_LIMIT).read_to_end(&mut answer).await?;
    let answer = String::from_utf8(answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("answer has no body")?;
    let status = head.split(' ').nth(1).unwrap_or_default();
    ensure!(status == "200", "status is {status}, expected 200");
    let task: Task = serde_json::from_str(body)?;
    task.arn.rsplit('/').next().map(str::to_owned).context("TaskARN is empty")
}

fn split_http_uri(uri: &str) -> Option<(&str, &str)> {
    let rest = uri.strip_prefix("http://")?.trim_end_matches('/');
    Some(rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metadata_address_is_split_into_authority_and_path() {
        assert_eq!(split_http_uri("http://169.254.170.2/v4/abc"), Some(("169.254.170.2", "/v4/abc")));
        assert_eq!(split_http_uri("http://127.0.0.1:9/"), Some(("127.0.0.1:9", "")));
        assert_eq!(split_http_uri("https://example"), None);
    }

    #[tokio::test]
    async fn the_task_id_is_the_last_part_of_the_arn() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri = format!("http://{}/v4/x", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 512];
            let length = stream.read(&mut request).await.unwrap();
            let body = r#"{"Cluster":"c","TaskARN":"arn:aws:ecs:eu-central-1:1:task/c/0123abcd"}"#;
            stream.write_all(format!("HTTP/1.0 200 OK\r\n\r\n{body}").as_bytes()).await.unwrap();
            String::from_utf8_lossy(&request[..length]).into_owned()
        });
        assert_eq!(task_from_metadata(&uri).await.unwrap(), "0123abcd");
        assert!(server.await.unwrap().starts_with("GET /v4/x/task HTTP/1.0\r\n"));
    }
}
