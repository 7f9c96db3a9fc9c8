//! The connection's handshake, and what is told of stacks where nobody watches.

#![expect(clippy::unwrap_used, reason = "a test that cannot be prepared has failed")]

use std::io::{BufRead as _, BufReader};
use std::process::Child;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::workbench::{Ended, Workbench};

const CONNECTION: &str = "Resources:
  Connection:
    Type: AWS::CodeConnections::Connection
    Properties: {ConnectionName: tiny, ProviderType: GitHub}
Outputs: {ConnectionArn: {Value: !GetAtt Connection.ConnectionArn}}
";
/// Takes the connection, and what `first` offers.
const PIPELINE: &str = "Parameters:
  ConnectionArn: {Type: String}
  Retention: {Type: String}
Resources:
  Group: {Type: AWS::Logs::LogGroup, Properties: {RetentionInDays: !Ref Retention}}
";
const LINK: &str =
    "complete the handshake at https://eu-central-1.console.aws.amazon.com/codesuite/settings/connections";
const PROVISION: [&str; 6] = ["provision", "--yes", "--environment", "account", "--output", "json"];

fn connected() -> Workbench {
    let workbench = Workbench::started();
    workbench.write("infra/stacks/connection.yml", CONNECTION);
    workbench.write("infra/stacks/pipeline.yml", PIPELINE);
    workbench
}

/// Reads what a run tells until so many lines hold these words.
fn until(child: &mut Child, words: &str, times: usize) -> (BufReader<std::process::ChildStderr>, String) {
    let mut lines = BufReader::new(child.stderr.take().unwrap());
    let mut told = String::new();
    while told.matches(words).count() < times {
        assert!(lines.read_line(&mut told).unwrap() > 0, "{told}");
    }
    (lines, told)
}

#[test]
fn the_link_is_told_as_soon_as_there_is_a_connection_and_again_when_the_pipeline_waits_for_it() {
    let workbench = connected();
    let slow = r#"{"kind": "slow", "operation": "CreateLogGroup", "delay_ms": 1500, "count": 1}"#;
    workbench.ask("POST", "/_local/faults", slow);
    let mut provision = workbench.spawn(&PROVISION);

    let (rest, told) = until(&mut provision, LINK, 2);

    let place = |words: &str| told.find(words).unwrap_or_else(|| panic!("no `{words}` in {told}"));
    assert!(place(LINK) < place("CREATE_COMPLETE tiny-account-first"), "{told}");
    assert!(!told.contains("tiny-account-pipeline        CREATE"), "{told}");
    let id = workbench.output("tiny-account-connection", "ConnectionArn");
    let id = id.rsplit('/').next().unwrap();
    workbench.ask("POST", &format!("/_local/connections/{id}/complete"), "{}");
    let drained = std::thread::spawn(move || rest.lines().count());
    let ended = Ended::of(provision.wait_with_output().unwrap());
    drained.join().unwrap();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.object()["handshake"].is_null(), "{ended:?}");
}

#[test]
fn whoever_leaves_before_the_handshake_is_told_the_link_last() {
    let workbench = connected();
    let mut provision = workbench.spawn(&PROVISION);
    let (rest, _) = until(&mut provision, LINK, 2);

    kill(Pid::from_raw(i32::try_from(provision.id()).unwrap()), Signal::SIGTERM).unwrap();

    let drained = std::thread::spawn(move || rest.lines().count());
    let ended = Ended::of(provision.wait_with_output().unwrap());
    drained.join().unwrap();
    assert_eq!(ended.code, Some(130), "{ended:?}");
    let link = ended.object()["handshake"].clone();
    assert!(LINK.ends_with(link.as_str().unwrap().split('?').next().unwrap()), "{link}");
}

#[test]
fn with_the_variables_that_local_status_prints_the_local_cloud_completes_the_handshake() {
    let workbench = connected();
    let connection = workbench.connection();
    let text = |name: &str| connection[name].as_str().unwrap().to_owned();
    for host in ["127.0.0.1", "localhost"] {
        let mut provision = workbench.command(&["provision", "--yes"]);
        provision.env("AWS_ENDPOINT_URL", text("endpoint").replace("127.0.0.1", host));
        provision.env("AWS_ACCESS_KEY_ID", text("access_key_id"));
        provision.env("AWS_SECRET_ACCESS_KEY", text("secret_access_key"));
        provision.env("AWS_REGION", text("region"));

        let ended = Ended::of(provision.output().unwrap());

        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(!ended.stderr.contains("console.aws.amazon.com"), "{ended:?}");
    }
}

#[test]
fn where_nobody_watches_each_resource_is_one_line_that_says_how_it_ended() {
    let workbench = Workbench::started();

    let made = workbench.run(&["provision", "--yes"]);

    // Of the first it was shown before what it would hold.
    assert_eq!(made.stderr.matches(" Group (AWS::Logs::LogGroup)").count(), 3, "{made:?}");
    assert_eq!(made.stderr.matches("Add Group (AWS::Logs::LogGroup)").count(), 1, "{made:?}");
    assert_eq!(made.stderr.matches("CREATE_COMPLETE Group (AWS::Logs::LogGroup)").count(), 2, "{made:?}");
    assert!(!made.stderr.contains("_IN_PROGRESS"), "{made:?}");
    let watched = workbench.at_terminal(&["destroy", "--yes", "--environment", "local"], "");
    assert!(watched.stderr.contains("DELETE_IN_PROGRESS Group"), "{watched:?}");
}
