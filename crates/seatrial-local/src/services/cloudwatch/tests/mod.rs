//! Alarms judged by data: AWS's tables, AWS's words, and the load balancer's own figures.

mod words;

use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::engine::close;
use super::evaluation::{evaluate, range};
use super::metrics::{Datapoint, MINUTE, minute_at, time_of};
use super::store::Settings;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::metric::Statistics;
use crate::tests::{self, cloud_in, make_balancer, outputs};

fn settings(change: Value) -> Settings {
    let mut settings = json!({
        "Namespace": "app", "MetricName": "errors", "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1,
        "Threshold": 0.5, "ComparisonOperator": "GreaterThanThreshold",
    });
    for (key, value) in change.as_object().unwrap() {
        settings[key] = value.clone();
    }
    serde_json::from_value(settings).unwrap()
}

/// Data as AWS's tables write it, oldest first: `0` does not breach, `X` breaches, `-` is missing.
fn data(text: &str) -> Vec<Option<Datapoint>> {
    let marks: Vec<_> = text.split(' ').collect();
    let point = |(at, mark): (usize, &&str)| {
        let value = match *mark {
            "0" => 0.0,
            "X" => 1.0,
            _ => return None,
        };
        Some(Datapoint { second: at as i64 * MINUTE, statistics: Statistics::of(value, 1.0) })
    };
    marks.iter().enumerate().map(point).rev().collect()
}

/// [Docs] "Configuring how CloudWatch alarms treat missing data", both tables, and what the page says of data that
/// begins to breach.
#[test]
fn data_that_is_missing_counts_as_the_tables_of_aws_have_it() {
    const TABLE: [(&str, i64, [&str; 4]); 13] = [
        // Missing, ignore, breaching, not breaching; three periods, the evaluation range is five.
        ("0 - X - X", 3, ["OK", "OK", "OK", "OK"]),
        ("- - - - 0", 3, ["OK", "OK", "OK", "OK"]),
        ("- - - - -", 3, ["INSUFFICIENT_DATA", "stays", "ALARM", "OK"]),
        ("0 X X - X", 3, ["ALARM", "ALARM", "ALARM", "ALARM"]),
        ("- - X - -", 3, ["ALARM", "stays", "ALARM", "OK"]),
        ("- - - - X", 3, ["OK", "stays", "ALARM", "OK"]),
        ("- - - X -", 3, ["OK", "stays", "ALARM", "OK"]),
        ("X X X X 0", 3, ["OK", "OK", "OK", "OK"]),
        ("0 - X - X", 2, ["ALARM", "ALARM", "ALARM", "ALARM"]),
        ("0 0 X 0 X", 2, ["ALARM", "ALARM", "ALARM", "ALARM"]),
        ("0 - X - -", 2, ["OK", "OK", "ALARM", "OK"]),
        ("- - - - 0", 2, ["OK", "OK", "ALARM", "OK"]),
        ("- - - X -", 2, ["ALARM", "stays", "ALARM", "OK"]),
    ];
    assert_eq!((range(1), range(3), range(9)), (3, 5, 12));
    for (text, needed, states) in TABLE {
        for (treatment, state) in ["missing", "ignore", "breaching", "notBreaching"].into_iter().zip(states) {
            let settings = settings(json!({
                "EvaluationPeriods": 3, "DatapointsToAlarm": needed, "TreatMissingData": treatment,
            }));
            let verdict = evaluate(&settings, &data(text));
            let found = verdict.map_or("stays", |verdict| verdict.state);
            assert_eq!(found, state, "{text} of which {needed}, {treatment}");
        }
    }
}

#[test]
fn each_comparison_and_statistic_is_the_one_that_its_name_says() {
    let points = [Some(Datapoint {
        second: 0,
        statistics: Statistics { sample_count: 4.0, sum: 8.0, minimum: 1.0, maximum: 3.0 },
    })];
    let operators = [
        "GreaterThanThreshold",
        "GreaterThanOrEqualToThreshold",
        "LessThanThreshold",
        "LessThanOrEqualToThreshold",
    ];
    let of_threshold = |threshold: f64| operators.map(|operator| (operator, threshold));
    let statistics =
        [("SampleCount", 4.0), ("Sum", 8.0), ("Average", 2.0), ("Minimum", 1.0), ("Maximum", 3.0)];
    for (statistic, value) in statistics {
        let judge = |(operator, threshold): (&str, f64)| {
            let settings = settings(json!({
                "Statistic": statistic, "ComparisonOperator": operator, "Threshold": threshold,
            }));
            evaluate(&settings, &points).unwrap().state == "ALARM"
        };
        assert_eq!(of_threshold(value).map(judge), [false, true, false, true], "{statistic}");
        assert_eq!(of_threshold(value - 0.5).map(judge), [true, true, false, false], "{statistic}");
        assert_eq!(of_threshold(value + 0.5).map(judge), [false, false, true, true], "{statistic}");
    }
}

async fn ask(cloud: &Cloud, operation: &str, input: Value) -> Result<Value, ServiceError> {
    tests::call(cloud, &format!("monitoring:{operation}"), input).await
}

