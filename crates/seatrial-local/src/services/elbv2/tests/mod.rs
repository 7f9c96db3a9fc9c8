//! The load balancer of the stacks: made by CloudFormation, used by a real client in front of real servers.

use std::path::Path;
use std::time::Duration;

use axum::Router;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::Cloud;
use crate::tests::{call, cloud_in, make_balancer, outputs};

mod doors;
mod https;
mod rules;
mod upgraded;

const PATIENCE: Duration = Duration::from_secs(30);

async fn elb(cloud: &Cloud, operation: &str, input: Value) -> Value {
    call(cloud, &format!("elasticloadbalancing:{operation}"), input).await.unwrap()
}

async fn refused(cloud: &Cloud, operation: &str, input: Value) -> String {
    call(cloud, &format!("elasticloadbalancing:{operation}"), input).await.unwrap_err().code
}

/// The stacks up to the load balancer.
struct Balancer {
    cloud: Cloud,
    groups: Value,
    outputs: Value,
    subnets: Vec<String>,
}

impl Balancer {
    async fn new(dir: &Path) -> Self {
        Self::of(cloud_in(dir)).await
    }

    async fn of(cloud: Cloud) -> Self {
        make_balancer(&cloud, 4000).await;
        let network = outputs(&cloud, "network").await;
        let groups = outputs(&cloud, "security-groups").await;
        let outputs = outputs(&cloud, "load-balancer").await;
        let subnets = network["PublicSubnetIds"].as_str().unwrap().split(',').map(str::to_owned).collect();
        Self { cloud, groups, outputs, subnets }
    }

    fn output(&self, name: &str) -> &str {
        self.outputs[name].as_str().unwrap()
    }

    async fn call(&self, operation: &str, input: Value) -> Value {
        elb(&self.cloud, operation, input).await
    }

