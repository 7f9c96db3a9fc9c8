//! An endpoint that answers calls of ECS and CloudWatch Logs, and notes them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use aws_config::Region;
use aws_sdk_ecs::config::Credentials;
use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, header};
use serde_json::Value;

use super::Clients;

#[derive(Default)]
struct Noted {
    calls: Vec<String>,
    inputs: HashMap<String, Value>,
}

pub(super) struct Endpoint {
    address: String,
    noted: Arc<Mutex<Noted>>,
}

impl Endpoint {
    /// `answer` is given an operation's name and how often it was called before; one with a `__type` is an error.
    pub(super) async fn start(answer: impl Fn(&str, usize) -> Value + Send + Sync + 'static) -> Self {
        let (noted, answer) = (Arc::new(Mutex::new(Noted::default())), Arc::new(answer));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let notes = Arc::clone(&noted);
        let app = Router::new().fallback(move |headers: HeaderMap, body: Bytes| async move {
            let target = headers["x-amz-target"].to_str().unwrap().to_owned();
            let operation = target.rsplit('.').next().unwrap().to_owned();
            let before = {
                let mut noted = notes.lock().unwrap();
                let before = noted.calls.iter().filter(|name| **name == operation).count();
                noted.calls.push(operation.clone());
                noted.inputs.insert(operation.clone(), serde_json::from_slice(&body).unwrap());
                before
            };
            let body = answer(&operation, before);
            let status = if body["__type"].is_null() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
            (status, [(header::CONTENT_TYPE, "application/x-amz-json-1.1")], body.to_string())
        });
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { address, noted }
    }

    pub(super) fn clients(&self) -> Clients {
        let config = aws_config::SdkConfig::builder()
            .behavior_version(aws_config::BehaviorVersion::latest())
            .endpoint_url(&self.address)
            .region(Region::from_static("eu-central-1"))
            .credentials_provider(aws_sdk_ecs::config::SharedCredentialsProvider::new(Credentials::new(
                "key", "secret", None, None, "test",
            )))
            .build();
        Clients { ecs: aws_sdk_ecs::Client::new(&config), logs: aws_sdk_cloudwatchlogs::Client::new(&config) }
    }

    /// The operations that were called, in their order.
    pub(super) fn calls(&self) -> Vec<String> {
        self.noted.lock().unwrap().calls.clone()
    }

    /// What an operation was called with last.
    pub(super) fn input(&self, operation: &str) -> Value {
        self.noted.lock().unwrap().inputs[operation].clone()
    }
}
