//! Systems Manager, of which only parameters are served: values that tasks get as secrets. They are neither logged nor
//! in the journal. A parameter keeps its newest version alone.

mod operations;
mod stand_in;
mod store;

pub(crate) use operations::*;
pub(crate) use stand_in::stand_in;

use crate::cloud::Cloud;
use crate::operation::Operations;

/// The customer's key of a secure string: an ARN, id or alias.
pub(crate) fn key_of(cloud: &Cloud, arn: &str) -> Option<String> {
    let parameter = cloud.part::<store::ParameterStore>().find(arn)?;
    parameter.key_id.filter(|_| parameter.kind == "SecureString")
}

/// The values of all secure strings: what is never to be shown.
pub(crate) fn values(cloud: &Cloud) -> Vec<String> {
    let parameters = cloud.part::<store::ParameterStore>().parameters.values().into_iter();
    parameters.filter(|parameter| parameter.kind == "SecureString").map(|parameter| parameter.value).collect()
}

pub(crate) fn register(operations: &mut Operations) {
    operations.add::<PutParameter>();
    operations.add::<GetParameter>();
    operations.add::<GetParameters>();
    operations.add::<DeleteParameter>();
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::tests::{ACCOUNT, call, cloud_in};

    #[tokio::test]
    async fn a_parameter_is_read_by_name_or_arn_and_in_the_clear_only_if_asked_for() {
        let dir = tempfile::tempdir().unwrap();
        let cloud = cloud_in(dir.path());
        let put = json!({"Name": "/web/key", "Value": "hunter2", "Type": "SecureString"});
        assert_eq!(call(&cloud, "ssm:PutParameter", put).await.unwrap()["Version"], 1);
        let cloud = cloud_in(dir.path());

        let arn = format!("arn:aws:ssm:eu-central-1:{ACCOUNT}:parameter/web/key");
        let read = json!({"Names": [arn, "/web/none"], "WithDecryption": true});
        let read = call(&cloud, "ssm:GetParameters", read).await.unwrap();
        let sealed = call(&cloud, "ssm:GetParameter", json!({"Name": "/web/key"})).await.unwrap();

        assert_eq!(
            (&read["Parameters"][0]["Value"], &read["Parameters"][0]["ARN"]),
            (&json!("hunter2"), &json!(arn))
        );
        assert_eq!(read["InvalidParameters"], json!(["/web/none"]));
        assert!(!sealed.to_string().contains("hunter2"), "{sealed}");
        assert!(cloud.journal().entries().iter().all(|entry| !format!("{entry:?}").contains("hunter2")));
    }

    #[tokio::test]
    async fn what_ssm_refuses_and_what_is_not_meant_is_refused_with_words() {
        let dir = tempfile::tempdir().unwrap();
        let cloud = cloud_in(dir.path());
        let put = json!({"Name": "key", "Value": "v", "Type": "String"});
        call(&cloud, "ssm:PutParameter", put.clone()).await.unwrap();
        let with = |name: &str, value: serde_json::Value| {
            let mut input = put.clone();
            input["Name"] = json!("other");
            input[name] = value;
            input
        };
        let cases = [
            (put.clone(), "ParameterAlreadyExists"),
            (json!({"Name": "other", "Value": "v"}), "ValidationException"),
            (with("Name", json!("aws-key")), "AccessDeniedException"),
            (with("Name", json!("a b")), "ValidationException"),
            (
                with("Name", json!("/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16")),
                "HierarchyLevelLimitExceededException",
            ),
            (with("Value", json!("x".repeat(4097))), "ValidationException"),
            (with("Type", json!("Blob")), "UnsupportedParameterType"),
            (with("Tier", json!("Advanced")), "ValidationException"),
            (with("AllowedPattern", json!("a+")), "ValidationException"),
            (with("DataType", json!("aws:ec2:image")), "ValidationException"),
        ];
        for (input, code) in cases {
            let error = call(&cloud, "ssm:PutParameter", input.clone()).await.unwrap_err();
            assert_eq!(error.code, code, "{input}");
        }
        let mut over = put;
        over["Overwrite"] = json!(true);
        over.as_object_mut().unwrap().remove("Type");
        assert_eq!(call(&cloud, "ssm:PutParameter", over).await.unwrap()["Version"], 2);
        for (name, code) in [("key:1", "ParameterVersionNotFound"), ("none", "ParameterNotFound")] {
            let error = call(&cloud, "ssm:GetParameter", json!({"Name": name})).await.unwrap_err();
            assert_eq!(error.code, code, "{name}");
        }
        call(&cloud, "ssm:DeleteParameter", json!({"Name": "key"})).await.unwrap();
        let gone = call(&cloud, "ssm:DeleteParameter", json!({"Name": "key"})).await.unwrap_err();
        assert_eq!(gone.code, "ParameterNotFound");
    }
}
