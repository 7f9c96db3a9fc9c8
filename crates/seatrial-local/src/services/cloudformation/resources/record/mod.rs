//! Resource types that have a schema and no service here: SQS, SNS, DynamoDB, Lambda, Route 53 and many more.
//!
//! They are taken as records: validated by their schema, created, changed and deleted as CloudFormation does, with
//! `Ref` and `Fn::GetAtt` of AWS's form. Nothing stands behind them, and the stack's events say so.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::super::schema::{self, Schema};
use super::resource::{Attributes, Created, Handler, ResourceContext};
use crate::cloud::{Cloud, Part, Setup};
use crate::error::ServiceError;
use crate::persist::Table;

pub(super) mod forms;

/// Types that do something while a stack is made: a record of them would be a lie.
const NOT_RECORDS: [&str; 7] = [
    "AWS::CloudFormation::CustomResource",
    "AWS::CloudFormation::Macro",
    "AWS::CloudFormation::ModuleDefaultVersion",
    "AWS::CloudFormation::ModuleVersion",
    "AWS::CloudFormation::Stack",
    "AWS::CloudFormation::StackSet",
    "AWS::CloudFormation::WaitCondition",
];

/// A physical resource that is a record. Kept by `TYPE/PHYSICAL_ID`, which no two of them share.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Record {
    /// Which resource of which stack it is: the same on every try to make it.
    owner: String,
    properties: Value,
}

struct Records {
    table: Table<Record>,
}

impl Part for Records {
    fn open(setup: &Setup) -> Self {
        Self { table: setup.database.table("cloudformation-records") }
    }
}

/// Whether resources of this type are records, when no handler serves it.
pub(crate) fn is_record(resource_type: &str) -> bool {
    !NOT_RECORDS.contains(&resource_type) && schema::of(resource_type).is_some()
}

/// What an event says of a type that nothing stands behind.
pub(crate) fn note(resource_type: &str) -> String {
    format!("{resource_type} is not emulated by the local cloud: this resource is a record")
}

/// The value of a parameter of Parameter Store: one that a stack of this cloud has as a record.
pub(crate) fn stored_parameter(cloud: &Cloud, name: &str) -> Option<String> {
    let record = cloud.part::<Records>().table.get(&key("AWS::SSM::Parameter", name))?;
    record.properties.get("Value").map(schema::text_of)
}

fn key(resource_type: &str, physical_id: &str) -> String {
    format!("{resource_type}/{physical_id}")
}

/// The handler of a type without a service.
pub(crate) fn handler(resource_type: &str) -> Option<Handler> {
    let schema = schema::of(resource_type).filter(|_| is_record(resource_type))?;
    let resource_type: Arc<str> = resource_type.into();
    let (of_create, of_update, of_delete) = (resource_type.clone(), resource_type.clone(), resource_type);
    Some(Handler {
        // Nobody but its stack changes it.
        read: None,
        attributes: None,
        known_by: None,
        create: Arc::new(move |ctx, properties| {
            let made = create(&ctx, (&of_create, schema), properties);
            Box::pin(std::future::ready(made))
        }),
        update: Arc::new(move |ctx, physical_id, change| {
            let changed = update(&ctx, (&of_update, schema), &physical_id, change.new);
            Box::pin(std::future::ready(changed))
        }),
        delete: Arc::new(move |ctx, physical_id, _| {
            let removed = ctx.cloud.part::<Records>().table.remove(&key(&of_delete, &physical_id));
            Box::pin(std::future::ready(removed.map(|_| ()).map_err(ServiceError::from)))
        }),
    })
}

fn create(
    ctx: &ResourceContext,
    (resource_type, schema): (&str, &Schema),
    properties: Value,
) -> Result<Created, ServiceError> {
    let properties = schema.coerced(properties);
    let facts = ctx.facts(resource_type, &properties);
    let physical_id = facts.physical_id(schema);
    let attributes = facts.attributes(schema, &physical_id, &Map::new());
    let table = &ctx.cloud.part::<Records>().table;
    let record = Record { owner: ctx.client_token(), properties };
    let key = key(resource_type, &physical_id);
    if !table.insert_new(&key, &record)? && table.get(&key).is_some_and(|one| one.owner != record.owner) {
        let text =
            format!("Resource of type '{resource_type}' with identifier '{physical_id}' already exists.");
        return Err(ServiceError::new("AlreadyExists", text));
    }
    Ok(Created { physical_id, attributes })
}

fn update(
    ctx: &ResourceContext,
    (resource_type, schema): (&str, &Schema),
    physical_id: &str,
    properties: Value,
) -> Result<Attributes, ServiceError> {
    let properties = schema.coerced(properties);
    let attributes = ctx.facts(resource_type, &properties).attributes(schema, physical_id, &Map::new());
    let record = Record { owner: ctx.client_token(), properties };
    ctx.cloud.part::<Records>().table.put(&key(resource_type, physical_id), &record)?;
    Ok(attributes)
}
