//! The query protocol: `Action=…&Version=…&A.member.1.B=…` in, XML out; and EC2's own kind of it, `A.1.B=…`, whose answers
//! have no wrapper (Smithy: AWS EC2 query protocol).

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::model::{Kind, Model, Operation, Reference};
use super::{text, xml};
use crate::error::ServiceError;

/// Names may have this many dotted parts; AWS's shapes need a dozen.
const DEEPEST: usize = 48;

/// A form by its dotted names.
#[derive(Debug, Default)]
struct Node {
    text: Option<String>,
    children: BTreeMap<String, Node>,
}

impl Node {
    fn of(form: &[(String, String)]) -> Result<Self, ServiceError> {
        let mut root = Self::default();
        for (name, value) in form {
            let mut node = &mut root;
            for (depth, part) in name.split('.').enumerate() {
                if depth == DEEPEST {
                    return Err(malformed(name, "is nested too deeply"));
                }
                node = node.children.entry(part.to_owned()).or_default();
            }
            node.text = Some(value.clone());
        }
        Ok(root)
    }

    /// The numbered children in order.
    fn items(&self) -> Vec<&Node> {
        let numbered =
            self.children.iter().filter_map(|(name, node)| Some((name.parse::<u32>().ok()?, node)));
        numbered.collect::<BTreeMap<_, _>>().into_values().collect()
    }
}

/// The name and value pairs of a form or query string.
pub(super) fn pairs(form: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(form).into_owned().collect()
}

/// A request's value by the shape. Parameters the model does not have are ignored, as AWS ignores them.
pub(super) fn decode(
    model: &Model,
    reference: &Reference,
    form: &[(String, String)],
) -> Result<Value, ServiceError> {
    structure(model, reference, &Node::of(form)?, "")
}

fn structure(model: &Model, reference: &Reference, node: &Node, path: &str) -> Result<Value, ServiceError> {
    let mut object = Map::new();
    for (name, member) in model.shape(reference).members.iter() {
        if let Some(child) = node.children.get(&*key_of(model, (name, member))) {
            let path = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
            object.insert(name.to_owned(), value(model, member, child, &path)?);
        }
    }
    Ok(Value::Object(object))
}

/// What a member is called in a request.
fn key_of<'a>(model: &'a Model, (name, member): (&'a str, &'a Reference)) -> Cow<'a, str> {
    let key = member.location_name.as_deref().unwrap_or(name);
    if model.metadata.is_ec2() {
        let capital =
            || key.chars().take(1).flat_map(char::to_uppercase).chain(key.chars().skip(1)).collect();
        return member.query_name.as_deref().map_or_else(|| Cow::Owned(capital()), Cow::Borrowed);
    }
    let shape = model.shape(member);
    // A flattened list takes the name of its items.
    let renamed = shape.member.as_ref().filter(|_| shape.flattened || member.flattened);
    Cow::Borrowed(renamed.and_then(|item| item.location_name.as_deref()).unwrap_or(key))
}

fn value(model: &Model, reference: &Reference, node: &Node, path: &str) -> Result<Value, ServiceError> {
    let shape = model.shape(reference);
    match shape.kind {
        Kind::Structure => structure(model, reference, node, path),
        Kind::List => {
            let Some(member) = &shape.member else { return Ok(Value::Array(Vec::new())) };
            let name = member.location_name.as_deref().unwrap_or("member");
            let holder = node.children.get(name).or_else(|| node.children.get("member"));
            // EC2's lists are numbered at once.
            let holder = holder.filter(|_| !model.metadata.is_ec2()).unwrap_or(node);
            holder.items().into_iter().map(|item| value(model, member, item, path)).collect()
        }
        Kind::Map => {
            let (Some(key), Some(of)) = (&shape.key, &shape.value) else {
                return Err(malformed(path, "is no map"));
            };
            let holder = node.children.get("entry").unwrap_or(node);
            let entries = holder.items().into_iter().map(|entry| {
                let named = |reference: &Reference, default| {
                    let name = reference.location_name.as_deref().unwrap_or(default);
                    entry
                        .children
                        .get(name)
                        .ok_or_else(|| malformed(path, &format!("has an entry without {name}")))
                };
                let key = named(key, "key")?.text.clone().unwrap_or_default();
                Ok((key, value(model, of, named(of, "value")?, path)?))
            });
            entries.collect()
        }
        kind => {
            let found = node.text.as_deref().ok_or_else(|| malformed(path, "is no single value"))?;
            text::parse(kind, found)
                .ok_or_else(|| malformed(path, &format!("must be of type {kind:?}, found `{found}`")))
        }
    }
}

fn malformed(path: &str, what: &str) -> ServiceError {
    ServiceError::new("MalformedInput", format!("{path} {what}"))
}

