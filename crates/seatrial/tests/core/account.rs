//! An account in which nobody has made anything yet.

use crate::workbench::Workbench;

const PROVISION: [&str; 6] = ["provision", "--yes", "--environment", "account", "--output", "json"];

#[test]
fn the_first_cluster_of_an_account_finds_the_role_by_which_its_service_acts() {
    let workbench = Workbench::started();
    workbench.write("infra/stacks/first.yml", "Resources: {Cluster: {Type: AWS::ECS::Cluster}}");
    workbench.write("infra/stacks/second.yml", "Resources: {Group: {Type: AWS::Logs::LogGroup}}");
    workbench.write("infra/project.yml", &workbench.read("infra/project.yml").replace("first.Days: '7'", ""));

    let provisioned = workbench.run(&PROVISION);

    assert_eq!(provisioned.code, Some(0), "{provisioned:?}");
    assert!(provisioned.stderr.contains("made role AWSServiceRoleForECS"), "{provisioned:?}");
    // Of services that nothing needs there is no role, and none is asked for where there is nothing to make.
    assert_eq!(workbench.calls("CreateServiceLinkedRole"), 1);
    let asked = workbench.calls("GetRole");
    assert_eq!(workbench.run(&PROVISION).object()["changed"], false);
    assert_eq!(workbench.calls("GetRole"), asked);
}

#[test]
fn whoever_may_not_look_at_roles_is_told_and_goes_on() {
    let workbench = Workbench::started();
    workbench.write("infra/stacks/second.yml", "Resources: {Cluster: {Type: AWS::ECS::Cluster}}");
    workbench.arm("deny", "GetRole", 1);

    let provisioned = workbench.run(&PROVISION);

    // As on AWS, the first cluster then fails where the role is not there.
    assert_eq!(provisioned.code, Some(4), "{provisioned:?}");
    assert!(provisioned.stderr.contains("if AWSServiceRoleForECS is missing"), "{provisioned:?}");
    assert!(provisioned.stderr.contains("Unable to assume the service linked role"), "{provisioned:?}");
    assert!(
        provisioned.object()["hints"].to_string().contains("run this again in a minute"),
        "{provisioned:?}"
    );
    assert_eq!(workbench.run(&PROVISION).code, Some(0));
}
