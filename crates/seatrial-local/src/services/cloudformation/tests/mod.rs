//! Support of the tests: a local cloud, and a resource type that does what its properties say.

mod change_sets;
mod operations;
mod recorded;

use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::resources::{Attributes, Change, Created, Resource, ResourceContext, ResourceTypes};
use crate::error::ServiceError;
use crate::principal::Principal;
use crate::{LocalCloud, Options, Settings};

struct Thing;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Properties {
    name: Option<String>,
    #[serde(default)]
    fails: bool,
    #[serde(default)]
    fails_update: bool,
    #[serde(default)]
    fails_delete: bool,
    #[serde(default)]
    hangs: bool,
}

fn refused(text: &str) -> ServiceError {
    ServiceError::new("InvalidRequest", text)
}

impl Resource for Thing {
    const TYPE: &'static str = "Test::Local::Thing";
    type Properties = Properties;

    async fn create(ctx: &ResourceContext, properties: Properties) -> Result<Created, ServiceError> {
        let physical_id = properties.name.unwrap_or_else(|| ctx.generated_name(60));
        if properties.hangs {
            ctx.initiated(&physical_id);
            std::future::pending::<()>().await;
        }
        if properties.fails {
            return Err(refused("it does not want to be made"));
        }
        Ok(Created { attributes: attributes(&physical_id), physical_id })
    }

    async fn update(
        _: &ResourceContext,
        physical_id: &str,
        change: Change<Properties>,
    ) -> Result<Attributes, ServiceError> {
        if change.new.fails_update {
            return Err(refused("it does not want to change"));
        }
        Ok(attributes(physical_id))
    }

    async fn delete(_: &ResourceContext, _: &str, properties: Properties) -> Result<(), ServiceError> {
        if properties.fails_delete { Err(refused("it does not want to go")) } else { Ok(()) }
    }
}

fn attributes(physical_id: &str) -> Attributes {
    Attributes::from_iter([("Arn".to_owned(), json!(format!("arn:{physical_id}")))])
}

pub(super) fn register(types: &mut ResourceTypes) {
    types.add::<Thing>();
}

struct Fixture {
    local: LocalCloud,
    dir: tempfile::TempDir,
}

async fn start(dir: &Path) -> LocalCloud {
    let settings = Settings {
        account: "000000000000".to_owned(),
        region: "eu-central-1".to_owned(),
        source: dir.to_owned(),
    };
    let options = Options { data_dir: dir.to_owned(), port: Some(0), settings, time_scale: 60.0 };
    LocalCloud::start(options).await.unwrap()
}

impl Fixture {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self { local: start(dir.path()).await, dir }
    }

    async fn restarted(self) -> Self {
        let Self { local, dir } = self;
        local.stop().await;
        Self { local: start(dir.path()).await, dir }
    }

    async fn try_call(&self, operation: &str, input: Value) -> Result<Value, ServiceError> {
        let principal = Principal::operator("000000000000");
        self.local.cloud().dispatch(&principal, ("cloudformation", operation), input).await
    }

    async fn call(&self, operation: &str, input: Value) -> Value {
        self.try_call(operation, input).await.unwrap()
    }

    async fn message(&self, operation: &str, input: Value) -> String {
        self.try_call(operation, input).await.unwrap_err().message
    }

    /// Creates the stack `s` by `CreateStack` and answers its ID.
    async fn create(&self, template: &str) -> String {
        let answer = self.call("CreateStack", json!({"StackName": "s", "TemplateBody": template})).await;
        answer["StackId"].as_str().unwrap().to_owned()
    }

    async fn update(&self, template: &str) {
        self.call("UpdateStack", json!({"StackName": "s", "TemplateBody": template})).await;
    }

    /// Waits until the stack is at rest, and answers its status.
    async fn settled(&self, stack: &str) -> String {
        let store = self.local.cloud().part::<super::store::Store>();
        let at_rest = || store.stack(stack).map(|one| one.status).filter(|status| !status.is_in_flight());
        let status = self.local.cloud().wait_until(Duration::from_secs(20), at_rest).await;
        status.expect("the stack comes to rest").name().to_owned()
    }

    /// The stack's events, oldest first: `LOGICAL STATUS [REASON]`.
    async fn events(&self, stack: &str) -> Vec<String> {
        let answer = self.call("DescribeStackEvents", json!({"StackName": stack})).await;
        let events = answer["StackEvents"].as_array().unwrap().iter().rev();
        let line = |event: &Value| {
            let field = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
            let reason = field("ResourceStatusReason");
            let token = reason.find(" (RequestToken").unwrap_or(reason.len());
            format!("{} {} {}", field("LogicalResourceId"), field("ResourceStatus"), &reason[..token])
        };
        events.map(line).map(|line| line.trim().to_owned()).collect()
    }

    async fn physical_id(&self, logical_id: &str) -> String {
        let input = json!({"StackName": "s", "LogicalResourceId": logical_id});
        let answer = self.call("DescribeStackResource", input).await;
        answer["StackResourceDetail"]["PhysicalResourceId"].as_str().unwrap().to_owned()
    }

    async fn change_set(&self, template: &str, kind: &str) -> Value {
        let mut input = json!({"StackName": "s", "ChangeSetName": "c", "ChangeSetType": kind});
        input["TemplateBody"] = json!(template);
        let id = self.call("CreateChangeSet", input).await["Id"].clone();
        self.call("DescribeChangeSet", json!({"ChangeSetName": id})).await
    }
}