/// The answer of a query service: output, result wrapper and response metadata.
pub(super) fn encode(
    model: &Model,
    (name, operation): (&str, &Operation),
    value: &Value,
    request_id: &str,
) -> String {
    let mut out = format!("<{name}Response xmlns=\"");
    xml::escape(&mut out, model.metadata.xml_namespace.as_deref().unwrap_or_default());
    out.push_str("\">");
    if model.metadata.is_ec2() {
        xml::write_text(&mut out, "requestId", request_id);
        if let Some(output) = &operation.output {
            xml::write_content(&mut out, (model, output), value);
        }
        out.push_str(&format!("</{name}Response>"));
        return out;
    }
    if let Some(output) = &operation.output {
        let wrapper = output.result_wrapper.clone().unwrap_or_else(|| format!("{name}Result"));
        xml::write(&mut out, (&wrapper, None), (model, output), value);
    }
    out.push_str("<ResponseMetadata>");
    xml::write_text(&mut out, "RequestId", request_id);
    out.push_str(&format!("</ResponseMetadata></{name}Response>"));
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn decoded(service: &str, operation: &str, form: &str) -> Result<Value, ServiceError> {
        let model = Model::of(service).unwrap();
        let input = model.operations[operation].input.as_ref().unwrap();
        decode(model, input, &pairs(form.as_bytes()))
    }

    #[test]
    fn numbered_members_become_lists_in_the_order_of_their_numbers() {
        let items: Vec<_> = (1..=11).rev().map(|n| format!("Capabilities.member.{n}=C{n}")).collect();
        let form = format!("Action=CreateStack&StackName=a%2Bb+c&Unknown=1&Tags=&{}", items.join("&"));
        let value = decoded("cloudformation", "CreateStack", &form).unwrap();
        let names: Vec<_> = (1..=11).map(|n| format!("C{n}")).collect();
        assert_eq!(value, json!({"StackName": "a+b c", "Capabilities": names, "Tags": []}));
    }

    #[test]
    fn structures_in_lists_keep_their_members_and_types() {
        let form = "ListenerArn=l&DefaultActions.member.1.Type=forward&\
                    DefaultActions.member.1.ForwardConfig.TargetGroups.member.2.Weight=7&\
                    DefaultActions.member.1.ForwardConfig.TargetGroups.member.1.TargetGroupArn=t";
        let groups = json!([{"TargetGroupArn": "t"}, {"Weight": 7}]);
        let actions = json!([{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}]);
        let value = decoded("elasticloadbalancing", "ModifyListener", form).unwrap();
        assert_eq!(value, json!({"ListenerArn": "l", "DefaultActions": actions}));
    }

    #[test]
    fn a_list_takes_the_name_that_the_model_gives_its_items() {
        let form = "DBSubnetGroupName=g&DBSubnetGroupDescription=d&SubnetIds.SubnetIdentifier.1=s-1";
        assert_eq!(decoded("rds", "CreateDBSubnetGroup", form).unwrap()["SubnetIds"], json!(["s-1"]));
    }

    #[test]
    fn ec2_numbers_its_lists_at_once_and_wraps_nothing() {
        let form = "GroupId=sg-1&IpPermissions.1.IpProtocol=tcp&IpPermissions.1.FromPort=80&IpPermissions.1.ToPort=81&\
                    IpPermissions.1.IpRanges.1.CidrIp=10.0.0.0%2F8&IpPermissions.1.Groups.1.GroupId=sg-2";
        let permission = json!({
            "IpProtocol": "tcp", "FromPort": 80, "ToPort": 81, "IpRanges": [{ "CidrIp": "10.0.0.0/8" }],
            "UserIdGroupPairs": [{ "GroupId": "sg-2" }],
        });
        let value = decoded("ec2", "AuthorizeSecurityGroupIngress", form).unwrap();
        assert_eq!(value, json!({ "GroupId": "sg-1", "IpPermissions": [permission] }));

        let model = Model::of("ec2").unwrap();
        let name = "AuthorizeSecurityGroupIngress";
        let output = json!({ "Return": true, "SecurityGroupRules": [{ "SecurityGroupRuleId": "sgr-1" }] });
        assert_eq!(
            encode(model, (name, &model.operations[name]), &output, "id"),
            "<AuthorizeSecurityGroupIngressResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15\">\
             <requestId>id</requestId><return>true</return><securityGroupRuleSet><item><securityGroupRuleId>sgr-1\
             </securityGroupRuleId></item></securityGroupRuleSet></AuthorizeSecurityGroupIngressResponse>"
        );
    }

    #[test]
    fn a_wrong_type_or_a_bottomless_name_is_malformed_input() {
        let deep = format!("Tags{}=1", ".member.1".repeat(500));
        for form in ["DisableRollback=maybe", "Tags.member.1.Key.x=1", &deep] {
            let error = decoded("cloudformation", "CreateStack", form).unwrap_err();
            assert_eq!(error.code, "MalformedInput", "{form:.40}");
        }
    }

    #[test]
    fn an_answer_is_wrapped_and_carries_the_request_id() {
        let model = Model::of("sts").unwrap();
        let operation = ("GetCallerIdentity", &model.operations["GetCallerIdentity"]);
        assert_eq!(
            encode(model, operation, &json!({"Account": "1"}), "id"),
            "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
             <GetCallerIdentityResult><Account>1</Account></GetCallerIdentityResult>\
             <ResponseMetadata><RequestId>id</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
        );
    }
}
