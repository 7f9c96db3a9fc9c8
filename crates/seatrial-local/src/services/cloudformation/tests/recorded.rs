//! Change sets against those that were recorded on AWS: see the head of `recorded-change-sets.json`.

use serde::Deserialize;
use serde_json::{Value, json};

use super::Fixture;

#[derive(Deserialize)]
struct Recordings {
    cases: Vec<Recording>,
}

/// A stack made from one template, and the change set that AWS made for the next.
#[derive(Deserialize)]
struct Recording {
    recording: String,
    before: Value,
    after: Value,
    /// Of the creation, of the update.
    parameters: [Value; 2],
    plain: Value,
    values: Value,
}

fn parameters(given: &Value) -> Value {
    let given = given.as_object().unwrap().iter();
    given.map(|(key, value)| json!({"ParameterKey": key, "ParameterValue": value})).collect()
}

/// What the recordings leave out, left out; contexts as values; details in an order.
fn comparable(answer: &Value) -> Value {
    let changes = answer["Changes"].as_array().unwrap().iter();
    changes
        .map(|change| {
            let mut change = change["ResourceChange"].clone();
            change.as_object_mut().unwrap().shift_remove("PhysicalResourceId");
            for context in ["BeforeContext", "AfterContext"] {
                if let Some(text) = change[context].as_str() {
                    change[context] = serde_json::from_str(text).unwrap();
                }
            }
            change.as_object_mut().unwrap().retain(|_, member| !member.is_null());
            let details = change["Details"].as_array_mut().unwrap();
            let key = |detail: &Value| {
                (detail["ChangeSource"].to_string(), detail["Target"]["Name"].as_str().map(str::to_owned))
            };
            details.sort_by_key(key);
            change
        })
        .collect()
}

#[tokio::test]
async fn change_sets_tell_what_aws_was_recorded_to_tell_with_values_and_without() {
    let text = include_str!("recorded-change-sets.json");
    let recordings: Recordings = serde_json::from_str(text).unwrap();
    let cloud = Fixture::new().await;
    let mut different = Vec::new();
    for case in &recordings.cases {
        let request = |template: &Value, given: &Value| {
            let mut request = json!({"StackName": "s", "TemplateBody": template.to_string()});
            request["Parameters"] = parameters(given);
            request
        };
        cloud.call("CreateStack", request(&case.before, &case.parameters[0])).await;
        assert_eq!(cloud.settled("s").await, "CREATE_COMPLETE", "{}", case.recording);
        let mut request = request(&case.after, &case.parameters[1]);
        request["ChangeSetName"] = json!("c");
        let id = cloud.call("CreateChangeSet", request).await["Id"].clone();
        let describe = json!({"ChangeSetName": id});
        let plain = comparable(&cloud.call("DescribeChangeSet", describe.clone()).await);
        let mut describe = describe;
        describe["IncludePropertyValues"] = json!(true);
        let values = comparable(&cloud.call("DescribeChangeSet", describe).await);
        for (how, expected, found) in [("plain", &case.plain, plain), ("values", &case.values, values)] {
            if *expected != found {
                different.push(format!("{} {how}:\n  AWS  {expected}\n  here {found}", case.recording));
            }
        }
        let stack = cloud.call("DescribeStacks", json!({"StackName": "s"})).await;
        cloud.call("DeleteStack", json!({"StackName": "s"})).await;
        cloud.settled(stack["Stacks"][0]["StackId"].as_str().unwrap()).await;
    }
    assert!(different.is_empty(), "{} differ:\n{}", different.len(), different.join("\n"));
    assert_eq!(recordings.cases.len(), 72);
}
