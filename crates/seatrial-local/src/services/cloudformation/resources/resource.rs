//! What a resource type is: how it is made, changed and deleted, and what it is told.

use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::super::schema;
use super::record::forms::Facts;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::principal::Principal;

/// What a handler knows besides the properties.
#[derive(Clone)]
pub(crate) struct ResourceContext {
    pub cloud: Cloud,
    /// Who asked for the stack operation.
    pub principal: Principal,
    pub stack_name: String,
    pub stack_id: String,
    pub logical_id: String,
    /// The stack's tags and `aws:cloudformation:*`: every taggable resource gets them.
    pub tags: BTreeMap<String, String>,
    /// True when an earlier try may have made the resource already: then "already exists" is success.
    pub retried: bool,
    /// The same on every try to make this one physical resource, and different for its replacement: a client
    /// token for the service, and what a generated name ends with.
    pub token: String,
    /// Whether a deletion takes a final snapshot, for types that have one (`DeletionPolicy: Snapshot`).
    pub snapshot: bool,
    /// Is told the physical ID as soon as there is one.
    pub on_initiated: Arc<dyn Fn(&str) + Send + Sync>,
}

impl ResourceContext {
    /// Tells the physical ID as soon as it is known, before the wait until the resource is stable: the stack's
    /// events show it, and a creation that is cancelled can be undone without waiting for its end.
    pub(crate) fn initiated(&self, physical_id: &str) {
        (self.on_initiated)(physical_id);
    }

    /// What forms of identifiers and attributes are filled with.
    pub(super) fn facts<'a>(&'a self, resource_type: &'a str, properties: &'a Value) -> Facts<'a> {
        let now = jiff::Timestamp::from_second(self.cloud.clock().now().0 as i64).unwrap_or_default();
        Facts {
            resource_type,
            region: self.cloud.region(),
            account: self.cloud.account(),
            token: &self.token,
            generated_name: self.generated_name(64),
            now: now.to_string(),
            properties,
        }
    }

    /// A physical name as CloudFormation makes one: `STACK-LOGICAL-SUFFIX`, at most `limit` characters. The
    /// same on every try.
    pub(crate) fn generated_name(&self, limit: usize) -> String {
        let suffix = crate::id::digits_of(&format!("{}/{}", self.logical_id, self.token), 12);
        let room = limit.saturating_sub(suffix.len() + 1);
        let mut name = format!("{}-{}", self.stack_name, self.logical_id);
        if name.len() > room {
            let half = room.saturating_sub(1) / 2;
            let stack: String = self.stack_name.chars().take(half).collect();
            let logical: String = self.logical_id.chars().take(room - 1 - stack.len()).collect();
            name = format!("{stack}-{logical}");
        }
        format!("{name}-{suffix}")
    }
}

/// A resource that was made.
pub(crate) struct Created {
    /// What `Ref` answers, which is also the physical ID.
    pub physical_id: String,
    /// What `Fn::GetAtt` answers, by attribute name (`Endpoint.Address` with its dot).
    pub attributes: Attributes,
}

pub(crate) type Attributes = Map<String, Value>;

/// How one resource type is handled.
pub(crate) trait Resource: 'static {
    /// `AWS::Logs::LogGroup`.
    const TYPE: &'static str;
    /// The properties that are used; others are ignored here. Scalars may come as strings: see `Number`
    /// and `Flag`.
    type Properties: DeserializeOwned + Send;

    /// Makes it and waits until it is stable.
    fn create(
        ctx: &ResourceContext,
        properties: Self::Properties,
    ) -> impl Future<Output = Result<Created, ServiceError>> + Send;

    /// Changes it in place: asked only where no create-only property differs; also where only the stack's tags
    /// do, and to put back what a failed update may have changed. Answers all attributes. As it stands here:
    /// for a type without attributes whose every property is create-only.
    fn update(
        _ctx: &ResourceContext,
        _physical_id: &str,
        _change: Change<Self::Properties>,
    ) -> impl Future<Output = Result<Attributes, ServiceError>> + Send {
        async { Ok(Attributes::new()) }
    }

    /// Whether [`Resource::read`] tells anything.
    const READABLE: bool = false;

    /// What its service shows of it now, in the form of its properties; `None`: it is gone. A property that
    /// can be told and is not set is null; one that the service never shows is left out, and is no drift.
    fn read(
        _ctx: &ResourceContext,
        _physical_id: &str,
        _properties: Self::Properties,
    ) -> impl Future<Output = Result<Option<Value>, ServiceError>> + Send {
        async { Ok(None) }
    }

    /// Whether [`Resource::attributes`] tells them, so that it can be imported.
    const IMPORTABLE: bool = false;

    /// The member of the primary identifier that the physical ID is; `None`: all of them, joined by `|`.
    const KNOWN_BY: Option<&'static str> = None;

    /// All attributes of one that exists.
    fn attributes(
        _ctx: &ResourceContext,
        _physical_id: &str,
    ) -> impl Future<Output = Result<Attributes, ServiceError>> + Send {
        async { Ok(Attributes::new()) }
    }

    /// Deletes it; one that is gone already counts as deleted.
    fn delete(
        ctx: &ResourceContext,
        physical_id: &str,
        properties: Self::Properties,
    ) -> impl Future<Output = Result<(), ServiceError>> + Send;
}

