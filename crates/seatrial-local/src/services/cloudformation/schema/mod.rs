//! What CloudFormation knows of resource types: the table `models/resource-schemas.json`.

use std::collections::HashMap;
use std::sync::{LazyLock, OnceLock};

use serde::Deserialize;
use serde_json::{Map, Value};

mod faults;
mod same;
mod shape;

use faults::{Look, PropertyFault};
use same::differ_at;
use shape::{Definitions, Shape};

pub(super) use same::{same, text_of};

/// One resource type. Paths are as in CloudFormation's schemas, without `/properties/`: `Endpoint/Address`.
#[derive(Debug, Default)]
pub(super) struct Schema {
    root: Shape,
    definitions: Definitions,
    table: Paths,
    /// Whether the stack's tags reach it.
    pub taggable: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Paths {
    create_only: Vec<String>,
    conditional_create_only: Vec<String>,
    read_only: Vec<String>,
    identifier: Vec<String>,
    taggable: bool,
    unreadable: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Definitional {
    definitions: Definitions,
}

/// A line of the table, which is parsed when its type is first asked for: all of them are five megabytes.
struct Row {
    text: &'static str,
    parsed: OnceLock<Option<Schema>>,
}

static ROWS: LazyLock<HashMap<&'static str, Row>> = LazyLock::new(|| {
    let lines = include_str!("../../../../models/resource-schemas.json").lines().chain(TEST_TYPES.lines());
    let row = |line: &'static str| {
        let (name, text) = line.strip_prefix('"')?.split_once("\": ")?;
        name.contains("::").then(|| {
            let text = text.strip_suffix(',').unwrap_or(text);
            (name, Row { text, parsed: OnceLock::new() })
        })
    };
    lines.filter_map(row).collect()
});

#[cfg(not(test))]
const TEST_TYPES: &str = "";

#[cfg(test)]
const TEST_TYPES: &str = r#""Test::Local::Thing": {"properties":{"Name":{},"Fails":{},"FailsUpdate":{},"FailsDelete":{},"Needs":{},"Hangs":{},"Other":{},"Arn":{}},"createOnly":["Name"],"readOnly":["Arn"],"taggable":true}"#;

/// The schema of a type, if the table has it.
pub(super) fn of(resource_type: &str) -> Option<&'static Schema> {
    let row = ROWS.get(resource_type)?;
    let parsed = row.parsed.get_or_init(|| match Schema::parse(row.text) {
        Ok(schema) => Some(schema),
        Err(error) => {
            tracing::error!(resource_type, %error, "a resource schema cannot be read");
            None
        }
    });
    parsed.as_ref()
}

/// What a change of a property does to the physical resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Recreation {
    Never,
    Conditionally,
    Always,
}

impl Recreation {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Never => "Never",
            Self::Conditionally => "Conditionally",
            Self::Always => "Always",
        }
    }
}

impl Schema {
    fn parse(text: &str) -> Result<Self, serde_json::Error> {
        let definitions = serde_json::from_str::<Definitional>(text)?.definitions;
        let table: Paths = serde_json::from_str(text)?;
        Ok(Self { root: serde_json::from_str(text)?, definitions, taggable: table.taggable, table })
    }

    /// Whether the change of the top-level property `name` from `old` to `new` replaces the resource.
    pub(super) fn recreation(&self, name: &str, old: Option<&Value>, new: Option<&Value>) -> Recreation {
        let touches = |paths: &[String]| {
            paths.iter().any(|path| {
                let mut steps = path.split('/');
                steps.next() == Some(name) && differ_at(old, new, &steps.collect::<Vec<_>>())
            })
        };
        if touches(&self.table.create_only) {
            Recreation::Always
        } else if touches(&self.table.conditional_create_only) {
            Recreation::Conditionally
        } else {
            Recreation::Never
        }
    }