    /// Waits until the only target of a group is in `state`, and answers its health.
    async fn wait_for(&self, group: &str, state: &str) -> Value {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let input = json!({ "TargetGroupArn": self.output(group) });
            let answer = self.call("DescribeTargetHealth", input).await;
            let health = &answer["TargetHealthDescriptions"][0]["TargetHealth"];
            if health["State"] == state {
                return health.clone();
            }
            assert!(tokio::time::Instant::now() < deadline, "{answer}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Those of the production listener: the traffic rule, then the default one.
    async fn rules(&self) -> Vec<Value> {
        let input = json!({ "ListenerArn": self.output("ProductionListenerArn") });
        self.call("DescribeRules", input).await["Rules"].as_array().unwrap().clone()
    }

    async fn shift(&self, blue: i64, green: i64) {
        let groups = json!([
            { "TargetGroupArn": self.output("BlueTargetGroupArn"), "Weight": blue },
            { "TargetGroupArn": self.output("GreenTargetGroupArn"), "Weight": green },
        ]);
        let actions = json!([{ "Type": "forward", "ForwardConfig": { "TargetGroups": groups } }]);
        let rules = self.rules().await;
        self.call("ModifyRule", json!({ "RuleArn": rules[0]["RuleArn"], "Actions": actions })).await;
    }
}

/// A server on a port of its own that answers `text`.
async fn server(text: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let app = Router::new().fallback(move || async move { text });
    tokio::spawn(async move { axum::serve(listener, app).await });
    port
}

async fn fetch(address: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn the_stack_of_the_load_balancer_serves_shifts_and_comes_back_on_the_same_address() {
    let dir = tempfile::tempdir().unwrap();
    let balancer = Balancer::new(dir.path()).await;
    let address = balancer.output("Url").strip_prefix("http://").unwrap().to_owned();
    assert!(fetch(&address).await.starts_with("HTTP/1.1 503"));
    for (group, text) in [("BlueTargetGroupArn", "it is blue"), ("GreenTargetGroupArn", "it is green")] {
        let targets = json!([{ "Id": "127.0.0.1", "Port": server(text).await }]);
        let input = json!({ "TargetGroupArn": balancer.output(group), "Targets": targets });
        balancer.call("RegisterTargets", input).await;
        balancer.wait_for(group, "healthy").await;
    }
    assert!(fetch(&address).await.ends_with("it is blue"));

    balancer.shift(0, 100).await;
    assert!(fetch(&address).await.ends_with("it is green"));
    let input = json!({ "LoadBalancerArn": balancer.output("LoadBalancerArn") });
    let attributes = balancer.call("DescribeLoadBalancerAttributes", input).await;
    let test_listener = attributes["Attributes"].as_array().unwrap().iter();
    let mut test_listener = test_listener.filter(|one| one["Key"] == "local.listener.8080.address");
    let test_address = test_listener.next().unwrap()["Value"].as_str().unwrap().to_owned();
    assert!(fetch(&test_address).await.ends_with("it is blue"));

    balancer.cloud.drivers().shutdown(PATIENCE).await;
    super::stop(&balancer.cloud).await;
    let balancer = Balancer { cloud: cloud_in(dir.path()), ..balancer };
    super::resume(&balancer.cloud).await;
    balancer.wait_for("GreenTargetGroupArn", "healthy").await;
    assert!(fetch(&address).await.ends_with("it is green"));
    assert!(fetch(&test_address).await.ends_with("it is blue"));
}

#[tokio::test]
async fn a_deregistered_target_is_gone_at_once_when_nothing_is_in_flight() {
    let dir = tempfile::tempdir().unwrap();
    let balancer = Balancer::new(dir.path()).await;
    let group = balancer.output("BlueTargetGroupArn");
    let targets = json!([{ "Id": "127.0.0.1", "Port": server("here").await }]);
    let input = json!({ "TargetGroupArn": group, "Targets": targets });
    balancer.call("RegisterTargets", input.clone()).await;
    balancer.wait_for("BlueTargetGroupArn", "healthy").await;

    balancer.call("DeregisterTargets", input.clone()).await;

    let gone = async || {
        let answer = balancer.call("DescribeTargetHealth", json!({ "TargetGroupArn": group })).await;
        answer["TargetHealthDescriptions"].as_array().unwrap().is_empty()
    };
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !gone().await {
        assert!(tokio::time::Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let answer = balancer.call("DescribeTargetHealth", input).await;
    let health = &answer["TargetHealthDescriptions"][0]["TargetHealth"];
    assert_eq!((&health["State"], &health["Reason"]), (&json!("unused"), &json!("Target.NotRegistered")));
}

#[tokio::test]
async fn security_groups_decide_whether_a_target_is_reached() {
    let dir = tempfile::tempdir().unwrap();
    let balancer = Balancer::new(dir.path()).await;
    let group = balancer.output("BlueTargetGroupArn");
    let settings = json!({
        "TargetGroupArn": group, "HealthCheckTimeoutSeconds": 2, "UnhealthyThresholdCount": 2,
    });
    balancer.call("ModifyTargetGroup", settings).await;
    let port = server("here").await;
    let register = async |security_group: &Value, id: &str| {
        let interface =
            json!({ "SecurityGroups": [security_group], "Subnets": [balancer.subnets[0]], "Port": 4000 });
        let targets = json!([{ "Id": id, "Port": port, "NetworkInterface": interface }]);
        balancer.call("RegisterTargets", json!({ "TargetGroupArn": group, "Targets": targets })).await;
    };

    register(&balancer.groups["ApplicationSecurityGroupId"], "127.0.0.1").await;
    balancer.wait_for("BlueTargetGroupArn", "healthy").await;
    let targets = json!([{ "Id": "127.0.0.1", "Port": port }]);
    balancer.call("DeregisterTargets", json!({ "TargetGroupArn": group, "Targets": targets })).await;
    register(&balancer.groups["DatabaseSecurityGroupId"], "127.0.0.1").await;

    let health = balancer.wait_for("BlueTargetGroupArn", "unhealthy").await;
    assert_eq!(health["Reason"], "Target.Timeout");
    assert_eq!(health["Description"], "Request timed out");
}

#[tokio::test]
async fn what_aws_refuses_is_refused_with_its_codes() {
    let dir = tempfile::tempdir().unwrap();
    let balancer = Balancer::new(dir.path()).await;
    let cloud = &balancer.cloud;
    let blue = balancer.output("BlueTargetGroupArn");
    let arn = balancer.output("LoadBalancerArn");

    assert_eq!(refused(cloud, "DeleteTargetGroup", json!({ "TargetGroupArn": blue })).await, "ResourceInUse");
    let protected = refused(cloud, "DeleteLoadBalancer", json!({ "LoadBalancerArn": arn })).await;
    assert_eq!(protected, "OperationNotPermitted");
    let rule = json!({ "RuleArn": balancer.rules().await[1]["RuleArn"] });
    assert_eq!(refused(cloud, "ModifyRule", rule.clone()).await, "OperationNotPermitted");
    assert_eq!(refused(cloud, "DeleteRule", rule).await, "OperationNotPermitted");
    let named = |name: &str| json!({ "Name": name, "Subnets": balancer.subnets });
    let long = "a-name-of-more-than-32-characters";
    assert_eq!(refused(cloud, "CreateLoadBalancer", named(long)).await, "ValidationError");

    let other = balancer.call("CreateLoadBalancer", named("other")).await["LoadBalancers"][0].clone();
    let actions = json!([{ "Type": "forward", "TargetGroupArn": blue }]);
    let input = json!({
        "LoadBalancerArn": other["LoadBalancerArn"], "Port": 80, "Protocol": "HTTP", "DefaultActions": actions,
    });
    assert_eq!(refused(cloud, "CreateListener", input).await, "TargetGroupAssociationLimit");
    let off_machine = json!({ "TargetGroupArn": blue, "Targets": [{ "Id": "10.0.0.7" }] });
    assert_eq!(refused(cloud, "RegisterTargets", off_machine).await, "InvalidTarget");
}

#[tokio::test]
async fn a_security_group_is_kept_while_a_load_balancer_is_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let balancer = Balancer::new(dir.path()).await;
    let cloud = &balancer.cloud;
    let vpcs = call(cloud, "ec2:DescribeVpcs", json!({ "VpcIds": [] })).await.unwrap();
    let input = json!({ "GroupName": "spare", "VpcId": vpcs["Vpcs"][0]["VpcId"] });
    let group = call(cloud, "ec2:CreateSecurityGroup", input).await.unwrap()["GroupId"].clone();
    let input = json!({ "Name": "spare", "Subnets": balancer.subnets, "SecurityGroups": [group] });
    let made = balancer.call("CreateLoadBalancer", input).await;
    let arn = &made["LoadBalancers"][0]["LoadBalancerArn"];
    let delete = || call(cloud, "ec2:DeleteSecurityGroup", json!({ "GroupId": group }));

    let refused = delete().await.unwrap_err();
    balancer.call("DeleteLoadBalancer", json!({ "LoadBalancerArn": arn })).await;

    assert_eq!(refused.code, "DependencyViolation");
    delete().await.unwrap();
}
