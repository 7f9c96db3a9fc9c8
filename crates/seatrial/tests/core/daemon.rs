//! A local cloud that another build of this program started.

use serde_json::Value;

use crate::workbench::Workbench;

const TEMPLATE: &str = "Resources: {Group: {Type: AWS::Logs::LogGroup}}";

/// Has the running local cloud be that of another build; answers its process.
fn pretend_another_build(workbench: &Workbench) -> Value {
    let mut connection = workbench.connection();
    connection["build"] = "another".into();
    workbench.write("local-cloud/daemon.json", &connection.to_string());
    connection["pid"].clone()
}

#[test]
fn a_busy_local_cloud_of_another_build_is_left_to_its_work() {
    let workbench = Workbench::started();
    // Longer than a test may take.
    let slow = r#"{"kind": "slow", "operation": "CreateLogGroup", "delay_ms": 600000}"#;
    workbench.ask("POST", "/_local/faults", slow);
    workbench.create_stack("slow", TEMPLATE);
    let pid = pretend_another_build(&workbench);

    let ended = workbench.run(&["status", "--environment", "local"]);

    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(workbench.connection()["pid"], pid);
    assert!(ended.stderr.contains("another build serves until"), "{}", ended.stderr);
}

#[test]
fn an_idle_local_cloud_of_another_build_is_started_anew() {
    let workbench = Workbench::provisioned();
    let pid = pretend_another_build(&workbench);

    let ended = workbench.run(&["status", "--environment", "local"]);

    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_ne!(workbench.connection()["pid"], pid);
}