    /// Whether `Fn::GetAtt` may name this attribute: a read-only path, or a property.
    pub(super) fn has_attribute(&self, attribute: &str) -> bool {
        let path = attribute.replace('.', "/");
        let top = path.split('/').next().unwrap_or_default();
        self.root.member(top).is_some() || self.table.read_only.contains(&path)
    }

    /// What identifies a resource of this type when it is imported: all of it together.
    pub(super) fn identifiers(&self) -> &[String] {
        &self.table.identifier
    }

    /// Whether AWS imports resources of this type: those that can be read (user guide, "Resource type support").
    pub(super) fn is_importable(&self) -> bool {
        !self.table.unreadable && !self.table.identifier.is_empty()
    }

    /// What only AWS sets, in paths: `Endpoint/Address`.
    pub(super) fn read_only(&self) -> &[String] {
        &self.table.read_only
    }

    /// The JSON type of the property at `path`, its names joined by dots; `None` where there are several.
    pub(super) fn kind_at(&self, path: &str) -> Option<&'static str> {
        let mut shape = &self.root;
        for name in path.split('.') {
            shape = shape.resolved(&self.definitions).member(name)?;
        }
        match shape.resolved(&self.definitions).kinds.as_slice() {
            [kind] => Some(kind.name()),
            _ => None,
        }
    }

    /// What is wrong with the properties at every depth: unknown, missing, read-only, of the wrong kind, outside
    /// what the schema allows. `values_known` is false while intrinsic functions stand in for values.
    pub(super) fn faults(&self, properties: &Map<String, Value>, values_known: bool) -> Vec<PropertyFault> {
        let properties = self.coerced(Value::Object(properties.clone()));
        let (definitions, read_only) = (&self.definitions, self.table.read_only.as_slice());
        let mut look = Look { definitions, read_only, values_known, faults: Vec::new() };
        look.value(&self.root, &properties, "");
        look.faults
    }

    /// The properties with every scalar of the kind that its place asks for, where it can be: AWS's templates give
    /// numbers and flags as strings and strings as numbers.
    pub(super) fn coerced(&self, mut properties: Value) -> Value {
        self.root.coerce(&mut properties, &self.definitions);
        properties
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_create_only_property_replaces_and_others_do_not() {
        let schema = of("AWS::S3::Bucket").unwrap();
        let (one, two) = (json!("one"), json!("two"));
        assert_eq!(schema.recreation("BucketName", Some(&one), Some(&two)), Recreation::Always);
        assert_eq!(schema.recreation("BucketName", Some(&one), None), Recreation::Always);
        assert_eq!(schema.recreation("Tags", Some(&one), Some(&two)), Recreation::Never);
    }

    #[test]
    fn unknown_missing_and_misshapen_properties_are_found() {
        let schema = of("AWS::EC2::SecurityGroup").unwrap();
        let properties = json!({"Nope": 1, "SecurityGroupIngress": "all"});
        let faults: Vec<_> =
            schema.faults(properties.as_object().unwrap(), true).iter().map(ToString::to_string).collect();
        assert_eq!(
            faults,
            [
                "#: extraneous key [Nope] is not permitted",
                "#/SecurityGroupIngress: expected type: JSONArray, found: String",
                "#: required key [GroupDescription] not found",
            ]
        );
    }

    fn faults_of(resource_type: &str, properties: Value, values_known: bool) -> Vec<String> {
        let properties = properties.as_object().unwrap().clone();
        let faults = of(resource_type).unwrap().faults(&properties, values_known);
        faults.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn scalars_are_coerced_at_every_depth() {
        let cases = [
            (
                "AWS::EC2::SecurityGroup",
                json!({"SecurityGroupIngress": [{"IpProtocol": -1, "FromPort": "80"}],
                    "Tags": [{"Key": 1, "Value": 4711}, {"Key": "t", "Value": true}]}),
                json!({"SecurityGroupIngress": [{"IpProtocol": "-1", "FromPort": 80}],
                    "Tags": [{"Key": "1", "Value": "4711"}, {"Key": "t", "Value": "true"}]}),
            ),
            (
                "AWS::ElasticLoadBalancingV2::Listener",
                json!({"Port": "80", "DefaultActions": [{"Type": "redirect",
                    "RedirectConfig": {"StatusCode": 301, "Port": 443}}]}),
                json!({"Port": 80, "DefaultActions": [{"Type": "redirect",
                    "RedirectConfig": {"StatusCode": "301", "Port": "443"}}]}),
            ),
            (
                "AWS::RDS::DBInstance",
                json!({"EngineVersion": 17, "MultiAZ": "True", "AllocatedStorage": 20}),
                json!({"EngineVersion": "17", "MultiAZ": true, "AllocatedStorage": "20"}),
            ),
            (
                "AWS::CloudWatch::Alarm",
                json!({"Threshold": "0.5", "Period": "60.0"}),
                json!({"Threshold": 0.5, "Period": 60}),
            ),
            // What is no number stays, and a document is not looked into.
            ("AWS::CloudWatch::Alarm", json!({"Threshold": "many"}), json!({"Threshold": "many"})),
            (
                "AWS::IAM::Policy",
                json!({"PolicyDocument": {"Statement": [{"Sid": 1, "Condition": true}]}}),
                json!({"PolicyDocument": {"Statement": [{"Sid": 1, "Condition": true}]}}),
            ),
        ];
        for (resource_type, given, expected) in cases {
            assert_eq!(of(resource_type).unwrap().coerced(given), expected, "{resource_type}");
        }
    }

    #[test]
    fn faults_are_found_at_every_depth() {
        let cases = [
            (
                "AWS::EC2::SecurityGroup",
                json!({"GroupDescription": "d", "SecurityGroupIngress": [{"CidrIp": "0.0.0.0/0", "Nope": 1}]}),
                vec![
                    "#/SecurityGroupIngress/0: extraneous key [Nope] is not permitted",
                    "#/SecurityGroupIngress/0: required key [IpProtocol] not found",
                ],
            ),
            (
                "AWS::ECS::Service",
                json!({"LoadBalancers": [{"ContainerPort": {"a": 1}}], "DeploymentController": {"Type": "BLUE"}}),
                vec![
                    "#/LoadBalancers/0/ContainerPort: expected type: Integer, found: JSONObject",
                    "#/DeploymentController/Type: failed validation constraint for keyword [enum]",
                ],
            ),
            (
                "AWS::RDS::DBInstance",
                json!({"MasterUserSecret": {"SecretArn": "arn:aws:x"}}),
                vec!["#/MasterUserSecret: read-only key [SecretArn] is not permitted"],
            ),
            (
                "AWS::SQS::Queue",
                json!({"DelaySeconds": 901, "Tags": [{"Key": "", "Value": "v"}, {"Key": "k|", "Value": "v"}]}),
                vec![
                    "#/DelaySeconds: 901 is not less or equal to 900",
                    "#/Tags/0/Key: expected minLength: 1, actual: 0",
                    "#/Tags/1/Key: failed validation constraint for keyword [pattern]",
                ],
            ),
        ];
        for (resource_type, properties, expected) in cases {
            assert_eq!(faults_of(resource_type, properties, true), expected, "{resource_type}");
        }
    }

    #[test]
    fn intrinsic_functions_and_secrets_are_passed_over_until_they_are_known() {
        let properties = json!({"DelaySeconds": {"Ref": "P"}, "Tags": [{"Fn::If": ["C", 1, 2]}],
            "MaximumMessageSize": "{{resolve:secretsmanager:s}}"});
        assert_eq!(faults_of("AWS::SQS::Queue", properties.clone(), false), Vec::<String>::new());
        assert!(!faults_of("AWS::SQS::Queue", properties, true).is_empty());
    }

    #[test]
    fn every_row_of_the_table_can_be_read() {
        assert!(ROWS.len() > 1800, "{}", ROWS.len());
        let unread: Vec<_> = ROWS.keys().filter(|name| of(name).is_none()).collect();
        assert_eq!(unread, Vec::<&&str>::new());
    }
}
