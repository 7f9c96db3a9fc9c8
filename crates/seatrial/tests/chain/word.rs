//! A release that waits for somebody's word, and the same deployments driven by AWS's own client: on the local cloud with
//! all stacks, under load.

#![expect(clippy::unwrap_used, reason = "a test that cannot be prepared has failed")]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use crate::support::aws_cli::AwsCli;
use crate::support::checkout::Checkout;
use crate::support::fixture::Layout;
use crate::support::load::Load;
use crate::support::until;
use serde_json::{Value, json};

const LONG: Duration = Duration::from_secs(120);

struct Waiting {
    checkout: Checkout,
    aws: AwsCli,
    outputs: Value,
}

impl Waiting {
    /// Provisioned: the first release waits for nobody.
    fn provisioned() -> Self {
        let checkout = Checkout::of_fixture(Layout::Member);
        let deployment = "local: {deployment: {ready_wait: 4h, terminate_blue_after: 1m}}";
        checkout.edit_project("local: {}", deployment);
        let provisioned = checkout.json(&["provision", "--yes"]);
        assert_eq!(provisioned["release"]["status"], "Succeeded", "{provisioned}");
        let aws = AwsCli::new(&checkout.json(&["local", "status"]));
        Self { checkout, aws, outputs: provisioned["outputs"].clone() }
    }

    fn output(&self, name: &str) -> &str {
        self.outputs[name].as_str().unwrap()
    }

