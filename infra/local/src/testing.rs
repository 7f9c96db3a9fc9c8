//! A cloud for unit tests: all operations, a fresh data directory, no server.

use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use crate::clock::Clock;
use crate::cloud::{Cloud, Settings, Setup};
use crate::error::ServiceError;
use crate::operation::Operations;
use crate::persist::Database;
use crate::principal::Principal;
use crate::services::s3::CreateBucket;
use crate::services::secretsmanager::CreateSecret;

pub(crate) const ACCOUNT: &str = "000000000000";

/// Opens the cloud whose data is in `data_dir`; a second one finds what the first left.
pub(crate) fn cloud_in(data_dir: &Path) -> Cloud {
    cloud_with(data_dir, data_dir, 60.0, crate::services::register)
}

/// The same with the operations that `serve` adds only, and another time scale.
pub(crate) fn cloud_with(
    data_dir: &Path,
    source: &Path,
    time_scale: f64,
    serve: impl FnOnce(&mut Operations),
) -> Cloud {
    let database: Arc<Database> = Database::open(&data_dir.join("state.jsonl")).unwrap();
    let setup = Setup { database, data_dir: data_dir.to_owned(), clock: Clock::new(time_scale) };
    let settings = Settings {
        account: ACCOUNT.to_owned(),
        region: "eu-central-1".to_owned(),
        source: source.to_owned(),
    };
    let mut operations = Operations::default();
    serve(&mut operations);
    Cloud::new(settings, setup, operations)
}

pub(crate) fn operator() -> Principal {
    Principal::operator(ACCOUNT)
}

/// Calls `service:Operation` as the operator, with values as they come from HTTP.
pub(crate) async fn call(cloud: &Cloud, operation: &str, input: Value) -> Result<Value, ServiceError> {
    let (service, name) = operation.split_once(':').unwrap();
    cloud.dispatch(&operator(), (service, name), input).await
}

/// What builds and pipelines find: the bucket `bucket`, the secret `db`, the roles `build` and `pipeline`.
pub(crate) async fn prepare_builds(cloud: &Cloud) {
    cloud.call(&operator(), CreateBucket { bucket: "bucket".to_owned() }).await.unwrap();
    let secret = CreateSecret {
        name: "db".to_owned(),
        secret_string: Some(r#"{"password": "hunter22"}"#.to_owned()),
        ..CreateSecret::default()
    };
    cloud.call(&operator(), secret).await.unwrap();
    for role in ["build", "pipeline"] {
        crate::services::iam::add_trusting_role(cloud, role);
    }
}
