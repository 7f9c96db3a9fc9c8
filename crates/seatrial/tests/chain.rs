//! The main job, on the local cloud, by the built binary: the README's commands one after another.
//!
//! Both tests really compile the application's image (once: the build cache is kept) and really run it against a
//! real Postgres.

#![expect(clippy::unwrap_used, reason = "a test that cannot be prepared has failed")]

mod support;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::Value;
use support::aws_cli::AwsCli;
use support::checkout::Checkout;

/// The body of a page.
fn get(url: &str) -> Option<String> {
    let address = url.strip_prefix("http://")?.trim_end_matches('/');
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    write!(stream, "GET / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    answer.starts_with("HTTP/1.1 200").then_some(answer)
}

fn until<T>(patience: Duration, what: &str, condition: impl Fn() -> Option<T>) -> T {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(Instant::now() < deadline, "{what} did not happen within {patience:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn the_daily_commands_take_a_commit_to_production_and_clean_up() {
    let checkout = Checkout::new();

    let provisioned = checkout.json(&["provision", "--yes"]);
    let stacks = provisioned["stacks"].as_array().unwrap();
    assert_eq!(stacks.len(), 11);
    assert!(stacks.iter().all(|stack| stack["status"] == "CREATE_COMPLETE" && stack["changed"] == true));
    assert_eq!(provisioned["release"]["status"], "Succeeded");
    let url = provisioned["outputs"]["Url"].as_str().unwrap();

    let image = checkout.json(&["build-image", "--push"]);
    let uri = image["uri"].as_str().unwrap();
    assert!(uri.ends_with(&format!("@{}", image["digest"].as_str().unwrap())), "{uri}");
    assert!(image["size_bytes"].as_u64().unwrap() <= 12 * 1024 * 1024, "{image}");
    // The pipeline built it from an archive in another place, with other products.
    assert_eq!(checkout.build_by_hand()["digest"], image["digest"]);

    every_service_answers_the_aws_client(
        &AwsCli::new(&checkout.json(&["local", "status"])),
        &provisioned["outputs"],
    );

    // Released already: nothing to do, and said so.
    assert_eq!(checkout.run(&["release"]).code, Some(0));
    assert!(get(url).unwrap().contains(&checkout.head()[..12]));

    let page = "app/templates/layout.html";
    let text = std::fs::read_to_string(checkout.path().join(page)).unwrap();
    checkout.commit_long_ago(page, &text.replace("</body>", "<p>a changed page</p></body>"));
    let release = checkout.json(&["release", "--rate", "100"]);
    assert_eq!(release["status"], "Succeeded", "{release}");
    assert_eq!(release["source_revision"], checkout.head());
    assert_eq!(release["requests"]["failed"], 0, "{release}");
    assert!(get(url).unwrap().contains("a changed page"));
    let changed = checkout.build_by_hand();
    assert_ne!(changed["digest"], image["digest"]);

    let status = checkout.json(&["status"]);
    assert_eq!(status["stacks"].as_array().unwrap().len(), 11);
    assert_eq!(status["pipeline"]["source_revision"], checkout.head());
    assert_eq!(status["deployment"]["status"], "Succeeded");
    assert!(
        status["targets"].as_array().unwrap().iter().any(|t| t["state"] == "healthy" && t["weight"] == 100)
    );

    let again = checkout.json(&["provision", "--yes"]);
    assert!(again["stacks"].as_array().unwrap().iter().all(|stack| stack["changed"] == false), "{again}");

    let local = checkout.json(&["local", "status"]);
    let pid = nix::unistd::Pid::from_raw(i32::try_from(local["pid"].as_i64().unwrap()).unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).unwrap();
    until(Duration::from_secs(10), "the end of the killed process", || {
        nix::sys::signal::kill(pid, None).is_err().then_some(())
    });
    let back = checkout.json(&["status"]);
    assert_eq!(back["stacks"].as_array().unwrap().len(), 11);
    until(Duration::from_secs(30), "the application's return", || {
        get(url).filter(|page| page.contains("a changed page"))
    });

    checkout.json(&["destroy"]);
    assert!(get(url).is_none());
    assert!(!checkout.data_dir().exists());
    checkout.run(&["local", "status"]).refused("no local cloud is running");
}

#[test]
fn a_rehearsal_releases_and_rolls_back_under_load_without_a_failed_request() {
    let checkout = Checkout::new();

    let verdict = checkout.json(&["rehearse"]);

    assert_eq!(verdict["verdict"], "pass");
    let releases = verdict["releases"].as_array().unwrap();
    assert_eq!(releases.len(), 3);
    let [first, deploy, unhealthy] = &releases[..] else { panic!("{verdict}") };
    assert_eq!(first["status"], "Succeeded");
    assert_eq!((&deploy["status"], &deploy["rolled_back"]), (&"Succeeded".into(), &false.into()));
    assert_eq!((&unhealthy["status"], &unhealthy["rolled_back"]), (&"Failed".into(), &true.into()));
    for release in [deploy, unhealthy] {
        assert!(release["requests"]["sent"].as_u64().unwrap() >= 2_000, "{release}");
        assert_eq!(release["requests"]["failed"], 0, "{release}");
        assert!(release["deployment_id"].as_str().unwrap().starts_with("d-"));
    }
    assert_eq!(verdict["stacks"].as_array().unwrap().len(), 11);
    assert!(verdict["image"]["digest"].as_str().unwrap().starts_with("sha256:"));
    assert!(verdict["authorization"].is_null());
}

/// The calls that a user would make to look around, by AWS's own client.
fn every_service_answers_the_aws_client(aws: &AwsCli, outputs: &Value) {
    let name = "myapp-local";
    let output = |name: &str| outputs[name].as_str().unwrap();
    let some = |list: &Value| assert!(!list.as_array().unwrap().is_empty(), "{list}");

    some(&aws.json(&["ecr", "describe-repositories"])["repositories"]);
    some(
        &aws.json(&["ecr", "describe-images", "--repository-name", output("RepositoryName")])["imageDetails"],
    );
    assert!(aws.text(&["ecr", "get-login-password"]).len() > 20);

    some(&aws.json(&["codepipeline", "list-pipelines"])["pipelines"]);
    let stages = aws.json(&["codepipeline", "get-pipeline-state", "--name", name]);
    let names: Vec<_> =
        stages["stageStates"].as_array().unwrap().iter().map(|s| s["stageName"].clone()).collect();
    assert_eq!(names, ["Source", "Build", "Deploy"]);
    some(
        &aws.json(&["codepipeline", "list-pipeline-executions", "--pipeline-name", name])["pipelineExecutionSummaries"],
    );
    let actions = aws.json(&["codepipeline", "list-action-executions", "--pipeline-name", name]);
    let external = |stage: &str| {
        let details = actions["actionExecutionDetails"].as_array().unwrap();
        let action = details.iter().find(|detail| detail["stageName"] == stage).unwrap();
        action["output"]["executionResult"]["externalExecutionId"].as_str().unwrap().to_owned()
    };
    let build = aws.json(&["codebuild", "batch-get-builds", "--ids", &external("Build")]);
    assert_eq!(build["builds"][0]["buildStatus"], "SUCCEEDED");

    let deployment = external("Deploy");
    let info = aws.json(&["deploy", "get-deployment", "--deployment-id", &deployment]);
    assert_eq!(info["deploymentInfo"]["status"], "Succeeded");
    let targets = aws.json(&["deploy", "list-deployment-targets", "--deployment-id", &deployment]);
    let target = targets["targetIds"][0].as_str().unwrap();
    let target =
        aws.json(&["deploy", "get-deployment-target", "--deployment-id", &deployment, "--target-id", target]);
    some(&target["deploymentTarget"]["ecsTarget"]["lifecycleEvents"]);

    let (cluster, service) = (output("ClusterName"), output("ServiceName"));
    some(&aws.json(&["ecs", "list-clusters"])["clusterArns"]);
    some(&aws.json(&["ecs", "list-services", "--cluster", cluster])["serviceArns"]);
    let services = aws.json(&["ecs", "describe-services", "--cluster", cluster, "--services", service]);
    assert_eq!(services["services"][0]["deploymentController"]["type"], "CODE_DEPLOY");
    let tasks = aws.json(&["ecs", "list-tasks", "--cluster", cluster]);
    let task = tasks["taskArns"][0].as_str().unwrap();
    some(&aws.json(&["ecs", "describe-tasks", "--cluster", cluster, "--tasks", task])["tasks"]);

    some(&aws.json(&["elbv2", "describe-load-balancers"])["LoadBalancers"]);
    some(&aws.json(&["elbv2", "describe-target-groups"])["TargetGroups"]);
    for group in ["BlueTargetGroupArn", "GreenTargetGroupArn"] {
        aws.json(&["elbv2", "describe-target-health", "--target-group-arn", output(group)]);
    }

    some(&aws.json(&["logs", "describe-log-groups"])["logGroups"]);
    let lines =
        aws.json(&["logs", "filter-log-events", "--log-group-name", output("ApplicationLogGroupName")]);
    some(&lines["events"]);
    let secrets = aws.json(&["secretsmanager", "list-secrets"]);
    let secret = secrets["SecretList"][0]["ARN"].as_str().unwrap();
    let value = aws.json(&["secretsmanager", "get-secret-value", "--secret-id", secret]);
    assert!(value["SecretString"].as_str().unwrap().contains("password"));
}
