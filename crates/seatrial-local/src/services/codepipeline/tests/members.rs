//! Each member of AWS's model of a pipeline has its effect here, or is refused by its name.

use super::*;

/// A pipeline with all that is acted on in the last action of its last stage, and of everything else.
fn full(region: &str) -> Value {
    let mut input = pipeline("arn", "QUEUED");
    let given = &mut input["pipeline"];
    given["version"] = json!(1);
    given["variables"][0]["description"] = json!("where it goes");
    given["triggers"] = json!([{
        "providerType": "CodeStarSourceConnection",
        "gitConfiguration": { "sourceActionName": "Source", "push": [{ "branches": { "includes": ["master"] } }] },
    }]);
    given["artifactStore"]["encryptionKey"] = json!({ "id": "alias/own", "type": "KMS" });
    given["stages"].as_array_mut().unwrap().truncate(2);
    let build = &mut given["stages"][1]["actions"][0];
    build["region"] = json!(region);
    build["roleArn"] = json!("arn:aws:iam::000000000000:role/build");
    build["runOrder"] = json!(1);
    input
}

/// The shapes of AWS's model.
struct Shapes(Value);

impl Shapes {
    fn of(&self, reference: &Value) -> &Value {
        &self.0["shapes"][reference["shape"].as_str().unwrap()]
    }

    /// A value of the shape, as small as the model allows.
    fn sample(&self, reference: &Value) -> Value {
        let shape = self.of(reference);
        match shape["type"].as_str().unwrap() {
            "structure" => {
                let needed =
                    shape["required"].as_array().into_iter().flatten().map(|name| name.as_str().unwrap());
                needed.map(|name| (name.to_owned(), self.sample(&shape["members"][name]))).collect()
            }
            "list" => json!([self.sample(&shape["member"])]),
            "map" => json!({ "key": self.sample(&shape["value"]) }),
            "string" => shape["enum"].get(0).cloned().unwrap_or_else(|| json!("value")),
            _ => shape["min"].clone(),
        }
    }

    /// The members that `given` lacks: where, by name, and a value to give them. Of a list the last item is looked at.
    fn lacked(&self, reference: &Value, given: &Value, at: &str) -> Vec<(String, String, Value)> {
        let shape = self.of(reference);
        match (given, &shape["members"]) {
            (Value::Object(_), Value::Object(members)) => members
                .iter()
                .flat_map(|(name, member)| match given.get(name) {
                    // Stored whole.
                    Some(_) if name == "triggers" => Vec::new(),
                    Some(value) => self.lacked(member, value, &format!("{at}/{name}")),
                    None => vec![(at.to_owned(), name.to_owned(), self.sample(member))],
                })
                .collect(),
            (Value::Array(items), _) => {
                let last = items.len() - 1;
                self.lacked(&shape["member"], &items[last], &format!("{at}/{last}"))
            }
            _ => Vec::new(),
        }
    }
}

#[tokio::test]
async fn each_member_that_is_not_acted_on_is_refused_by_its_name_and_the_others_are_answered() {
    let world = World::new("true");
    let cloud = world.cloud();
    let full = full(cloud.region());
    let model = include_str!("../../../../models/codepipeline.json");
    let model = Shapes(serde_json::from_str(model).unwrap());

    let mut refused = Vec::new();
    let root = json!({ "shape": "PipelineDeclaration" });
    for (at, name, value) in model.lacked(&root, &full["pipeline"], "/pipeline") {
        let mut input = full.clone();
        input.pointer_mut(&at).unwrap()[&name] = value.clone();
        let told = try_call(&cloud, "codepipeline", "CreatePipeline", input).await;
        let told = told.expect_err(&format!("{name} of {at} was taken: {value}")).message;
        assert!(told.contains(&name), "{name} of {at}: {told}");
        refused.push(name);
    }

    let expected = [
        "artifactStores",
        "beforeEntry",
        "blockers",
        "commands",
        "environmentVariables",
        "files",
        "onFailure",
        "onSuccess",
        "outputVariables",
        "timeoutInMinutes",
    ];
    refused.sort();
    assert_eq!(refused, expected);
    let made = call(&cloud, "codepipeline", "CreatePipeline", full.clone()).await;
    for stage in 0..2 {
        let (made, given) = (&made["pipeline"]["stages"][stage], &full["pipeline"]["stages"][stage]);
        for (name, value) in given["actions"][0].as_object().unwrap() {
            assert_eq!(&made["actions"][0][name], value, "{name}");
        }
    }
    for (name, value) in full["pipeline"].as_object().unwrap().iter().filter(|(name, _)| *name != "stages") {
        assert_eq!(&made["pipeline"][name], value, "{name}");
    }
}

#[tokio::test]
async fn what_an_action_would_do_differently_on_aws_is_refused_by_its_name() {
    let world = World::new("true");
    let cloud = world.cloud();
    let rows = [
        ("stages/1/actions/0/region", "ap-south-1", "region ap-south-1 of action `Build` is not available"),
        (
            "stages/0/actions/0/configuration/OutputArtifactFormat",
            "CODEBUILD_CLONE_REF",
            "CODEBUILD_CLONE_REF",
        ),
        ("stages/1/actions/0/configuration/BatchEnabled", "true", "BatchEnabled true"),
        ("stages/1/actions/0/configuration/BuildspecOverride", "other.yml", "BuildspecOverride other.yml"),
        (
            "stages/1/actions/0/configuration/PollForSourceChanges",
            "true",
            "Action configuration for action 'Build' contains unknown configuration 'PollForSourceChanges'",
        ),
    ];
    for (at, value, expected) in rows {
        let mut input = pipeline("arn", "QUEUED");
        let (owner, name) = at.rsplit_once('/').unwrap();
        input["pipeline"].pointer_mut(&format!("/{owner}")).unwrap()[name] = json!(value);
        let told = try_call(&cloud, "codepipeline", "CreatePipeline", input).await.unwrap_err();
        assert!(told.message.contains(expected), "{at}: {}", told.message);
    }
}
