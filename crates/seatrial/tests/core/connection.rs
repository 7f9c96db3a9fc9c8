//! The one handshake that a person does: no second one is asked for while its connection is there.

use crate::workbench::Workbench;

const PROVISION: [&str; 6] = ["provision", "--yes", "--environment", "account", "--output", "json"];
const DESTROY: [&str; 6] = ["destroy", "--yes", "--environment", "account", "--output", "json"];
const STACK: &str = "tiny-account-connection";
const EXISTING: &str = "ExistingConnectionArn";

fn with_connection() -> Workbench {
    let workbench = Workbench::started();
    workbench.write("infra/stacks/connection.yml", include_str!("../../../../infra/stacks/connection.yml"));
    workbench
}

#[test]
fn the_connection_that_a_destroy_kept_is_used_again() {
    let workbench = with_connection();
    let made = workbench.run(&PROVISION).object()["outputs"]["ConnectionArn"].as_str().unwrap().to_owned();
    let destroyed = workbench.run(&DESTROY);
    assert!(destroyed.object()["kept"][0].as_str().unwrap().ends_with(&made), "{destroyed:?}");

    let again = workbench.run(&PROVISION);

    assert_eq!(again.code, Some(0), "{again:?}");
    assert_eq!(again.object()["outputs"]["ConnectionArn"], made.as_str());
    assert_eq!(workbench.parameters(STACK)[EXISTING], made);
    assert_eq!(workbench.calls("CreateConnection"), 1);
    // And it stays so: neither is the stack changed back, nor does its next end take the connection along.
    let unchanged = workbench.run(&PROVISION);
    assert_eq!((unchanged.code, &unchanged.object()["changed"]), (Some(0), &false.into()), "{unchanged:?}");
    assert_eq!(workbench.run(&DESTROY).code, Some(0));
    assert_eq!(workbench.run(&PROVISION).object()["outputs"]["ConnectionArn"], made.as_str());
    assert_eq!(workbench.calls("CreateConnection"), 1);
}

#[test]
fn a_connection_of_another_environment_or_of_somebody_else_is_left_alone() {
    let workbench = with_connection();
    // Of the same name, but nobody knows whose it is.
    let template = "Resources:
  Mine:
    Type: AWS::CodeConnections::Connection
    Properties: {ConnectionName: tiny-account, ProviderType: GitHub}
";
    workbench.create_stack("my-own", template);
    workbench.until_stack("my-own", &aws_sdk_cloudformation::types::StackStatus::CreateComplete);

    let provisioned = workbench.run(&PROVISION);

    assert_eq!(provisioned.code, Some(0), "{provisioned:?}");
    assert_eq!(workbench.parameters(STACK)[EXISTING], "");
    assert_eq!(workbench.calls("CreateConnection"), 2);
}
