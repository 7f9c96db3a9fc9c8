//! The main job, on the local cloud, by the built binary: the README's commands one after another.
//!
//! All tests really compile the image's builder (its dependencies once: the build cache is kept) and the image, and run
//! it beside a real Postgres: the fixture `web`, and in one test this repository's sample.

#![expect(clippy::unwrap_used, reason = "a test that cannot be prepared has failed")]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use crate::support::aws_cli::AwsCli;
use crate::support::checkout::Checkout;
use crate::support::fixture::{LOCAL, Layout, PAGE, git};
use crate::support::until;
use base64::Engine as _;
use serde_json::Value;

/// The page with its head.
fn get(url: &str) -> Option<String> {
    ask(url, "GET / HTTP/1.1", "").filter(|answer| answer.starts_with("HTTP/1.1 200"))
}

/// Sends a form and gives the answer with its head.
fn post(url: &str, path: &str, form: &str) -> Option<String> {
    let typed = "Content-Type: application/x-www-form-urlencoded";
    let length = form.len();
    let rest = format!("{typed}\r\nContent-Length: {length}\r\n\r\n{form}");
    ask(url, &format!("POST /{path} HTTP/1.1"), &rest)
}

/// `rest`: what stands behind the first headers, body included.
fn ask(url: &str, first: &str, rest: &str) -> Option<String> {
    let address = url.strip_prefix("http://")?.trim_end_matches('/');
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    let end = if rest.is_empty() { "\r\n" } else { rest };
    write!(stream, "{first}\r\nHost: {address}\r\nConnection: close\r\n{end}").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}

/// The variables of the fixture's `project.yml`.
const AS_TYPED: [&str; 11] = [
    "TYPED_BLANK +49 1.10",
    "TYPED_DOLLAR ${HOME} $$ %s",
    "TYPED_EXPONENT 1e3",
    "TYPED_FLAG yes",
    "TYPED_FRACTION 1.10",
    "TYPED_HEXADECIMAL 0x1F",
    "TYPED_LARGE 12345678901234567890123",
    "TYPED_OCTAL 0123",
    "TYPED_QUOTES \"it's\" \\ <IMAGE1_NAME>",
    "TYPED_TIME 12:30:45",
    "TYPED_TRUE True",
];

