//! AWS for unit tests: a local cloud in this process, or a stub that answers what the test says. The SDK tries nothing
//! again, so that what is asked sees each error.

use std::sync::{Arc, Mutex, PoisonError};

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sts::config::{Credentials, SharedCredentialsProvider, StalledStreamProtectionConfig};
use seatrial_local::{LocalCloud, Options, Settings};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::{Aws, AwsError};
use crate::session::Changes;

/// The caller of an endpoint on this machine.
fn caller(endpoint: &str, (id, secret): (&str, &str)) -> Aws {
    let key = SharedCredentialsProvider::new(Credentials::new(id, secret, None, None, "test"));
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .endpoint_url(endpoint)
        .credentials_provider(key)
        .retry_config(RetryConfig::disabled())
        // Nothing of the SDK's waits beside what is tested: where the clock is stopped, only that moves it.
        .timeout_config(TimeoutConfig::disabled())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .build();
    Aws::new(config, true, Changes::default())
}

/// What AWS answers instead of what was asked; `passing`: it may answer otherwise soon.
pub(crate) fn error(code: &str, message: &str, passing: bool) -> AwsError {
    AwsError {
        attempt: "ask".to_owned(),
        service: "Test",
        code: Some(code.to_owned()),
        reason: format!("{code}: {message}"),
        request_id: None,
        passing,
    }
}

/// The same caller in an account, which is asked as seldom as AWS is, with its changes noted.
pub(crate) fn of_account(aws: &Aws, changes: Changes) -> Aws {
    Aws::new(aws.config().clone(), false, changes)
}

/// A local cloud in this process, and who calls it.
pub(crate) struct InProcess {
    pub cloud: LocalCloud,
    pub aws: Aws,
    _dir: TempDir,
}

impl InProcess {
    pub(crate) async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let settings = Settings {
            account: "000000000000".to_owned(),
            region: "eu-central-1".to_owned(),
            source: dir.path().to_owned(),
            task_agent: Vec::new(),
        };
        let data_dir = dir.path().join("data");
        let options = Options {
            data_dir,
            port: Some(0),
            settings,
            time_scale: 60.0,
            latencies: seatrial_local::Latencies::default(),
        };
        let cloud = LocalCloud::start(options).await.unwrap();
        let operator = cloud.operator();
        let aws = caller(cloud.endpoint(), (&operator.access_key_id, &operator.secret_access_key));
        Self { cloud, aws, _dir: dir }
    }
}

/// The names of the operations that a stub was asked for, in order.
#[derive(Clone, Default)]
pub(crate) struct Calls(Arc<Mutex<Vec<String>>>);

impl Calls {
    pub(crate) fn made(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Answers calls: `answer` is given an operation's name, how often it was called before, and its input. An answer with
/// a `__type` is an error of the service's own, one that also has a `__status` is the caller's; a text is the XML of a service that does not speak JSON.
pub(crate) async fn stub(
    answer: impl Fn(&str, usize, &Value) -> Value + Send + Sync + 'static,
) -> (Aws, Calls) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let aws = caller(&format!("http://{}", listener.local_addr().unwrap()), ("key", "secret"));
    let (calls, answer) = (Calls::default(), Arc::new(answer));
    let noted = calls.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (noted, answer) = (noted.clone(), Arc::clone(&answer));
            tokio::spawn(async move {
                let mut stream = BufReader::new(stream);
                while let Some((operation, input)) = read(&mut stream).await {
                    let before = noted.made().iter().filter(|name| **name == operation).count();
                    noted.0.lock().unwrap_or_else(PoisonError::into_inner).push(operation.clone());
                    let body = answer(&operation, before, &input);
                    let status = match (&body["__type"], &body["__status"]) {
                        (Value::Null, _) => "200 OK",
                        (_, Value::Null) => "500 Internal Server Error",
                        _ => "400 Bad Request",
                    };
                    let body = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
                    let head = format!("HTTP/1.1 {status}\r\ncontent-type: application/x-amz-json-1.1");
                    let answer = format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
                    stream.get_mut().write_all(answer.as_bytes()).await.unwrap();
                }
            });
        }
    });
    (aws, calls)
}

/// One call: the operation's name, and its input.
async fn read(stream: &mut BufReader<TcpStream>) -> Option<(String, Value)> {
    let (mut operation, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(": ").unwrap_or((line, ""));
        match name.to_ascii_lowercase().as_str() {
            "x-amz-target" => operation = value.rsplit('.').next().unwrap_or_default().to_owned(),
            "content-length" => length = value.parse().unwrap(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    let form = std::str::from_utf8(&body).ok().and_then(|body| body.strip_prefix("Action="));
    if let Some(action) = form.and_then(|form| form.split('&').next()) {
        operation = action.to_owned();
    }
    Some((operation, serde_json::from_slice(&body).unwrap_or_default()))
}
