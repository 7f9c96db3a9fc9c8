//! What AWS refuses, in AWS's words. Each row names its source: a recording of LocalStack's on AWS (commit 8b9a79f0,
//! 23 March 2026), or a public report.

use serde_json::json;

use super::*;

/// Source, template, parameters, message of `CreateStack`.
type Row = (&'static str, &'static str, Value, &'static str);

fn resource_rows() -> Vec<Row> {
    let none = || json!([]);
    vec![
        (
            "api/test_stacks.py::test_linting_error_during_creation",
            "Resources: {A: text}",
            none(),
            "Template format error: Any Resources member must be an object.",
        ),
        (
            "api/test_validations.py::test_resources_blocks[missing-type]",
            "Resources: {A: {Properties: {}}}",
            none(),
            "Template format error: [/Resources/A] Every Resources object must contain a Type member.",
        ),
        (
            "api/test_validations.py::test_resources_blocks[invalid-key]",
            "Resources: {A: {Type: 'AWS::SNS::Topic', Invalid: 1}}",
            none(),
            "Invalid template resource property 'Invalid'",
        ),
        (
            "api/test_validations.py::test_invalid_output_structure[none-value]",
            "Resources: {A: {Type: 'AWS::SNS::Topic'}}\nOutputs: {MyOutput: {Value: null}}",
            none(),
            "[/Outputs/MyOutput/Value] 'null' values are not allowed in templates",
        ),
        (
            "api/test_validations.py::test_invalid_output_structure[multiple-nones]",
            "Resources: {A: {Type: 'AWS::SNS::Topic'}}\nOutputs: {MyOutput: {}}",
            none(),
            "Template format error: Every Outputs member must contain a Value object",
        ),
        (
            "api/test_changesets.py::test_using_pseudoparameters_in_places[resource]",
            "Resources: {'AWS::NoValue': {Type: 'AWS::SNS::Topic'}}",
            none(),
            "Template format error: Resource name AWS::NoValue is non alphanumeric.",
        ),
        (
            "api/test_changesets.py::test_using_pseudoparameters_in_places[parameter]",
            "Parameters: {'AWS::NoValue': {Type: String}}\nResources: {A: {Type: 'AWS::SNS::Topic'}}",
            none(),
            "Template format error: Parameter name AWS::NoValue is non alphanumeric.",
        ),
        (
            "api/test_templates.py::test_get_template_summary_no_resources",
            "Resources: {}",
            none(),
            "Template format error: At least one Resources member must be defined.",
        ),
        (
            "engine/test_mappings.py::test_mapping_minimum_nesting_depth",
            "Mappings: {M: {A: text}}\nResources: {A: {Type: 'AWS::SNS::Topic'}}",
            none(),
            "Template format error: Every Mappings member A must be a map",
        ),
        (
            "engine/test_mappings.py::test_mapping_with_invalid_refs",
            "Mappings: {M: {A: {S: !Ref P}}}\nResources: {A: {Type: 'AWS::SNS::Topic'}}",
            none(),
            "Template format error: Every Mappings attribute must be a String or a List.",
        ),
    ]
}

fn output_rows() -> Vec<Row> {
    let none = || json!([]);
    vec![
        (
            "engine/test_mappings.py::test_mapping_with_nonexisting_key",
            "Mappings: {M: {A: {Suffix: s}}}\nResources: {A: {Type: 'AWS::SNS::Topic', \
             Properties: {TopicName: !FindInMap [M, C, Suffix]}}}",
            none(),
            "Template error: Unable to get mapping for M::C::Suffix",
        ),
        (
            "engine/test_conditions.py::test_output_reference_to_skipped_resource",
            "Conditions: {No: !Equals [a, b]}\nResources:\n  A: {Type: 'AWS::SNS::Topic'}\n  \
             MyTopic: {Type: 'AWS::SNS::Topic', Condition: No}\nOutputs: {O: {Value: !Ref MyTopic}}",
            none(),
            "Unresolved resource dependencies [MyTopic] in the Outputs block of the template",
        ),
        (
            "engine/test_conditions.py::test_dependent_ref",
            "Conditions: {No: !Equals [a, b]}\nResources:\n  MyTopic: {Type: 'AWS::SNS::Topic', Condition: No}\n  \
             P: {Type: 'AWS::SSM::Parameter', Properties: {Type: String, Value: !Ref MyTopic}}",
            none(),
            "Template format error: Unresolved resource dependencies [MyTopic] in the Resources block of the template",
        ),
        (
            "engine/test_conditions.py::test_validate_equals_args_len",
            "Conditions: {No: !Equals [a]}\nResources: {A: {Type: 'AWS::SNS::Topic'}}",
            none(),
            "Template error: every Fn::Equals object requires a list of 2 string parameters.",
        ),
        (
            "engine/test_references.py::test_depends_on_with_missing_reference",
            "Resources: {A: {Type: 'AWS::SNS::Topic', DependsOn: NonExistingResource}}",
            none(),
            "Template format error: Unresolved resource dependencies [NonExistingResource] in the Resources block of \
             the template",
        ),
        (
            "test_change_set_conditions.py::test_missing_condition",
            "Resources: {A: {Type: 'AWS::SNS::Topic', Properties: {TopicName: !If [MissingCondition, a, b]}}}",
            none(),
            "Template error: unresolved condition dependency MissingCondition in Fn::If",
        ),
        (
            "test_change_set_fn_get_attr.py::test_invalid_structure[getatt_validation.yml]",
            "Resources: {A: {Type: 'AWS::SNS::Topic', Properties: {TopicName: {'Fn::GetAtt': [A]}}}}",
            none(),
            "Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the \
             resource attribute",
        ),
        (
            "test_change_set_fn_select.py::test_invalid_select_index_type[non-integer-index]",
            "Resources: {A: {Type: 'AWS::SNS::Topic', Properties: {TopicName: !Select [x, [a]]}}}",
            none(),
            "Template error: Fn::Select requires a list argument with two elements: an integer index and a list",
        ),
        (
            "test_change_set_fn_split.py::test_validate_split_arguments_len",
            "Resources: {A: {Type: 'AWS::SNS::Topic', Properties: {TopicName: !Split [x]}}}",
            none(),
            "Template error: every Fn::Split object requires two parameters, (1) a string delimiter and (2) a string \
             to be split or a function that returns a string to be split.",
        ),
        (
            "test_change_set_parameters.py::test_invalid_parameter_type",
            "Parameters: {Value: {Type: Number}}\nResources: {A: {Type: 'AWS::SNS::Topic'}}",
            json!([{"ParameterKey": "Value", "ParameterValue": "abc"}]),
            "Parameter 'Value' must be a number.",
        ),
    ]
}

fn parameter_rows() -> Vec<Row> {
    let none = || json!([]);
    vec![
        (
            "test_template_engine.py::TestMacros::test_capabilities_requirements",
            "Transform: Mine\nResources: {A: {Type: 'AWS::SNS::Topic'}}",
            none(),
            "Requires capabilities : [CAPABILITY_AUTO_EXPAND]",
        ),
        (
            "test_template_engine.py::TestMacros::test_error_pass_macro_as_reference",
            "Transform: {Name: !Ref P}\nResources: {A: {Type: 'AWS::SNS::Topic'}}",
            none(),
            "Key Name of transform definition must be a string.",
        ),
        (
            "aws-cdk#10016 and its kind: no Parameter Store entry",
            "Parameters: {V: {Type: 'AWS::SSM::Parameter::Value<String>', Default: /a/b}}\n\
             Resources: {A: {Type: 'AWS::SNS::Topic'}}",
            none(),
            "Unable to fetch parameters [/a/b] from parameter store for this account.",
        ),
        (
            "user guide, Fn::Sub; a list where a string is wanted",
            "Parameters: {L: {Type: CommaDelimitedList, Default: 'a,b'}}\n\
             Resources: {A: {Type: 'AWS::SNS::Topic', Properties: {TopicName: !Sub 'x-${L}'}}}",
            none(),
            "Template error: variable L in Fn::Sub expression does not resolve to a string",
        ),
        (
            "aws-samples/startup-kit-templates#45",
            "Resources: {A: {Type: 'AWS::SNS::Topic'}}\nOutputs: {Name: {Value: a, Export: {}}}",
            none(),
            "Template format error: Output Name is malformed. The Name field of every Export member must be \
             specified and consist only of alphanumeric characters, colons, or hyphens.",
        ),
        (
            "user guide, Rules",
            "Parameters: {P: {Type: String, Default: b}}\nRules: {R: {Assertions: [{Assert: \
             {'Fn::Contains': [[a], !Ref P]}, AssertDescription: it must be a}]}}\n\
             Resources: {A: {Type: 'AWS::SNS::Topic'}}",
            none(),
            "Rule [R] is violated: it must be a",
        ),
        (
            "user guide, output names",
            "Resources: {A: {Type: 'AWS::SNS::Topic'}}\nOutputs: {my-output: {Value: a}}",
            none(),
            "Template format error: Output name my-output is non alphanumeric.",
        ),
    ]
}

#[tokio::test]
async fn templates_are_refused_in_the_words_of_aws() {
    let fixture = Fixture::new().await;
    for (source, template, parameters, expected) in
        [resource_rows(), output_rows(), parameter_rows()].concat()
    {
        let input = json!({"StackName": "s", "TemplateBody": template, "Parameters": parameters});
        let answer = fixture.try_call("CreateStack", input).await;
        let message = answer.map_or_else(|error| error.message, |_| "it was accepted".to_owned());
        assert_eq!(message, expected, "{source}");
    }
}

#[tokio::test]
async fn calls_are_refused_in_the_words_of_aws() {
    let fixture = Fixture::new().await;
    let topic = "Parameters: {P: {Type: String, Default: a}}\nResources: {A: {Type: 'AWS::SNS::Topic'}}";
    fixture.create(topic).await;
    fixture.settled("s").await;
    let review =
        json!({"StackName": "r", "ChangeSetName": "c", "ChangeSetType": "CREATE", "TemplateBody": topic});
    fixture.call("CreateChangeSet", review).await;
    let long = "x".repeat(51_201);
    let rows = [
        (
            "api/test_templates.py::test_get_template_missing_resources",
            "GetTemplate",
            json!({"StackName": "does-not-exist"}),
            "Stack with id does-not-exist does not exist",
        ),
        (
            "api/test_templates.py::test_get_template_no_arguments",
            "GetTemplate",
            json!({}),
            "StackName is required if ChangeSetName is not specified.",
        ),
        (
            "api/test_templates.py::test_get_template_summary_non_executed_change_set",
            "GetTemplateSummary",
            json!({"StackName": "r"}),
            "GetTemplateSummary cannot be called on REVIEW_IN_PROGRESS stacks.",
        ),
        (
            "api/test_templates.py::test_create_stack_from_s3_template_url[http_invalid]",
            "CreateStack",
            json!({"StackName": "n", "TemplateURL": "http://example.com/a.yml"}),
            "TemplateURL must be a supported URL.",
        ),
        (
            "api/test_templates.py::test_validate_invalid_json_template_should_fail",
            "ValidateTemplate",
            json!({"TemplateBody": "{\"this is invalid JSON\"}"}),
            "Template format error: JSON not well-formed. (line 1, column 25)",
        ),
        (
            "test_template_engine.py::TestMacros::test_to_validate_template_limit_for_macro",
            "ValidateTemplate",
            json!({"TemplateBody": long}),
            "1 validation error detected: Value '<template-body>' at 'templateBody' failed to satisfy constraint: \
             Member must have length less than or equal to 51200",
        ),
        (
            "api/test_update_stack.py::test_update_with_role_without_permissions and its kind: moto's words",
            "UpdateStack",
            json!({"StackName": "s", "UsePreviousTemplate": true, "Parameters":
                [{"ParameterKey": "P", "ParameterValue": "b", "UsePreviousValue": true}]}),
            "Invalid input for parameter key P. Cannot specify usePreviousValue as true and non empty value for a \
             parameter",
        ),
        (
            "api/test_update_stack.py::test_update_with_resource_types",
            "UpdateStack",
            json!({"StackName": "s", "UsePreviousTemplate": true, "ResourceTypes": ["AWS::EC2::*"]}),
            "Resource type AWS::SNS::Topic is not allowed by parameter ResourceTypes [AWS::EC2::*]",
        ),
        (
            "api/test_update_stack.py::test_update_with_resource_types, a pattern that is none",
            "UpdateStack",
            json!({"StackName": "s", "UsePreviousTemplate": true, "ResourceTypes": ["AWS::SNS:*"]}),
            "Resource type AWS::SNS::Topic is not allowed by parameter ResourceTypes [AWS::SNS:*]",
        ),
        (
            "api/test_update_stack.py::test_update_stack_with_same_template_withoutchange",
            "UpdateStack",
            json!({"StackName": "s", "UsePreviousTemplate": true}),
            "No updates are to be performed.",
        ),
    ];
    for (source, operation, input, expected) in rows {
        assert_eq!(fixture.message(operation, input).await, expected, "{source}");
    }
}

#[tokio::test]
async fn a_stack_in_review_is_created_under_its_own_id() {
    let fixture = Fixture::new().await;
    let topic = "Resources: {A: {Type: 'AWS::SNS::Topic'}}";
    fixture.change_set(topic, "CREATE").await;
    let review =
        fixture.call("DescribeStacks", json!({"StackName": "s"})).await["Stacks"][0]["StackId"].clone();
    assert_eq!(json!(fixture.create(topic).await), review);
    assert_eq!(fixture.settled("s").await, "CREATE_COMPLETE");
    let sets = fixture.call("ListChangeSets", json!({"StackName": "s"})).await;
    // The change set of before fits the stack no more.
    assert_eq!(sets["Summaries"][0]["ExecutionStatus"], "OBSOLETE");
}

#[tokio::test]
async fn templates_past_the_limits_are_refused() {
    let fixture = Fixture::new().await;
    let many = |section: &str, count: usize, member: &str| {
        let members: String = (0..count).map(|n| format!("  N{n}: {member}\n")).collect();
        let rest = if section == "Resources" { "" } else { "Resources: {A: {Type: 'AWS::SNS::Topic'}}\n" };
        format!("{rest}{section}:\n{members}")
    };
    let refused = |section: &str, count: usize, most: usize| {
        format!(
            "Template format error: Number of {section}, {count}, is greater than maximum allowed, {most}"
        )
    };
    let rows = [
        (many("Resources", 501, "{Type: 'AWS::SNS::Topic'}"), refused("resources", 501, 500)),
        (many("Parameters", 201, "{Type: String, Default: a}"), refused("parameters", 201, 200)),
        (many("Outputs", 201, "{Value: a}"), refused("outputs", 201, 200)),
        (many("Mappings", 201, "{a: {b: c}}"), refused("mappings", 201, 200)),
        (
            format!("Description: {}\nResources: {{A: {{Type: 'AWS::SNS::Topic'}}}}", "d".repeat(1025)),
            "Template format error: 'Description' length is greater than 1024.".to_owned(),
        ),
    ];
    for (template, expected) in rows {
        let message = fixture.message("ValidateTemplate", json!({"TemplateBody": template})).await;
        assert_eq!(message, expected);
    }
    let full = many("Resources", 500, "{Type: 'AWS::SNS::Topic'}");
    fixture.call("ValidateTemplate", json!({"TemplateBody": full})).await;
}