async fn put_alarm(cloud: &Cloud, change: Value) {
    let mut input = serde_json::to_value(settings(change)).unwrap();
    input["AlarmName"] = json!("errors");
    ask(cloud, "PutMetricAlarm", input).await.unwrap();
}

async fn put(cloud: &Cloud, minute: i64, value: f64) {
    let at = time_of(cloud.clock(), minute * MINUTE);
    let datum = json!({ "MetricName": "errors", "Value": value, "Timestamp": at });
    ask(cloud, "PutMetricData", json!({ "Namespace": "app", "MetricData": [datum] })).await.unwrap();
}

async fn alarm(cloud: &Cloud) -> Value {
    ask(cloud, "DescribeAlarms", json!({ "AlarmNames": ["errors"] })).await.unwrap()["MetricAlarms"][0].take()
}

fn now(cloud: &Cloud) -> i64 {
    minute_at(cloud.clock(), cloud.clock().now())
}

/// The states after each of some minutes, in which these values came in.
async fn states(cloud: &Cloud, first: i64, values: &[Option<f64>]) -> Vec<String> {
    let mut states = Vec::new();
    for (minute, value) in (first..).zip(values) {
        if let Some(value) = value {
            put(cloud, minute, *value).await;
        }
        close(cloud, minute).unwrap();
        states.push(alarm(cloud).await["StateValue"].as_str().unwrap().to_owned());
    }
    states
}

#[tokio::test]
async fn an_alarm_follows_its_metric_from_minute_to_minute() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud_in(dir.path());
    put_alarm(&cloud, json!({ "TreatMissingData": "notBreaching" })).await;
    let made = alarm(&cloud).await;
    assert_eq!(made["StateValue"], "INSUFFICIENT_DATA");
    assert_eq!(made["StateReason"], "Unchecked: Initial alarm creation");

    let first = now(&cloud);
    let values = [None, Some(0.0), Some(2.0), None, None, None, Some(3.0)];
    let states = states(&cloud, first, &values).await;

    // What is missing is looked past for two minutes more.
    assert_eq!(states, ["OK", "OK", "ALARM", "ALARM", "ALARM", "OK", "ALARM"]);
    let alarmed = alarm(&cloud).await;
    let reason = alarmed["StateReason"].as_str().unwrap();
    assert!(reason.starts_with("Threshold Crossed: 1 datapoint [3.0 ("), "{reason}");
    let data: Value = serde_json::from_str(alarmed["StateReasonData"].as_str().unwrap()).unwrap();
    assert_eq!((&data["recentDatapoints"], &data["threshold"]), (&json!([3.0]), &json!(0.5)));
}

#[tokio::test]
async fn a_state_that_was_set_holds_until_the_next_evaluation() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud_in(dir.path());
    put_alarm(&cloud, json!({})).await;
    let first = now(&cloud);
    put(&cloud, first, 0.0).await;

    let set = json!({ "AlarmName": "errors", "StateValue": "ALARM", "StateReason": "by hand" });
    ask(&cloud, "SetAlarmState", set).await.unwrap();
    // The state was set in the first minute or a later one: that one alone does not end it.
    close(&cloud, first).unwrap();
    assert_eq!(alarm(&cloud).await["StateReason"], "by hand");
    let later = now(&cloud) + 1;
    assert_eq!(states(&cloud, later, &[Some(0.0)]).await, ["OK"]);
    let unknown = json!({ "AlarmName": "none", "StateValue": "ALARM", "StateReason": "" });
    assert_eq!(ask(&cloud, "SetAlarmState", unknown).await.unwrap_err().code, "ResourceNotFound");
}

#[tokio::test]
async fn what_the_local_cloud_does_not_compute_changes_only_by_hand_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud_in(dir.path());
    let changes = [
        json!({ "Namespace": "AWS/ECS", "MetricName": "CPUUtilization", "TreatMissingData": "breaching" }),
        json!({ "Namespace": "AWS/ApplicationELB", "MetricName": "ConsumedLCUs", "TreatMissingData": "breaching" }),
        json!({ "Statistic": null, "ExtendedStatistic": "p99", "TreatMissingData": "breaching" }),
        json!({ "ComparisonOperator": "GreaterThanUpperThreshold", "TreatMissingData": "breaching" }),
    ];
    let first = now(&cloud);
    for (minute, change) in (first..).zip(changes) {
        put_alarm(&cloud, change).await;
        close(&cloud, minute).unwrap();
        let found = alarm(&cloud).await;
        assert_eq!(found["StateValue"], "INSUFFICIENT_DATA", "{found}");
        assert!(found["StateReason"].as_str().unwrap().contains("the local cloud"), "{found}");
        ask(&cloud, "DeleteAlarms", json!({ "AlarmNames": ["errors"] })).await.unwrap();
    }
    let math = ask(
        &cloud,
        "GetMetricData",
        json!({
            "StartTime": 0.0, "EndTime": 60.0, "MetricDataQueries": [{ "Id": "a", "Expression": "1" }],
        }),
    );
    assert!(math.await.unwrap_err().message.contains("does not compute expressions"));
}

