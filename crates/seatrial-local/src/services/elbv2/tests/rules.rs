//! Rules: who makes them, who may not, and which requests they take.

use super::*;

fn fixed(text: &str) -> Value {
    let answer = json!({ "StatusCode": "200", "ContentType": "text/plain", "MessageBody": text });
    json!([{ "Type": "fixed-response", "FixedResponseConfig": answer }])
}

fn rule(listener: &str, priority: i64, paths: &[&str], actions: &Value) -> Value {
    let conditions = json!([{ "Field": "path-pattern", "Values": paths }]);
    json!({ "ListenerArn": listener, "Priority": priority, "Conditions": conditions, "Actions": actions })
}

async fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn the_first_rule_that_fits_takes_the_request_and_the_default_what_is_left() {
    let dir = tempfile::tempdir().unwrap();
    let balancer = Balancer::new(dir.path()).await;
    let listener = balancer.output("ProductionListenerArn");
    let address = balancer.output("Url").strip_prefix("http://").unwrap().to_owned();
    for (priority, path, text) in [(20, "/a/*", "wide"), (10, "/a/b", "narrow")] {
        balancer.call("CreateRule", rule(listener, priority, &[path], &fixed(text))).await;
    }
    assert!(get(&address, "/a/b?q").await.ends_with("narrow"));
    assert!(get(&address, "/a/c").await.ends_with("wide"));
    assert!(get(&address, "/c").await.starts_with("HTTP/1.1 503"));

    let rules = balancer.rules().await;
    let priorities: Vec<_> = rules.iter().map(|rule| rule["Priority"].as_str().unwrap()).collect();
    assert_eq!(priorities, ["10", "20", "50000", "default"]);
    let swap = json!([{ "RuleArn": rules[0]["RuleArn"], "Priority": 20 },
                      { "RuleArn": rules[1]["RuleArn"], "Priority": 10 }]);
    balancer.call("SetRulePriorities", json!({ "RulePriorities": swap })).await;
    assert!(get(&address, "/a/b").await.ends_with("wide"));
    balancer.call("DeleteRule", json!({ "RuleArn": rules[1]["RuleArn"] })).await;
    assert!(get(&address, "/a/c").await.starts_with("HTTP/1.1 503"));

    balancer.cloud.drivers().shutdown(PATIENCE).await;
    crate::services::elbv2::stop(&balancer.cloud).await;
    let balancer = Balancer { cloud: cloud_in(dir.path()), ..balancer };
    crate::services::elbv2::resume(&balancer.cloud).await;
    assert!(get(&address, "/a/b").await.ends_with("narrow"));
}

#[tokio::test]
async fn what_aws_refuses_of_rules_is_refused_with_its_codes() {
    let dir = tempfile::tempdir().unwrap();
    let balancer = Balancer::new(dir.path()).await;
    let cloud = &balancer.cloud;
    let listener = balancer.output("ProductionListenerArn");
    let make = async |priority, paths: &[&str]| {
        refused(cloud, "CreateRule", rule(listener, priority, paths, &fixed("x"))).await
    };
    assert_eq!(make(50_000, &["/*"]).await, "PriorityInUse");
    assert_eq!(make(0, &["/*"]).await, "ValidationError");
    assert_eq!(make(50_001, &["/*"]).await, "ValidationError");
    assert_eq!(make(1, &[]).await, "ValidationError");
    let elsewhere = rule(&format!("{listener}0"), 1, &["/*"], &fixed("x"));
    assert_eq!(refused(cloud, "CreateRule", elsewhere).await, "ListenerNotFound");
    let both = json!({ "ListenerArn": listener, "RuleArns": [listener] });
    assert_eq!(refused(cloud, "DescribeRules", both).await, "ValidationError");
    assert_eq!(refused(cloud, "DeleteRule", json!({ "RuleArn": listener })).await, "RuleNotFound");

    // What only a rule forwards to is in use, too; rules go with their listener.
    let blue = json!({ "TargetGroupArn": balancer.output("BlueTargetGroupArn") });
    assert_eq!(refused(cloud, "DeleteTargetGroup", blue.clone()).await, "ResourceInUse");
    let input = json!({ "LoadBalancerArn": balancer.output("LoadBalancerArn") });
    let listeners = balancer.call("DescribeListeners", input).await;
    for listener in listeners["Listeners"].as_array().unwrap() {
        balancer.call("DeleteListener", json!({ "ListenerArn": listener["ListenerArn"] })).await;
    }
    balancer.call("DeleteTargetGroup", blue).await;
}
