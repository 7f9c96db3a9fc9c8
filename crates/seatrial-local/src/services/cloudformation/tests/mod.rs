//! Support of the tests: a local cloud, and a resource type that does what its properties say.

mod change_sets;
mod drift;
mod drifts;
mod foreign;
mod imports;
mod keys;
mod latencies;
mod messages;
mod operations;
mod protection;
mod recorded;
mod records;
mod refusals;
mod revert_drift;
mod roles;
mod served;
mod validation;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::resources::{Attributes, Change, Created, Resource, ResourceContext, ResourceTypes};
use crate::error::ServiceError;
use crate::principal::Principal;
use crate::{Latencies, LocalCloud, Options, Settings};

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
    needs: Option<Value>,
    other: Option<Value>,
}

/// What is really there, by stack and physical ID: tests change it behind CloudFormation's back.
#[derive(Default)]
pub(super) struct Things(Mutex<HashMap<(String, String), Value>>);

impl Things {
    fn set(&self, stack_id: &str, physical_id: &str, thing: Option<Value>) {
        let mut things = self.0.lock().unwrap();
        let key = (stack_id.to_owned(), physical_id.to_owned());
        match thing {
            Some(thing) => things.insert(key, thing),
            None => things.remove(&key),
        };
    }

    fn get(&self, stack_id: &str, physical_id: &str) -> Option<Value> {
        self.0.lock().unwrap().get(&(stack_id.to_owned(), physical_id.to_owned())).cloned()
    }
}

fn made(ctx: &ResourceContext, physical_id: &str, properties: &Properties) {
    let thing = json!({"Name": physical_id, "Needs": properties.needs, "Other": properties.other, "Made": 1});
    ctx.cloud.part::<super::store::Store>().things.set(&ctx.stack_id, physical_id, Some(thing));
}

fn refused(text: &str) -> ServiceError {
    ServiceError::new("InvalidRequest", text)
}

impl Resource for Thing {
    const TYPE: &'static str = "Test::Local::Thing";
    type Properties = Properties;

    async fn create(ctx: &ResourceContext, properties: Properties) -> Result<Created, ServiceError> {
        let physical_id = properties.name.clone().unwrap_or_else(|| ctx.generated_name(60));
        if properties.hangs {
            ctx.initiated(&physical_id);
            std::future::pending::<()>().await;
        }
        if properties.fails {
            return Err(refused("it does not want to be made"));
        }
        made(ctx, &physical_id, &properties);
        Ok(Created { attributes: attributes(&physical_id), physical_id })
    }

    async fn update(
        ctx: &ResourceContext,
        physical_id: &str,
        change: Change<Properties>,
    ) -> Result<Attributes, ServiceError> {
        if change.new.fails_update {
            return Err(refused("it does not want to change"));
        }
        made(ctx, physical_id, &change.new);
        Ok(attributes(physical_id))
    }

    const READABLE: bool = true;

    async fn read(ctx: &ResourceContext, id: &str, _: Properties) -> Result<Option<Value>, ServiceError> {
        Ok(ctx.cloud.part::<super::store::Store>().things.get(&ctx.stack_id, id))
    }

    async fn delete(ctx: &ResourceContext, id: &str, properties: Properties) -> Result<(), ServiceError> {
        if properties.fails_delete {
            return Err(refused("it does not want to go"));
        }
        ctx.cloud.part::<super::store::Store>().things.set(&ctx.stack_id, id, None);
        Ok(())
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

async fn start(dir: &Path, latencies: Latencies) -> LocalCloud {
    let settings = Settings {
        account: "000000000000".to_owned(),
        region: "eu-central-1".to_owned(),
        source: dir.to_owned(),
        task_agent: Vec::new(),
    };
    let options = Options { data_dir: dir.to_owned(), port: Some(0), settings, time_scale: 60.0, latencies };
    LocalCloud::start(options).await.unwrap()
}

impl Fixture {
    async fn new() -> Self {
        Self::with_latencies(Latencies::default()).await
    }

    async fn with_latencies(latencies: Latencies) -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self { local: start(dir.path(), latencies).await, dir }
    }

    async fn restarted(self) -> Self {
        let Self { local, dir } = self;
        local.stop().await;
        Self { local: start(dir.path(), Latencies::default()).await, dir }
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

    async fn output(&self, key: &str) -> String {
        let answer = self.call("DescribeStacks", json!({"StackName": "s"})).await;
        let outputs = answer["Stacks"][0]["Outputs"].as_array().unwrap().clone();
        let found = outputs.iter().find(|output| output["OutputKey"] == key);
        found.unwrap()["OutputValue"].as_str().unwrap().to_owned()
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