    /// `aws SERVICE …`, the words parted by spaces.
    #[track_caller]
    fn json(&self, words: &str, more: &[&str]) -> Value {
        let words: Vec<&str> = words.split(' ').chain(more.iter().copied()).collect();
        let text = self.aws.text(&[&words[..], &["--output", "json"]].concat());
        if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() }
    }

    /// The rule of a listener that names blue and green: its ARN, and the target group with all the traffic.
    fn rule(&self, listener: &str) -> (String, String) {
        let rules = self.json("elbv2 describe-rules --listener-arn", &[self.output(listener)]);
        let rule = &rules["Rules"][0];
        let groups = rule["Actions"][0]["ForwardConfig"]["TargetGroups"].as_array().unwrap();
        let live = groups.iter().find(|group| group["Weight"] == 100).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (text(&rule["RuleArn"]), text(&live["TargetGroupArn"]))
    }

    fn live(&self) -> String {
        self.rule("ProductionListenerArn").1
    }

    fn deployment(&self, id: &str) -> Value {
        self.json("deploy get-deployment --deployment-id", &[id])["deploymentInfo"].take()
    }

    #[track_caller]
    fn when(&self, id: &str, reached: impl Fn(&Value) -> bool) -> Value {
        until(LONG, &format!("what deployment {id} is to come to"), || {
            Some(self.deployment(id)).filter(|found| reached(found))
        })
    }

    fn ended(&self, id: &str) -> Value {
        self.when(id, |info| !info["completeTime"].is_null())
    }

    /// What of the service's scaling is suspended: in, out, by a schedule.
    fn suspended(&self) -> [bool; 3] {
        let found =
            self.json("application-autoscaling describe-scalable-targets --service-namespace ecs", &[]);
        let state = &found["ScalableTargets"][0]["SuspendedState"];
        let names = ["DynamicScalingInSuspended", "DynamicScalingOutSuspended", "ScheduledScalingSuspended"];
        names.map(|name| state[name].as_bool().unwrap())
    }

    /// A deployment of an AppSpec, once it waits for somebody's word.
    fn deploy_by_hand(&self, revision: &Value) -> String {
        let group = [
            "--application-name",
            self.output("CodeDeployApplicationName"),
            "--deployment-group-name",
            self.output("DeploymentGroupName"),
        ];
        let made = self
            .json("deploy create-deployment --revision", &[&[&*revision.to_string()][..], &group].concat());
        let id = made["deploymentId"].as_str().unwrap().to_owned();
        self.when(&id, |info| info["status"] == "Ready");
        id
    }

    fn go_on(&self, id: &str, wait: &str) {
        self.json("deploy continue-deployment --deployment-id", &[id, "--deployment-wait-type", wait]);
    }

    /// Has the next call of an operation denied, as by a policy that does not allow it.
    fn deny(&self, operation: &str) {
        let local = self.checkout.json(&["local", "status"]);
        let fault = json!({ "kind": "deny", "operation": operation }).to_string();
        let url = format!("{}/_local/faults", local["endpoint"].as_str().unwrap());
        let answer = ask(("POST", local["token"].as_str().unwrap()), &url, &fault);
        assert!(answer.starts_with("HTTP/1.1 2"), "{answer}");
    }

    /// A command that whoever types it may not carry through: it names the permission, and moves no traffic. One that has
    /// suspended the scaling for it and put it back has changed something, and ends with 4.
    #[track_caller]
    fn is_denied(&self, arguments: &[&str], operation: &str, code: i32) {
        self.deny(operation);
        let live = self.live();
        let ended = self.checkout.run(arguments);
        assert_eq!(ended.code, Some(code), "{}\n{}", ended.stdout, ended.stderr);
        assert_eq!(self.suspended(), [false; 3]);
        let told =
            format!("is not authorized to perform: codedeploy:{operation} on resource: arn:aws:codedeploy");
        assert!(ended.stderr.contains(&told), "{}", ended.stderr);
        assert_eq!(self.live(), live);
    }

    /// From now on a deployment waits so long for a word, and so long until the original tasks end: minutes of AWS's, seconds
    /// here.
    fn have_them_wait(&self, ready: u32, termination: u32) {
        let names = [
            "--application-name",
            self.output("CodeDeployApplicationName"),
            "--current-deployment-group-name",
            self.output("DeploymentGroupName"),
        ];
        let configuration = json!({
            "deploymentReadyOption": { "actionOnTimeout": "STOP_DEPLOYMENT", "waitTimeInMinutes": ready },
            "terminateBlueInstancesOnDeploymentSuccess": {
                "action": "TERMINATE", "terminationWaitTimeInMinutes": termination,
            },
        });
        let more = ["--blue-green-deployment-configuration", &configuration.to_string()];
        self.json("deploy update-deployment-group", &[&names[..], &more].concat());
    }

    /// Has a deployment that waits move its traffic, and end the original tasks at once.
    fn carry_through(&self, id: &str) {
        self.go_on(id, "READY_WAIT");
        self.end_the_original(id);
    }

    fn end_the_original(&self, id: &str) {
        self.when(id, |info| info["instanceTerminationWaitTimeStarted"] == true);
        self.go_on(id, "TERMINATION_WAIT");
        assert_eq!(self.ended(id)["status"], "Succeeded");
    }

    /// Led back by a deployment of its own, with what was live still live.
    fn is_led_back(&self, ended: &Value, code: &str, live: &str) {
        assert_eq!(ended["errorInformation"]["code"], code, "{ended}");
        let back = self.ended(ended["rollbackInfo"]["rollbackDeploymentId"].as_str().unwrap());
        assert_eq!(back["status"], "Succeeded", "{back}");
        assert_eq!(self.live(), live);
    }

    /// The deployment that an execution waits for, once it waits for somebody's word.
    fn deployment_of(&self, execution: &str) -> String {
        let name = self.output("PipelineName");
        let filter = format!("pipelineExecutionId={execution}");
        let id = until(LONG, "the execution's deployment", || {
            let found = self
                .json("codepipeline list-action-executions --pipeline-name", &[name, "--filter", &filter]);
            let runs = found["actionExecutionDetails"].as_array().unwrap().clone();
            let run =
                runs.into_iter().find(|run| run["stageName"] == "Deploy" && run["status"] == "InProgress")?;
            Some(run["output"]["executionResult"]["externalExecutionId"].as_str()?.to_owned())
        });
        self.when(&id, |info| info["status"] == "Ready");
        id
    }

    fn execution_ended(&self, execution: &str) -> String {
        let name = self.output("PipelineName");
        until(LONG, "the execution's end", || {
            let found = self.json(
                "codepipeline get-pipeline-execution --pipeline-name",
                &[name, "--pipeline-execution-id", execution],
            );
            let status = found["pipelineExecution"]["status"].as_str()?.to_owned();
            (!["InProgress", "Stopping"].contains(&status.as_str())).then_some(status)
        })
    }
}

/// What is answered at `http://ADDRESS/`.
fn get(url: &str) -> String {
    ask(("GET", ""), url, "")
}