#[tokio::test]
async fn alarms_that_aws_refuses_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud_in(dir.path());
    let changes = [
        json!({ "Period": 45 }),
        json!({ "DatapointsToAlarm": 2 }),
        json!({ "EvaluationPeriods": 1441 }),
        json!({ "TreatMissingData": "bad" }),
        json!({ "ExtendedStatistic": "p99" }),
    ];
    for change in changes {
        let mut input = serde_json::to_value(settings(change.clone())).unwrap();
        input["AlarmName"] = json!("errors");
        let refused = ask(&cloud, "PutMetricAlarm", input).await.err();
        assert_eq!(refused.map(|error| error.code).as_deref(), Some("ValidationError"), "{change}");
    }
}

/// A server that fails at `/bad`, and its port.
async fn server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let app = Router::new()
        .route("/bad", get(|| async { StatusCode::INTERNAL_SERVER_ERROR }))
        .fallback(|| async { "well" });
    tokio::spawn(async move { axum::serve(listener, app).await });
    port
}

async fn fetch(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

async fn sum(cloud: &Cloud, minute: i64, (name, dimensions): (&str, Value), statistic: &str) -> Value {
    let input = json!({
        "Namespace": "AWS/ApplicationELB", "MetricName": name, "Dimensions": dimensions, "Period": 60,
        "StartTime": time_of(cloud.clock(), minute * MINUTE),
        "EndTime": time_of(cloud.clock(), (minute + 1) * MINUTE),
        "Statistics": [statistic],
    });
    let answer = ask(cloud, "GetMetricStatistics", input).await.unwrap();
    let datapoint = answer["Datapoints"].get(0).cloned();
    datapoint.map_or(Value::Null, |mut datapoint| datapoint[statistic].take())
}

#[tokio::test]
async fn real_requests_are_measured_by_target_group_and_by_load_balancer() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud_in(dir.path());
    make_balancer(&cloud, 4000).await;
    let outputs = outputs(&cloud, "load-balancer").await;
    let address = outputs["Url"].as_str().unwrap().strip_prefix("http://").unwrap().to_owned();
    let blue = outputs["BlueTargetGroupArn"].as_str().unwrap();
    let balancer = outputs["LoadBalancerArn"].as_str().unwrap().split_once(":loadbalancer/").unwrap().1;
    let by_balancer = json!([{ "Name": "LoadBalancer", "Value": balancer }]);
    let group = blue.rsplit_once(':').unwrap().1;
    // In another order than the load balancer's.
    let by_group =
        json!([{ "Name": "TargetGroup", "Value": group }, { "Name": "LoadBalancer", "Value": balancer }]);

    let minute = now(&cloud);
    assert!(fetch(&address, "/").await.starts_with("HTTP/1.1 503"));
    close(&cloud, minute).unwrap();
    let targets = json!([{ "Id": "127.0.0.1", "Port": server().await }]);
    let register = json!({ "TargetGroupArn": blue, "Targets": targets });
    tests::call(&cloud, "elasticloadbalancing:RegisterTargets", register).await.unwrap();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    while !fetch(&address, "/").await.starts_with("HTTP/1.1 200") {
        assert!(tokio::time::Instant::now() < deadline, "the target stays out of use");
    }
    close(&cloud, minute + 1).unwrap();
    for path in ["/", "/bad", "/", "/bad", "/"] {
        fetch(&address, path).await;
    }
    close(&cloud, minute + 2).unwrap();

    let of = |name: &'static str, minute: i64| {
        let (cloud, by_group, by_balancer) = (&cloud, by_group.clone(), by_balancer.clone());
        async move {
            let by_group = sum(cloud, minute, (name, by_group), "Sum").await;
            (by_group, sum(cloud, minute, (name, by_balancer), "Sum").await)
        }
    };
    let both = |value: f64| (json!(value), json!(value));
    assert_eq!(of("HTTPCode_ELB_503_Count", minute).await, (Value::Null, json!(1.0)));
    assert_eq!(of("HTTPCode_ELB_5XX_Count", minute).await, (Value::Null, json!(1.0)));
    assert_eq!(of("RequestCount", minute).await, (Value::Null, Value::Null));
    assert_eq!(of("RequestCount", minute + 2).await, both(5.0));
    assert_eq!(of("HTTPCode_Target_2XX_Count", minute + 2).await, both(3.0));
    assert_eq!(of("HTTPCode_Target_5XX_Count", minute + 2).await, both(2.0));
    assert_eq!(of("HTTPCode_Target_4XX_Count", minute + 2).await, (Value::Null, Value::Null));
    assert_eq!(of("HealthyHostCount", minute + 2).await, (json!(1.0), Value::Null));
    let times = sum(&cloud, minute + 2, ("TargetResponseTime", by_group), "SampleCount").await;
    assert_eq!(times, json!(5.0));
    let listed = ask(&cloud, "ListMetrics", json!({ "MetricName": "UnHealthyHostCount" })).await.unwrap();
    assert_eq!(listed["Metrics"].as_array().unwrap().len(), 1);
}
