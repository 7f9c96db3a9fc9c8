//! AWS's API models as tables: operations, shapes and how they are laid on the wire.
//!
//! The tables are files of `crates/seatrial-local/models`, made by the script there; each is parsed at its first use.

use std::collections::HashMap;
use std::fmt;
use std::sync::{LazyLock, OnceLock};

use regex::Regex;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};

/// One service's table.
#[derive(Debug, Deserialize)]
pub(crate) struct Model {
    pub metadata: Metadata,
    /// Operations that AWS has and this table has no shapes of.
    pub unserved: HashMap<String, Http>,
    pub operations: HashMap<String, Operation>,
    shapes: HashMap<String, Shape>,
    #[serde(skip)]
    nothing: Shape,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Metadata {
    /// The service in credential scopes and in IAM's actions: `elasticloadbalancing`.
    pub signing_name: String,
    /// As botocore names them, the one AWS prefers first.
    pub protocols: Vec<String>,
    /// What stands before the operation in `x-amz-target`, and between `service` and `operation` in the path of CBOR.
    pub target_prefix: Option<String>,
    /// Of the JSON protocol, where the service speaks it.
    pub json_version: Option<String>,
    pub xml_namespace: Option<String>,
    /// The codes of a missing and of a wrong parameter, where the service has its own.
    pub missing_code: Option<String>,
    pub invalid_code: Option<String>,
    /// Present where the service once spoke the query protocol and its clients still read query error codes.
    pub aws_query_compatible: Option<serde_json::Value>,
}

/// The request line of an operation; `POST /` unless the table says otherwise.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Http {
    pub method: String,
    /// Path with `{Label}` and `{Label+}`, and fixed query parameters.
    pub request_uri: String,
    pub response_code: u16,
}