#[test]
fn the_daily_commands_take_a_commit_to_production_and_clean_up() {
    let checkout = Checkout::of_fixture(Layout::Member);

    let provisioned = checkout.json(&["provision", "--yes"]);
    let stacks = provisioned["stacks"].as_array().unwrap();
    assert_eq!(stacks.len(), 11);
    assert!(stacks.iter().all(|stack| stack["status"] == "CREATE_COMPLETE" && stack["changed"] == true));
    assert_eq!(provisioned["release"]["status"], "Succeeded");
    let url = provisioned["outputs"]["Url"].as_str().unwrap();

    let image = checkout.json(&["build-image", "--push"]);
    let uri = image["uri"].as_str().unwrap();
    assert!(uri.ends_with(&format!("@{}", image["digest"].as_str().unwrap())), "{uri}");
    // The pipeline built it from an archive in another place, with other products.
    assert_eq!(checkout.build_by_hand()["digest"], image["digest"]);

    what_is_in_the_image_can_be_read(&checkout, &provisioned["outputs"], &image);

    every_service_answers_the_aws_client(
        &AwsCli::new(&checkout.json(&["local", "status"])),
        &provisioned["outputs"],
    );

    drift_is_told_apart(&checkout, &provisioned["outputs"]);

    // Released already: nothing to do, and said so.
    assert_eq!(checkout.run(&["release"]).code, Some(0));
    let page = get(url).unwrap();
    assert!(page.contains(&format!("the first page\ncommit {}\n", checkout.head())), "{page}");
    let typed: Vec<&str> = page.lines().filter(|line| line.starts_with("TYPED_")).collect();
    assert_eq!(typed, AS_TYPED);

    checkout.commit_long_ago(PAGE, "a changed page\n");
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
fn a_rehearsal_of_an_environment_releases_and_rolls_back_under_load_without_a_failed_request() {
    let checkout = Checkout::of_fixture(Layout::Member);
    let arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:token-AbCdEf:key::";
    let production = format!(
        "production: {{app: {{secrets: {{TYPED_SECRET: \"{arn}\"}}}}, deployment: {{traffic: \
         Canary10Percent5Minutes}}, checks: [{{path: /, contains: TYPED_SECRET stand-in for key}}], "
    );
    checkout.edit_project("production: {", &production);
    git(&checkout.path(), &["commit", "--quiet", "--all", "--message", "Settle production"]);

    let verdict = checkout.json(&["rehearse", "--like", "production"]);

    assert_eq!(verdict["verdict"], "pass");
    // The check would stop each release whose tasks had no such secret.
    assert_eq!(
        (&verdict["environment"], &verdict["stand_ins"]),
        (&"production".into(), &serde_json::json!(["app.secrets.TYPED_SECRET"]))
    );
    assert_eq!(verdict["waits"][0]["on_aws_s"], 300.0);
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
    let authorization = &verdict["authorization"];
    assert!(authorization["allowed"].as_u64().is_some_and(|allowed| allowed > 100), "{authorization}");
    assert_eq!(authorization["denied"], 0, "{authorization}");
}

/// By docker, podman or buildah, whichever is here: `cargo xtask check --install-missing` installs the last.
#[test]
fn a_project_with_a_dockerfile_is_released_with_what_its_commit_holds() {
    let checkout = Checkout::of_fixture(Layout::OwnWorkspace);
    let dockerfile = "FROM scratch AS base\nCOPY program /web\nFROM base AS run\nARG GREETING\nENV TYPED_GREETING=$GREETING\n\
                      ENTRYPOINT [\"/web\"]\nFROM base AS broken\nENTRYPOINT [\"/nowhere\"]\n";
    checkout.write("web/docker/Dockerfile", dockerfile);
    checkout.write(".dockerignore", "**/page.txt\n");
    checkout.edit_project(
        "image: {package: web}",
        "image: {builder: docker, dockerfile: web/docker/Dockerfile, context: web, build_args: {GREETING: 1.10}, \
         target_stage: run}",
    );
    checkout.compile_program("web/src/main.rs", "web/program");
    // A stack of its own, of which the application is told, and no database.
    let queue = "Resources: {Jobs: {Type: AWS::SQS::Queue}}\nOutputs: {JobsUrl: {Value: !Ref Jobs}}\n";
    checkout.write_stack("jobs", queue);
    checkout.edit_project("  environment:\n", "  environment:\n    TYPED_JOBS: {output: JobsUrl}\n");
    checkout.edit_project("local: {}", "local: {database: none}");
    checkout.commit_all("Build by a Dockerfile");

    let provisioned = checkout.json(&["provision", "--yes"]);

    assert_eq!(provisioned["release"]["status"], "Succeeded", "{provisioned}");
    let url = provisioned["outputs"]["Url"].as_str().unwrap().to_owned();
    let page = get(&url).unwrap();
    assert!(page.contains("the first page") && page.contains("TYPED_GREETING 1.10\n"), "{page}");
    let jobs = provisioned["outputs"]["JobsUrl"].as_str().unwrap();
    assert!(page.contains(&format!("TYPED_JOBS {jobs}\n")), "{page}");
    assert!(!provisioned["stacks"].to_string().contains("local-database"), "{provisioned}");
    assert!(page.contains(&format!("commit {}\n", checkout.head())), "{page}");
    for line in AS_TYPED {
        assert!(page.contains(line), "{line} is not on {page}");
    }

    checkout.write(PAGE, "the second page\n");
    checkout.compile_program("web/src/main.rs", "web/program");
    checkout.commit_all("Change the page");
    let released = checkout.json(&["release"]);
    assert_eq!((&released["status"], &released["requests"]["failed"]), (&"Succeeded".into(), &0.into()));
    let page = get(&url).unwrap();
    // A build of the pipeline reads it, too.
    assert!(page.contains("the second page") && page.contains(&format!("TYPED_JOBS {jobs}\n")), "{page}");
}

/// `init` made it; nobody has touched a file since. By its name it stands beside those of the same layout, which share what
/// was compiled.
#[test]
fn a_folder_that_init_took_in_is_rehearsed() {
    let checkout = Checkout::of_fixture(Layout::OwnWorkspace);

    let verdict = checkout.json(&["rehearse", "--scenario", "deploy", "--rate", "50"]);

    assert_eq!(verdict["verdict"], "pass", "{verdict}");
    assert_eq!(verdict["releases"][0]["requests"]["failed"], 0, "{verdict}");
    crate::permissions::each_is_needed_or_has_its_reason(&checkout);
}

#[test]
fn a_project_in_a_folder_of_its_repository_with_xtask_as_a_workspace_of_its_own_is_released() {
    let checkout = Checkout::of_fixture_below("services/web", Layout::OwnWorkspace);

    let provisioned = checkout.json(&["provision", "--yes"]);
    assert_eq!(provisioned["release"]["status"], "Succeeded");
    let url = provisioned["outputs"]["Url"].as_str().unwrap();
    assert!(get(url).unwrap().contains("the first page"));

    checkout.commit_long_ago(PAGE, "a changed page\n");
    let release = checkout.json(&["release"]);
    assert_eq!(release["status"], "Succeeded", "{release}");
    assert_eq!(release["requests"]["failed"], 0, "{release}");
    assert!(get(url).unwrap().contains(&format!("a changed page\ncommit {}\n", checkout.head())));
    // The application's lock file knows nothing of the tool.
    let lock = std::fs::read_to_string(checkout.path().join("Cargo.lock")).unwrap();
    assert_eq!(lock.matches("[[package]]").count(), 1, "{lock}");
}

/// What only an application with a database, and with dependencies, can show.
#[test]
fn the_sample_is_released_small_and_keeps_its_entries_in_the_database() {
    let checkout = Checkout::of_this_repository();

    let provisioned = checkout.json(&["provision", "--yes"]);
    assert_eq!(provisioned["release"]["status"], "Succeeded");
    let url = provisioned["outputs"]["Url"].as_str().unwrap();
    assert!(get(url).unwrap().contains(&checkout.head()[..12]));

    let image = checkout.json(&["build-image", "--push"]);
    assert_eq!(image["reused"], true, "{image}");
    assert!(image["size_bytes"].as_u64().unwrap() <= 12 * 1024 * 1024, "{image}");

    let added = post(url, "entries", "kind=note&title=A+rehearsed+entry&author=Test&body=");
    assert!(added.as_deref().is_some_and(|answer| answer.starts_with("HTTP/1.1 303")), "{added:?}");
    assert!(get(url).unwrap().contains("A rehearsed entry"));
}

/// As any client of registries does, by plain HTTP: which artifacts refer to the image, and what the one of that type says.
fn what_is_in_the_image_can_be_read(checkout: &Checkout, outputs: &Value, image: &Value) {
    let local = checkout.json(&["local", "status"]);
    let password = AwsCli::new(&local).text(&["ecr", "get-login-password"]);
    let token = base64::engine::general_purpose::STANDARD.encode(format!("AWS:{password}"));
    let read = |path: &str| -> Value {
        let first = format!("GET /v2/{}/{path} HTTP/1.1", outputs["RepositoryName"].as_str().unwrap());
        let rest = format!("Authorization: Basic {token}\r\n\r\n");
        let endpoint = local["endpoint"].as_str().unwrap();
        let answer = ask(endpoint, &first, &rest).unwrap();
        serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
    };
    let kind = "application/vnd.cyclonedx%2Bjson";
    let listed = read(&format!("referrers/{}?artifactType={kind}", image["digest"].as_str().unwrap()));
    let digest = listed["manifests"][0]["digest"].as_str().unwrap();
    assert_eq!(listed["manifests"].as_array().unwrap().len(), 1, "{listed}");
    assert!(image["sbom"].as_str().unwrap().ends_with(digest), "{image}");

    let manifest = read(&format!("manifests/{digest}"));
    assert_eq!(manifest["subject"]["digest"], image["digest"]);
    let document = read(&format!("blobs/{}", manifest["layers"][0]["digest"].as_str().unwrap()));
    assert_eq!((&document["bomFormat"], &document["specVersion"]), (&"CycloneDX".into(), &"1.5".into()));
    assert_eq!(document["metadata"]["component"]["name"], "web");
    // It needs no crate.
    assert_eq!(document["components"], serde_json::json!([]));
}

/// After a first release: what it has moved is as it should be, and what somebody edits by hand is not.
fn drift_is_told_apart(checkout: &Checkout, outputs: &Value) {
    let drifted = || {
        let status = checkout.json(&["status", "--drift"]);
        let drift = status["drift"].as_array().unwrap().iter();
        let (expected, others): (Vec<_>, Vec<_>) =
            drift.cloned().partition(|one| !one["expected_because"].is_null());
        let ids = |drift: &[Value]| -> Vec<String> {
            drift.iter().map(|one| one["logical_id"].as_str().unwrap().to_owned()).collect()
        };
        (ids(&expected), ids(&others), others)
    };
    let moved = ["HttpTrafficRule", "TestTrafficRule"].map(str::to_owned);
    let (mut expected, others, shown) = drifted();
    expected.sort();
    assert_eq!((&expected[..], &others[..]), (&moved[..], &[][..]), "{shown:#?}");

    let aws = AwsCli::new(&checkout.json(&["local", "status"]));
    let group = outputs["ApplicationLogGroupName"].as_str().unwrap();
    aws.text(&["logs", "put-retention-policy", "--log-group-name", group, "--retention-in-days", "1"]);

    let (_, others, shown) = drifted();
    assert_eq!(others, ["ApplicationLogGroup"], "{shown:#?}");
    assert_eq!(shown[0]["differences"][0]["path"], "/RetentionInDays", "{shown:#?}");
}

/// The calls that a user would make to look around, by AWS's own client.
fn every_service_answers_the_aws_client(aws: &AwsCli, outputs: &Value) {
    let name = LOCAL;
    let output = |name: &str| outputs[name].as_str().unwrap();
    let some = |list: &Value| assert!(!list.as_array().unwrap().is_empty(), "{list}");

    some(&aws.json(&["ecr", "describe-repositories"])["repositories"]);
    some(
        &aws.json(&["ecr", "describe-images", "--repository-name", output("RepositoryName")])["imageDetails"],
    );
    assert!(aws.text(&["ecr", "get-login-password"]).len() > 20);
    let managed = aws.json(&["kms", "describe-key", "--key-id", "alias/aws/s3"]);
    assert_eq!(managed["KeyMetadata"]["KeyManager"], "AWS", "{managed}");

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
