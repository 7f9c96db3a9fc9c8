//! The credentials of a build's service role, as AWS's own client finds them.

use super::*;
use crate::tests::aws;

#[tokio::test]
async fn a_build_is_a_session_of_its_role_by_aws_s_own_client_until_it_ends() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud(dir.path());
    aws::serve(&cloud).await;
    create_project(&cloud).await;
    put_source(&cloud, dir.path(), &[("a", "a")]).await;
    let program = aws::program();
    let spec = format!(
        "version: 0.2\nphases:\n  build:\n    commands:\n      \
         - '{} sts get-caller-identity --query Arn --output text > who'\n      - cat who\n      - env > env\n\
         artifacts: {{files: [who, env]}}\n",
        program.display()
    );

    let built = build(&cloud, &spec).await;

    let log = lines(&cloud, &built).await.join("\n");
    assert_eq!(built.build_status, "SUCCEEDED", "{log}");
    let zip = objects::get(&cloud, &operator(), Place::latest("bucket", "out.zip")).await.unwrap();
    let read = |name: &str| String::from_utf8(archive::read(&zip, name).unwrap().unwrap()).unwrap();
    let uuid = built.id.rsplit(':').next().unwrap();
    assert_eq!(
        read("who").trim(),
        format!("arn:aws:sts::000000000000:assumed-role/build/AWSCodeBuild-{uuid}")
    );
    let env = read("env");
    let variable =
        |name: &str| env.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('=')).unwrap();
    let token = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN");
    assert!(!log.contains(token), "{log}");
    // With the build its credentials are gone, by the same way.
    let variables = ["AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN"];
    let variables = variables.map(|name| (name, variable(name).to_owned()));
    let refused = aws::AwsCli::with(&cloud, variables).refusal("sts get-caller-identity").await;
    assert!(refused.contains("400") || refused.contains("credentials"), "{refused}");
}
