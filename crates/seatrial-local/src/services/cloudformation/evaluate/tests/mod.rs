//! Evaluation of whole templates.

use serde_json::json;

use super::*;

struct Made;

impl Lookup for Made {
    fn reference(&self, logical_id: &str) -> Option<Value> {
        Some(json!(format!("{logical_id}-id")))
    }

    fn attribute(&self, logical_id: &str, attribute: &str) -> Option<Value> {
        (attribute != "Nope").then(|| json!(format!("{logical_id}.{attribute}")))
    }
}

fn scope(text: &str) -> Result<Scope, ServiceError> {
    let template = Template::parse(text)?;
    let parameters = resolve(&declared(&template)?, &[], &[])?;
    let surroundings = Surroundings {
        account: "000000000000".to_owned(),
        region: "eu-central-1".to_owned(),
        stack_name: "s".to_owned(),
        ..Surroundings::default()
    };
    Scope::new(template, &parameters, surroundings)
}

fn properties(body: &str) -> Result<Value, String> {
    let text = format!(
        "Parameters: {{P: {{Type: String, Default: p}}, L: {{Type: CommaDelimitedList, Default: 'x,y'}}}}\n\
         Mappings: {{M: {{a: {{b: found}}}}}}\n\
         Conditions: {{Yes: !Equals [!Ref P, p], No: !Not [!Condition Yes]}}\n\
         Resources:\n  B: {{Type: 'AWS::S3::Bucket'}}\n  A:\n    Type: Test::T\n    Properties: {{V: {body}}}"
    );
    let scope = scope(&text).map_err(|error| error.message)?;
    let resource = scope.template.resource("A").unwrap();
    let value = scope.properties(resource, &Made).map_err(|error| error.message)?;
    Ok(value.get("V").cloned().unwrap_or(Value::Null))
}

#[test]
fn intrinsic_functions_answer_as_cloudformation_does() {
    let cases = [
        ("!Ref P", json!("p")),
        ("!Ref L", json!(["x", "y"])),
        ("!Ref AWS::Region", json!("eu-central-1")),
        ("!Ref B", json!("B-id")),
        ("!GetAtt B.Arn", json!("B.Arn")),
        ("!Sub '${P}-${B}-${B.Arn}-${!Keep}-${AWS::StackName}'", json!("p-B-id-B.Arn-${Keep}-s")),
        ("!Sub ['${V}', {V: !Ref P}]", json!("p")),
        ("!Join ['-', [a, !Ref P, !Ref 'AWS::NoValue']]", json!("a-p")),
        ("!Join [',', !Ref L]", json!("x,y")),
        ("!Select [1, !Split [':', 'a:b']]", json!("b")),
        ("!Select ['0', !GetAZs '']", json!("eu-central-1a")),
        ("!Select [1, !Cidr [10.0.0.0/16, 6, 12]]", json!("10.0.16.0/20")),
        ("!FindInMap [M, a, b]", json!("found")),
        ("!If [Yes, 1, 2]", json!(1)),
        ("!If [No, 1, !Ref 'AWS::NoValue']", Value::Null),
        ("[1, !Ref 'AWS::NoValue']", json!([1])),
        ("!Base64 abc", json!("YWJj")),
    ];
    for (body, expected) in cases {
        assert_eq!(properties(body), Ok(expected), "{body}");
    }
}

#[test]
fn what_cannot_be_resolved_is_refused_in_cloudformations_words() {
    let cases = [
        (
            "!Ref Q",
            "Template format error: Unresolved resource dependencies [Q] in the Resources block of the template",
        ),
        (
            "!Sub '${Q}'",
            "Template format error: Unresolved resource dependencies [Q] in the Resources block of the template",
        ),
        ("!GetAtt Q.Arn", "Template error: instance of Fn::GetAtt references undefined resource Q"),
        ("!If [Maybe, 1, 2]", "Template error: unresolved condition dependency Maybe in Fn::If"),
        ("!FindInMap [M, a, z]", "Template error: Unable to get mapping for M::a::z"),
        ("!Select [2, !Ref L]", "Template error: Fn::Select cannot select nonexistent value at index 2"),
    ];
    for (body, expected) in cases {
        assert_eq!(properties(body), Err(expected.to_owned()), "{body}");
    }
}

#[test]
fn conditions_leave_out_resources_edges_and_outputs() {
    let text = "Conditions: {Never: !Equals [a, b]}\n\
                Resources:\n  A: {Type: Test::T, Condition: Never}\n  B:\n    Type: Test::T\n    \
                Properties: {V: !If [Never, !Ref A, x]}\n  C: {Type: Test::T, DependsOn: B}\n\
                Outputs: {O: {Value: !Ref B}, N: {Condition: Never, Value: !Ref A}}";
    let scope = scope(text).unwrap();
    let graph = scope.graph();
    assert_eq!(graph.keys().collect::<Vec<_>>(), ["B", "C"]);
    assert!(graph["B"].is_empty());
    assert!(graph["C"].contains("B"));
    let outputs = scope.outputs(&Made).unwrap();
    assert_eq!(outputs.len(), 1);
    assert_eq!(outputs[0].output_value, "B-id");
}