impl Default for Http {
    fn default() -> Self {
        Self { method: "POST".to_owned(), request_uri: "/".to_owned(), response_code: 200 }
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct Operation {
    #[serde(default)]
    pub http: Http,
    pub input: Option<Reference>,
    pub output: Option<Reference>,
    #[serde(default)]
    pub errors: Vec<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    #[default]
    Structure,
    List,
    Map,
    String,
    Integer,
    Long,
    Float,
    Double,
    Boolean,
    Timestamp,
    Blob,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) enum TimestampFormat {
    #[serde(rename = "iso8601")]
    Iso8601,
    #[serde(rename = "rfc822")]
    Rfc822,
    #[serde(rename = "unixTimestamp")]
    Epoch,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Location {
    Uri,
    QueryString,
    Header,
    /// All headers of a prefix.
    Headers,
    StatusCode,
}

/// Where a shape is used, and how its use differs from the shape itself.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Reference {
    pub shape: String,
    #[serde(default, deserialize_with = "location")]
    pub location: Option<Location>,
    pub location_name: Option<String>,
    /// Of EC2: the name in requests where it is not `location_name`.
    pub query_name: Option<String>,
    #[serde(default)]
    pub flattened: bool,
    #[serde(default)]
    pub xml_attribute: bool,
    pub timestamp_format: Option<TimestampFormat>,
    /// Of query services: the element around an operation's output.
    pub result_wrapper: Option<String>,
    /// The output's only member is the root element.
    #[serde(default)]
    pub unwrapped: bool,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Namespace {
    pub uri: String,
    pub prefix: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Shape {
    #[serde(rename = "type")]
    pub kind: Kind,
    #[serde(default)]
    pub members: Members,
    #[serde(default)]
    pub required: Vec<String>,
    #[serde(default, rename = "enum")]
    pub values: Vec<String>,
    /// Length of strings, lists and maps; value of numbers.
    pub min: Option<f64>,
    pub max: Option<f64>,
    pub pattern: Option<String>,
    #[serde(default)]
    pub flattened: bool,
    pub location_name: Option<String>,
    pub xml_namespace: Option<Namespace>,
    pub timestamp_format: Option<TimestampFormat>,
    /// The member that is the HTTP body.
    pub payload: Option<String>,
    /// Any JSON value.
    #[serde(default)]
    pub document: bool,
    /// Of lists.
    pub member: Option<Reference>,
    /// Of maps.
    pub key: Option<Reference>,
    pub value: Option<Reference>,
    pub error: Option<ErrorTrait>,
    #[serde(default)]
    pub exception: bool,
    #[serde(skip)]
    compiled: OnceLock<Option<Regex>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ErrorTrait {
    /// The code on the wire where it is not the shape's name.
    pub code: Option<String>,
    pub http_status_code: Option<u16>,
}

/// A structure's members in the model's order, which is the order of XML elements.
#[derive(Debug, Default)]
pub(crate) struct Members(Vec<(String, Reference)>);

impl Members {
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Reference)> {
        self.0.iter().map(|(name, reference)| (name.as_str(), reference))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Reference> {
        self.iter().find(|(member, _)| *member == name).map(|(_, reference)| reference)
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("members by name")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    members.push(entry);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

fn location<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Location>, D::Error> {
    let name = String::deserialize(deserializer)?.to_lowercase();
    Location::deserialize(serde::de::value::StringDeserializer::new(name)).map(Some)
}

impl Shape {
    /// The pattern of the whole text; `None` if there is none or if it uses Java's own syntax.
    pub(crate) fn regex(&self) -> Option<&Regex> {
        let compile = || Regex::new(&format!("^(?:{})$", self.pattern.as_deref()?)).ok();
        self.compiled.get_or_init(compile).as_ref()
    }
}

impl Metadata {
    /// Whether the service speaks EC2's own kind of the query protocol.
    pub(super) fn is_ec2(&self) -> bool {
        self.protocols.iter().any(|protocol| protocol == "ec2")
    }
}

impl Model {
    /// The model of the service that signs as `signing_name`; `None` if there is no table of it.
    pub(crate) fn of(signing_name: &str) -> Option<&'static Model> {
        let (_, table) = TABLES.iter().find(|(name, _)| *name == signing_name)?;
        table.as_ref()
    }

    /// The shape a reference names. The tables are closed (a test proves it), so the fallback, a structure
    /// without members, is never seen.
    pub(crate) fn shape(&self, reference: &Reference) -> &Shape {
        self.shapes.get(&reference.shape).unwrap_or(&self.nothing)
    }

    /// The error shape of this name or wire code, among those of `operation` first.
    pub(crate) fn error(&self, operation: Option<&Operation>, code: &str) -> Option<(&str, &Shape)> {
        let fits = |name: &str, shape: &Shape| {
            name == code || shape.error.as_ref().is_some_and(|error| error.code.as_deref() == Some(code))
        };
        let listed = operation.into_iter().flat_map(|operation| &operation.errors);
        let listed = listed.filter_map(|name| self.shapes.get_key_value(name));
        let all = self.shapes.iter().filter(|(_, shape)| shape.exception);
        listed.chain(all).find(|(name, shape)| fits(name, shape)).map(|(name, shape)| (name.as_str(), shape))
    }
}

macro_rules! tables {
    ($($signing_name:literal: $file:literal,)*) => {
        /// Each table behind its own lock, so that one call parses one table.
        static TABLES: [(&str, LazyLock<Option<Model>>); [$($signing_name),*].len()] = [$((
            $signing_name,
            LazyLock::new(|| parse($file, include_str!(concat!("../../models/", $file)))),
        ),)*];
    };
}

tables! {
    "acm": "acm.json",
    "application-autoscaling": "application-autoscaling.json",
    "cloudformation": "cloudformation.json",
    "codebuild": "codebuild.json",
    "codeconnections": "codeconnections.json",
    "codedeploy": "codedeploy.json",
    "codepipeline": "codepipeline.json",
    "ec2": "ec2.json",
    "ecr": "ecr.json",
    "ecs": "ecs.json",
    "elasticloadbalancing": "elbv2.json",
    "iam": "iam.json",
    "kms": "kms.json",
    "logs": "logs.json",
    "monitoring": "cloudwatch.json",
    "rds": "rds.json",
    "s3": "s3.json",
    "secretsmanager": "secretsmanager.json",
    "ssm": "ssm.json",
    "sts": "sts.json",
}

fn parse(file: &str, text: &str) -> Option<Model> {
    serde_json::from_str(text)
        .inspect_err(|error| tracing::error!(file, %error, "an API table does not parse"))
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_parses_and_is_closed_under_references() {
        for (service, _) in &TABLES {
            let model = Model::of(service).unwrap_or_else(|| panic!("{service} does not parse"));
            assert_eq!(model.metadata.signing_name, *service);
            let used_by_shapes = model.shapes.values().flat_map(|shape| {
                let members = shape.members.iter().map(|(_, reference)| reference);
                members.chain([&shape.member, &shape.key, &shape.value].into_iter().flatten())
            });
            let used_by_operations = model
                .operations
                .values()
                .flat_map(|operation| [&operation.input, &operation.output].into_iter().flatten());
            for reference in used_by_shapes.chain(used_by_operations) {
                assert!(model.shapes.contains_key(&reference.shape), "{service}: {}", reference.shape);
            }
            for error in model.operations.values().flat_map(|operation| &operation.errors) {
                assert!(model.shapes.contains_key(error), "{service}: {error}");
            }
        }
    }

    #[test]
    fn members_keep_the_order_of_the_model() {
        let model = Model::of("sts").unwrap();
        let output = model.operations["GetCallerIdentity"].output.as_ref().unwrap();
        let names: Vec<_> = model.shape(output).members.iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["UserId", "Account", "Arn"]);
    }

    #[test]
    fn an_error_is_found_by_its_shape_and_by_its_wire_code() {
        let model = Model::of("elasticloadbalancing").unwrap();
        let by_shape = model.error(None, "LoadBalancerNotFoundException").unwrap().0;
        assert_eq!(model.error(None, "LoadBalancerNotFound").unwrap().0, by_shape);
    }
}
