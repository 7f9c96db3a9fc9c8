//! No edit ever moves traffic, nor does its rollback; and whatever has moved it can be mended. On the local cloud, by the
//! built binary, under load.

#![expect(clippy::unwrap_used, reason = "a test that cannot be prepared has failed")]

use std::io::{BufReader, Read, Write as _};
use std::time::Duration;

use crate::support::aws_cli::AwsCli;
use crate::support::checkout::Checkout;
use crate::support::fixture::{LISTENERS_THAT_NAME_THE_GROUPS, Layout};
use crate::support::load::Load;
use crate::support::{ended_of, until};
use serde_json::Value;

/// A resource that cannot be made: port 80 is taken.
const BROKEN: &str = "
  Broken:
    Type: AWS::ElasticLoadBalancingV2::Listener
    DependsOn: [HttpListener, TestListener]
    Properties:
      LoadBalancerArn: !Ref LoadBalancer
      Port: 80
      Protocol: HTTP
      DefaultActions: [{Type: fixed-response, FixedResponseConfig: {StatusCode: \"200\"}}]

Outputs:
";
const BALANCER: &str = "load-balancer";

struct Production {
    checkout: Checkout,
    aws: AwsCli,
    outputs: Value,
}

impl Production {
    /// Provisioned, and released once: what is live is not what the stack was made with.
    fn of(checkout: Checkout) -> Self {
        let provisioned = checkout.json(&["provision", "--yes"]);
        assert_eq!(provisioned["release"]["status"], "Succeeded", "{provisioned}");
        let aws = AwsCli::new(&checkout.json(&["local", "status"]));
        let production = Self { checkout, aws, outputs: provisioned["outputs"].clone() };
        assert_eq!(production.live(), "green");
        production
    }

    fn output(&self, name: &str) -> &str {
        self.outputs[name].as_str().unwrap()
    }

    fn load(&self) -> Load {
        Load::on(self.output("Url"))
    }

    /// The group that `status` shows with all the traffic.
    #[track_caller]
    fn live(&self) -> String {
        let status = self.checkout.json(&["status"]);
        assert_eq!(status["astray"], serde_json::json!([]), "{status}");
        let targets = status["targets"].as_array().unwrap();
        let live = targets.iter().find(|target| target["weight"] == 100 && target["state"] == "healthy");
        live.unwrap()["group"].as_str().unwrap().to_owned()
    }

    fn release_again(&self) {
        let release = self.checkout.json(&["release", "--again"]);
        assert_eq!(release["status"], "Succeeded", "{release}");
        assert_eq!(release["requests"]["failed"], 0, "{release}");
    }

    /// What was live when a plan was shown may be so no more when it is agreed to.
    fn release_while_asked(&self) {
        self.checkout.edit_stack(BALANCER, "Priority: 50000", "Priority: 49000");
        let mut asking = self.checkout.begin_at_terminal(&["provision"]);
        let mut screen = BufReader::new(asking.stdout.take().unwrap());
        read_until(&mut screen, "go ahead? (yes/no)");
        let before = self.live();
        self.release_again();
        let live = self.live();
        assert_ne!(live, before);
        let mut keyboard = asking.stdin.take().unwrap();
        keyboard.write_all(b"yes\nyes\n").unwrap();
        let shown = read_until(&mut screen, "1 stack changed");
        assert!(asking.wait().unwrap().success(), "{shown}");
        drop(keyboard);
        assert_eq!(self.live(), live);
    }

    /// What was edited in the load balancer's stack fails later and is rolled back; then the same without what fails. What
    /// is live stays so.
    #[track_caller]
    fn fails_and_is_done_again(&self, live: &str) {
        let checkout = &self.checkout;
        checkout.edit_stack(BALANCER, "\nOutputs:\n", BROKEN);
        let failed = checkout.run(&["provision", "--yes"]);
        assert_eq!(failed.code, Some(4), "{}", failed.stderr);
        assert!(failed.stderr.contains("UPDATE_ROLLBACK_COMPLETE"), "{}", failed.stderr);
        assert_eq!(self.live(), live);
        checkout.edit_stack(BALANCER, BROKEN, "\nOutputs:\n");
        checkout.json(&["provision", "--yes"]);
        assert_eq!(self.live(), live);
    }

    /// ARNs of the production listener's rules, the default one last.
    fn rules(&self) -> Vec<String> {
        let listener = self.output("ProductionListenerArn");
        let rules = self.aws.json(&["elbv2", "describe-rules", "--listener-arn", listener]);
        let rules = rules["Rules"].as_array().unwrap().iter();
        rules.map(|rule| rule["RuleArn"].as_str().unwrap().to_owned()).collect()
    }

    /// What the stage that deploys says about who closed it.
    fn closed(&self) -> Option<String> {
        let state =
            self.aws.json(&["codepipeline", "get-pipeline-state", "--name", self.output("PipelineName")]);
        let stages = state["stageStates"].as_array().unwrap();
        let stage = stages.iter().find(|stage| stage["stageName"] == "Deploy").unwrap();
        stage["inboundTransitionState"]["disabledReason"].as_str().map(str::to_owned)
    }

    fn close(&self, reason: &str) {
        let stage = ["--stage-name", "Deploy", "--transition-type", "Inbound", "--reason", reason];
        let name = ["--pipeline-name", self.output("PipelineName")];
        self.aws.text(&[&["codepipeline", "disable-stage-transition"][..], &name, &stage].concat());
    }
}

/// What comes up to these words, and they.
fn read_until(screen: &mut impl Read, words: &str) -> String {
    let mut shown = Vec::new();
    while !String::from_utf8_lossy(&shown).ends_with(words) {
        let mut byte = [0];
        assert_eq!(screen.read(&mut byte).unwrap(), 1, "{}", String::from_utf8_lossy(&shown));
        shown.extend(byte);
    }
    String::from_utf8_lossy(&shown).into_owned()
}

#[test]
fn listeners_that_name_the_groups_are_brought_to_rules_and_edited_without_a_failed_request() {
    let checkout = Checkout::of_fixture(Layout::Member);
    let new = std::fs::read_to_string(checkout.path().join("infra/stacks/load-balancer.yml")).unwrap();
    checkout.write_stack(BALANCER, LISTENERS_THAT_NAME_THE_GROUPS);
    let production = Production::of(checkout);
    let checkout = &production.checkout;
    let load = production.load();
    assert_eq!(production.rules().len(), 1);

    checkout.write_stack(BALANCER, &new);
    checkout.json(&["provision", "--yes"]);
    assert_eq!(production.rules().len(), 2);
    production.release_again();
    assert_eq!(production.live(), "blue");
    production.release_again();
    assert_eq!(production.live(), "green");

    // An edit of the listener that fails later, and its rollback.
    checkout.edit_stack(BALANCER, "Value: defensive", "Value: strictest");
    checkout.edit_stack(BALANCER, "Port: !Ref TestListenerPort", "Port: 8081");
    production.fails_and_is_done_again("green");
    production.release_again();
    assert_eq!(production.live(), "blue");
    production.release_while_asked();
    assert_eq!(production.closed(), None);
    load.end_without_a_failure();
}

#[test]
fn what_would_take_production_down_is_refused_and_what_did_is_mended() {
    let production = Production::of(Checkout::of_fixture(Layout::Member));
    let checkout = &production.checkout;
    let load = production.load();
    let template = std::fs::read_to_string(checkout.path().join("infra/stacks/load-balancer.yml")).unwrap();
    let allowed =
        ["BlueTargetGroup", "GreenTargetGroup"].map(|group| format!("--allow-replace=load-balancer.{group}"));
    let allowed: Vec<&str> = allowed.iter().map(String::as_str).collect();

    // No flag lets the live target group be replaced.
    checkout.edit_stack(
        BALANCER,
        "      Protocol: HTTP\n      Port: !Ref AppPort\n",
        "      Protocol: HTTP\n      ProtocolVersion: HTTP2\n      Port: !Ref AppPort\n",
    );
    let refused = checkout.run(&[&["provision", "--yes"][..], &allowed].concat());
    assert_eq!(refused.code, Some(3), "{}", refused.stderr);
    assert!(refused.stderr.contains("it serves production now"), "{}", refused.stderr);
    checkout.write_stack(BALANCER, &template);

    // Nor does anybody's rule forward to it.
    checkout.write_stack("theirs", THEIRS);
    let refused = checkout.run(&["provision", "--yes"]);
    assert_eq!(refused.code, Some(3), "{}", refused.stderr);
    assert!(refused.stderr.contains("must not forward to the blue or green"), "{}", refused.stderr);
    std::fs::remove_file(checkout.path().join("infra/stacks/theirs.yml")).unwrap();

    // A path that nobody answers would fail every target.
    checkout.edit_project("health_check_path: /healthz", "health_check_path: /nowhere");
    let refused = checkout.run(&["provision", "--yes"]);
    assert_eq!(refused.code, Some(3), "{}", refused.stderr);
    assert!(refused.stderr.contains("/nowhere"), "{}", refused.stderr);
    checkout.edit_project("health_check_path: /nowhere", "health_check_path: /");
    checkout.json(&["provision", "--yes"]);
    load.end_without_a_failure();

    // Somebody moves the traffic by hand: told, a release refused, and mended.
    let rule = production.rules().remove(0);
    let group = |name: &str, weight: u32| {
        format!("{{\"TargetGroupArn\": \"{}\", \"Weight\": {weight}}}", production.output(name))
    };
    let groups = [group("BlueTargetGroupArn", 100), group("GreenTargetGroupArn", 0)].join(", ");
    let actions = format!("[{{\"Type\": \"forward\", \"ForwardConfig\": {{\"TargetGroups\": [{groups}]}}}}]");
    production.aws.text(&["elbv2", "modify-rule", "--rule-arn", &rule, "--actions", &actions]);
    let status = checkout.run(&["status"]);
    assert!(status.stdout.contains(&rule) && status.stdout.contains("--repair-traffic"), "{}", status.stdout);
    let release = checkout.run(&["release", "--again"]);
    assert_eq!(release.code, Some(4), "{}", release.stderr);
    assert!(
        release.stderr.contains("Primary taskset target group must be behind listener"),
        "{}",
        release.stderr
    );
    let asked = checkout.run(&["provision", "--repair-traffic"]);
    assert_eq!(asked.code, Some(3), "{}", asked.stderr);
    checkout.json(&["provision", "--repair-traffic", "--yes"]);
    assert_eq!(production.live(), "green");
    let load = production.load();

    // A rule that is sent again, by a stack that was made while the other group was live; and the rollback of that.
    checkout.edit_stack(BALANCER, "Priority: 50000", "Priority: 40000");
    production.fails_and_is_done_again("green");
    production.release_again();
    assert_eq!(production.live(), "blue");
    load.end_without_a_failure();
}

/// A user's stack with a rule of its own.
const THEIRS: &str = "
Parameters:
  GreenTargetGroupArn: {Type: String}
  ProductionListenerArn: {Type: String}
Resources:
  Rule:
    Type: AWS::ElasticLoadBalancingV2::ListenerRule
    Properties:
      ListenerArn: !Ref ProductionListenerArn
      Priority: 1
      Conditions: [{Field: path-pattern, Values: [/beta]}]
      Actions: [{Type: forward, TargetGroupArn: !Ref GreenTargetGroupArn}]
";

#[test]
fn releases_and_provisioning_take_turns_and_a_service_made_anew_stands_behind_the_live_group() {
    let production = Production::of(Checkout::of_fixture(Layout::Member));
    let checkout = &production.checkout;
    let load = production.load();

    // What deploys already is waited for.
    let release = checkout.begin(&["release", "--again"]);
    let began = || {
        let group = [
            "--application-name",
            production.output("CodeDeployApplicationName"),
            "--deployment-group-name",
            production.output("DeploymentGroupName"),
        ];
        let only = ["--include-only-statuses", "InProgress"];
        let found = production.aws.json(&[&["deploy", "list-deployments"][..], &group, &only].concat());
        !found["deployments"].as_array().unwrap().is_empty()
    };
    until(Duration::from_secs(300), "the deployment's begin", || began().then_some(()));
    checkout.edit_stack(BALANCER, "Value: defensive", "Value: strictest");
    let provisioned = checkout.run(&["provision", "--yes"]);
    assert_eq!(provisioned.code, Some(0), "{}", provisioned.stderr);
    assert!(provisioned.stderr.contains("waiting for"), "{}", provisioned.stderr);
    assert_eq!(ended_of(release).code, Some(0));
    assert_eq!(production.live(), "blue");
    assert_eq!(production.closed(), None);

    // The lock of a run that was killed is let go by the next, a person's own is not.
    production.close("Seatrial provision holds releases - 0a1b2c3d");
    checkout.json(&["provision", "--yes"]);
    assert_eq!(production.closed(), None);
    production.close("We test by hand");
    checkout.edit_stack(BALANCER, "Value: strictest", "Value: monitor");
    checkout.json(&["provision", "--yes"]);
    assert_eq!(production.closed().as_deref(), Some("We test by hand"));
    load.end_without_a_failure();

    // A pipeline's update cancels what it holds back: that goes on.
    let held = checkout.json(&["release", "--again", "--no-wait"]);
    let held = held["pipeline_execution_id"].as_str().unwrap().to_owned();
    let name = production.output("PipelineName");
    let status = |id: &str| {
        let execution = ["--pipeline-name", name, "--pipeline-execution-id", id];
        let found =
            production.aws.json(&[&["codepipeline", "get-pipeline-execution"][..], &execution].concat());
        found["pipelineExecution"]["status"].as_str().unwrap().to_owned()
    };
    checkout.edit_stack("pipeline", "Namespace: BuildVariables", "Namespace: BuildResults");
    let provisioned = checkout.run(&["provision", "--yes"]);
    assert_eq!(provisioned.code, Some(0), "{}", provisioned.stderr);
    assert_eq!(status(&held), "Cancelled");
    assert!(
        provisioned.stderr.contains(&format!("execution {held} was cancelled")),
        "{}",
        provisioned.stderr
    );
    let stage = ["--stage-name", "Deploy", "--transition-type", "Inbound", "--pipeline-name", name];
    production.aws.text(&[&["codepipeline", "enable-stage-transition"][..], &stage].concat());
    until(Duration::from_secs(300), "the end of what was started again", || {
        let listed =
            production.aws.json(&["codepipeline", "list-pipeline-executions", "--pipeline-name", name]);
        (listed["pipelineExecutionSummaries"][0]["status"] == "Succeeded").then_some(())
    });
    let live = production.live();

    // Without a service nobody answers; what is made in its place stands where the rules lead.
    production.aws.text(&["cloudformation", "delete-stack", "--stack-name", "web-local-service"]);
    production.aws.text(&[
        "cloudformation",
        "wait",
        "stack-delete-complete",
        "--stack-name",
        "web-local-service",
    ]);
    checkout.json(&["provision", "--yes"]);
    assert_eq!(production.live(), live);
    let load = production.load();
    production.release_again();
    load.end_without_a_failure();
}