/// Properties before and after an update.
pub(crate) struct Change<P> {
    pub old: P,
    pub new: P,
}

type Boxed<T> = Pin<Box<dyn Future<Output = Result<T, ServiceError>> + Send>>;
type CreateFn = Arc<dyn Fn(ResourceContext, Value) -> Boxed<Created> + Send + Sync>;
type UpdateFn = Arc<dyn Fn(ResourceContext, String, Change<Value>) -> Boxed<Attributes> + Send + Sync>;
type ReadFn = Arc<dyn Fn(ResourceContext, String, Value) -> Boxed<Option<Value>> + Send + Sync>;
type AttributesFn = Arc<dyn Fn(ResourceContext, String) -> Boxed<Attributes> + Send + Sync>;
type DeleteFn = Arc<dyn Fn(ResourceContext, String, Value) -> Boxed<()> + Send + Sync>;

/// A [`Resource`] whose type is forgotten.
#[derive(Clone)]
pub(crate) struct Handler {
    pub create: CreateFn,
    pub update: UpdateFn,
    pub delete: DeleteFn,
    /// Only for types that can be read.
    pub read: Option<ReadFn>,
    /// Only for types that can be imported.
    pub attributes: Option<AttributesFn>,
    /// [`Resource::KNOWN_BY`].
    pub known_by: Option<&'static str>,
}

/// The resource types that are handled, by name.
#[derive(Default)]
pub(crate) struct ResourceTypes {
    handlers: HashMap<&'static str, Handler>,
}

impl ResourceTypes {
    pub(crate) fn get(&self, resource_type: &str) -> Option<Handler> {
        self.handlers.get(resource_type).cloned()
    }

    pub(crate) fn add<R: Resource>(&mut self) {
        let read: ReadFn = Arc::new(|ctx, physical_id, properties| {
            Box::pin(async move { R::read(&ctx, &physical_id, parse::<R>(properties)?).await })
        });
        let attributes: AttributesFn =
            Arc::new(|ctx, physical_id| Box::pin(async move { R::attributes(&ctx, &physical_id).await }));
        let handler = Handler {
            attributes: R::IMPORTABLE.then_some(attributes),
            known_by: R::KNOWN_BY,
            read: R::READABLE.then_some(read),
            create: Arc::new(|ctx, properties| {
                Box::pin(async move {
                    let mut created = R::create(&ctx, parse::<R>(properties.clone())?).await?;
                    let physical_id = created.physical_id.clone();
                    complete::<R>((&ctx, &properties), &physical_id, &mut created.attributes);
                    Ok(created)
                })
            }),
            update: Arc::new(|ctx, physical_id, change| {
                Box::pin(async move {
                    let properties = change.new.clone();
                    let change = Change { old: parse::<R>(change.old)?, new: parse::<R>(change.new)? };
                    let mut attributes = R::update(&ctx, &physical_id, change).await?;
                    complete::<R>((&ctx, &properties), &physical_id, &mut attributes);
                    Ok(attributes)
                })
            }),
            delete: Arc::new(|ctx, physical_id, properties| {
                Box::pin(async move { R::delete(&ctx, &physical_id, parse::<R>(properties)?).await })
            }),
        };
        self.handlers.insert(R::TYPE, handler);
    }
}

/// Adds attributes of AWS's form which the service has no value for: an output of them must not fail a stack.
fn complete<R: Resource>(
    (ctx, properties): (&ResourceContext, &Value),
    physical_id: &str,
    attributes: &mut Attributes,
) {
    let Some(schema) = schema::of(R::TYPE) else { return };
    let added = ctx.facts(R::TYPE, properties).attributes(schema, physical_id, attributes);
    attributes.extend(added);
}

fn parse<R: Resource>(properties: Value) -> Result<R::Properties, ServiceError> {
    let properties = match schema::of(R::TYPE) {
        Some(schema) => schema.coerced(properties),
        None => properties,
    };
    serde_json::from_value(properties)
        .map_err(|error| ServiceError::new("InvalidRequest", format!("{} of {}", error, R::TYPE)))
}