/// With the token of the local cloud's own routes, where it is asked.
fn ask((method, token): (&str, &str), url: &str, body: &str) -> String {
    let (address, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap_or((&url[7..], ""));
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!("{method} /{path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
    let kind = format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len());
    let kind = format!("{kind}x-seatrial-token: {token}\r\n");
    write!(stream, "{head}{kind}\r\n{body}").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_release_waits_for_a_word_and_the_aws_client_drives_the_same_deployments() {
    let waiting = Waiting::provisioned();
    let load = Load::on(waiting.output("Url"));

    let test_url = the_tool_gives_and_awaits_the_word(&waiting);
    deployments_are_driven(&waiting);
    executions_are_driven(&waiting);
    load.end_without_a_failure();
    listeners_and_counts_are_driven(&waiting, &test_url);
}

/// Answers where the test listener is.
fn the_tool_gives_and_awaits_the_word(waiting: &Waiting) -> String {
    let checkout = &waiting.checkout;
    let live = waiting.live();

    let left = checkout.json(&["release", "--again", "--wait-until", "after-allow-test-traffic"]);
    assert_eq!(left["reached"], "AfterAllowTestTraffic", "{left}");
    assert!(left["continue_with"].as_str().unwrap().contains("release --continue"), "{left}");
    assert_eq!(waiting.deployment(left["deployment_id"].as_str().unwrap())["status"], "Ready");
    assert_eq!(waiting.live(), live);
    assert_ne!(waiting.rule("TestListenerArn").1, live);
    let planned = checkout.json(&["release", "--continue", "--dry-run"]);
    assert_eq!((&planned["step"], &planned["deployment_id"]), (&json!("continue"), &left["deployment_id"]));
    // Whoever may not give the word, or go back instead, is told what is missing, and it waits as before.
    waiting.is_denied(&["release", "--continue"], "ContinueDeployment", 4);
    waiting.is_denied(&["rollback", "--yes"], "StopDeployment", 1);
    assert_eq!(waiting.deployment(left["deployment_id"].as_str().unwrap())["status"], "Ready");
    let released = checkout.json(&["release", "--continue"]);
    assert_eq!((&released["status"], &released["requests"]["failed"]), (&json!("Succeeded"), &json!(0)));
    assert_eq!(released["deployment_id"], left["deployment_id"]);
    assert_eq!(released["pipeline_execution_id"], left["pipeline_execution_id"]);
    let live_now = waiting.live();
    assert_ne!(live_now, live);

    let none = checkout.run(&["release", "--continue"]);
    none.refused("no deployment waits to be continued");
    waiting.is_denied(&["rollback", "--yes"], "CreateDeployment", 4);

    // Nobody says it, and what was to be asked meanwhile does not answer before.
    waiting.have_them_wait(10, 1);
    checkout.edit_project("/healthz\n", "/healthz\n  probe: {path: /nowhere}\n");
    assert_eq!(waiting.suspended(), [false; 3]);
    let ended = thread::scope(|scope| {
        let released = scope.spawn(|| checkout.run(&["release", "--again", "--output", "json"]));
        until(LONG, "scaling to be suspended", || (waiting.suspended() == [true, true, false]).then_some(()));
        released.join().unwrap()
    });
    assert_eq!(waiting.suspended(), [false; 3]);
    let given_up: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(ended.code, Some(4), "{}", ended.stderr);
    assert_eq!(given_up["explanation"]["cause"], "not_continued", "{given_up}");
    assert_eq!(given_up["rolled_back"], true);
    let unprobed = given_up["unprobed"].as_str().unwrap();
    assert!(unprobed.contains("/nowhere does not answer as it should before the release"), "{unprobed}");
    assert_eq!(given_up["requests"]["sent"], 0, "{given_up}");
    let warned = ended.stderr.find("no request is counted, the tasks alone are watched").unwrap();
    assert!(warned < ended.stderr.find("waits for you").unwrap(), "{}", ended.stderr);
    checkout.edit_project("  probe: {path: /nowhere}\n", "");
    waiting.have_them_wait(240, 240);
    assert_eq!(waiting.live(), live_now);
    let (_, told) = ended.stderr.split_once("waits for you: the new revision answers at ").unwrap();
    assert!(told.contains("release --continue") && told.contains("(AWS waits 4:00:00)"), "{told}");
    told.split(';').next().unwrap().to_owned()
}

fn deployments_are_driven(waiting: &Waiting) {
    let newest =
        ["--application-name", waiting.output("CodeDeployApplicationName"), "--deployment-group-name"];
    let newest =
        [&newest[..], &[waiting.output("DeploymentGroupName"), "--include-only-statuses", "Succeeded"]];
    let listed = waiting.json("deploy list-deployments", &newest.concat());
    let last = waiting.deployment(listed["deployments"][0].as_str().unwrap());
    let app_spec = last["revision"]["appSpecContent"]["content"].as_str().unwrap();
    let of_string = json!({ "revisionType": "String", "string": { "content": app_spec } });
    let of_content = json!({ "revisionType": "AppSpecContent", "appSpecContent": { "content": app_spec } });

    let live = waiting.live();
    let id = waiting.deploy_by_hand(&of_string);
    waiting.carry_through(&id);
    assert_ne!(waiting.live(), live);

    // The tool continues what it did not start.
    let live = waiting.live();
    let id = waiting.deploy_by_hand(&of_content);
    let released = waiting.checkout.json(&["release", "--continue", "--wait-until", "traffic-shifted"]);
    assert_eq!((&released["reached"], &released["deployment_id"]), (&json!("AllowTraffic"), &json!(id)));
    assert_ne!(waiting.live(), live);
    waiting.end_the_original(&id);

    let live = waiting.live();
    let id = waiting.deploy_by_hand(&of_content);
    let stopped = waiting.json("deploy stop-deployment --auto-rollback-enabled --deployment-id", &[&id]);
    assert_eq!(stopped["status"], "Pending");
    waiting.is_led_back(&waiting.ended(&id), "MANUAL_STOP", &live);

    let id = waiting.deploy_by_hand(&of_content);
    let alarm = waiting.output("GreenErrorsAlarmName");
    let state = |state: &str| {
        let more = [alarm, "--state-value", state];
        waiting.json("cloudwatch set-alarm-state --state-reason by-hand --alarm-name", &more);
    };
    state("ALARM");
    waiting.is_led_back(&waiting.ended(&id), "ALARM_ACTIVE", &live);
    state("OK");
}

fn executions_are_driven(waiting: &Waiting) {
    let name = waiting.output("PipelineName");
    let start = || {
        let started = waiting.checkout.json(&["release", "--again", "--no-wait"]);
        started["pipeline_execution_id"].as_str().unwrap().to_owned()
    };
    let stage = ["--pipeline-name", name, "--stage-name", "Deploy"];

    let abandoned = start();
    let deployment = waiting.deployment_of(&abandoned);
    let stop = [name, "--pipeline-execution-id", &abandoned];
    waiting.json("codepipeline stop-pipeline-execution --abandon --pipeline-name", &stop);
    assert_eq!(waiting.execution_ended(&abandoned), "Stopped");
    // What was abandoned goes on by itself, as on AWS.
    assert_eq!(waiting.deployment(&deployment)["status"], "Ready");
    waiting.json("deploy stop-deployment --auto-rollback-enabled --deployment-id", &[&deployment]);
    waiting.ended(waiting.ended(&deployment)["rollbackInfo"]["rollbackDeploymentId"].as_str().unwrap());

    // A stage that failed is tried again, and succeeds.
    let execution = start();
    let deployment = waiting.deployment_of(&execution);
    waiting.json("deploy stop-deployment --auto-rollback-enabled --deployment-id", &[&deployment]);
    assert_eq!(waiting.execution_ended(&execution), "Failed");
    waiting.ended(waiting.ended(&deployment)["rollbackInfo"]["rollbackDeploymentId"].as_str().unwrap());
    let live = waiting.live();
    let again = ["--pipeline-execution-id", &execution, "--retry-mode", "FAILED_ACTIONS"];
    waiting.json("codepipeline retry-stage-execution", &[&stage[..], &again].concat());
    waiting.carry_through(&waiting.deployment_of(&execution));
    assert_eq!(waiting.execution_ended(&execution), "Succeeded");
    assert_ne!(waiting.live(), live);

    // The stage goes back to an execution of before.
    let live = waiting.live();
    let target = ["--target-pipeline-execution-id", &execution];
    let back = waiting.json("codepipeline rollback-stage", &[&stage[..], &target].concat());
    let back = back["pipelineExecutionId"].as_str().unwrap();
    waiting.carry_through(&waiting.deployment_of(back));
    assert_eq!(waiting.execution_ended(back), "Succeeded");
    assert_ne!(waiting.live(), live);
}

fn listeners_and_counts_are_driven(waiting: &Waiting, test_url: &str) {
    let service = ["--cluster", waiting.output("ClusterName"), "--service", waiting.output("ServiceName")];
    waiting.json("ecs update-service --desired-count 3", &service);
    until(LONG, "three tasks", || {
        let services =
            ["--cluster", waiting.output("ClusterName"), "--services", waiting.output("ServiceName")];
        let found = waiting.json("ecs describe-services", &services);
        (found["services"][0]["runningCount"] == 3).then_some(())
    });

    // A rule that no longer fits leaves requests to the listener's default action.
    let (rule, _) = waiting.rule("TestListenerArn");
    assert!(get(test_url).contains("the first page"));
    let conditions = r#"[{"Field": "path-pattern", "Values": ["/nowhere"]}]"#;
    waiting.json("elbv2 modify-rule --rule-arn", &[&rule, "--conditions", conditions]);
    until(LONG, "the default action", || get(test_url).starts_with("HTTP/1.1 503").then_some(()));
    let fixed = r#"[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200", "MessageBody": "by hand"}}]"#;
    let listener = waiting.output("TestListenerArn");
    waiting.json("elbv2 modify-listener --listener-arn", &[listener, "--default-actions", fixed]);
    until(LONG, "the new default action", || get(test_url).ends_with("by hand").then_some(()));
}
