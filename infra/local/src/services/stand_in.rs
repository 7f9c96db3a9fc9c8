//! Stand-ins for the services a test does not test: objects, log lines and secrets in memory.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Mutex;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::cloud::{Cloud, Part, Setup};
use crate::error::ServiceError;
use crate::operation::Operations;

/// Objects and log lines, in memory.
#[derive(Default)]
pub(crate) struct Store {
    pub objects: Mutex<HashMap<String, Vec<u8>>>,
    pub lines: Mutex<Vec<String>>,
}

impl Part for Store {
    fn open(_setup: &Setup) -> Self {
        Self::default()
    }
}

/// An operation that a test answers by itself, over a part of its own.
macro_rules! stand_in {
    ($name:ident, $service:literal, $part:ty, |$input:ident, $held:ident| $body:expr) => {
        #[derive(serde::Deserialize)]
        pub(crate) struct $name(serde_json::Value);

        impl crate::operation::Operation for $name {
            type Output = serde_json::Value;
            const SERVICE: &'static str = $service;
            const NAME: &'static str = stringify!($name);

            async fn handle(
                self,
                call: &crate::operation::Call,
            ) -> Result<serde_json::Value, crate::error::ServiceError> {
                let ($input, $held) = (self.0, call.cloud.part::<$part>());
                $body
            }
        }
    };
}
pub(crate) use stand_in;

fn key(input: &Value) -> String {
    format!("{}/{}", input["Bucket"].as_str().unwrap(), input["Key"].as_str().unwrap())
}

stand_in!(GetObject, "s3", Store, |input, store| {
    match store.objects.lock().unwrap().get(&key(&input)) {
        Some(bytes) => Ok(json!({ "Body": STANDARD.encode(bytes) })),
        None => Err(ServiceError::new("NoSuchKey", "The specified key does not exist.")),
    }
});
stand_in!(PutObject, "s3", Store, |input, store| {
    let bytes = STANDARD.decode(input["Body"].as_str().unwrap()).unwrap();
    store.objects.lock().unwrap().insert(key(&input), bytes);
    Ok(json!({}))
});
stand_in!(CreateLogStream, "logs", Store, |_input, _store| Ok(json!({})));
stand_in!(PutLogEvents, "logs", Store, |input, store| {
    let events = input["logEvents"].as_array().unwrap();
    let texts = events.iter().map(|event| event["message"].as_str().unwrap().trim_end().to_owned());
    store.lines.lock().unwrap().extend(texts);
    Ok(json!({}))
});
stand_in!(GetSecretValue, "secretsmanager", Store, |_input, _store| {
    Ok(json!({ "SecretString": "{\"password\": \"hunter22\"}" }))
});

/// A cloud over the data directory `dir` and the checkout `source`, with the stand-ins and what `more` adds.
pub(crate) fn cloud(dir: &Path, source: &Path, more: impl FnOnce(&mut Operations)) -> Cloud {
    let cloud = crate::testing::cloud_with(dir, source, 1.0, |operations| {
        super::sts::register(operations);
        operations.add::<GetObject>();
        operations.add::<PutObject>();
        operations.add::<CreateLogStream>();
        operations.add::<PutLogEvents>();
        operations.add::<GetSecretValue>();
        more(operations);
    });
    for role in ["build", "pipeline"] {
        super::iam::add_trusting_role(&cloud, role);
    }
    cloud
}
