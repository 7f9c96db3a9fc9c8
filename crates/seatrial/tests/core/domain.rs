//! The record that a domain needs.

use crate::workbench::Workbench;

#[test]
fn where_a_domain_is_set_the_load_balancers_name_is_printed_by_provision_and_status() {
    let workbench = Workbench::started();
    // As the stack that owns it offers it.
    let load_balancer = "Resources: {Group: {Type: AWS::Logs::LogGroup}}
Outputs: {LoadBalancerDnsName: {Value: lb-1.elb.amazonaws.com}}
";
    workbench.write("infra/stacks/load-balancer.yml", load_balancer);
    let arguments = |command| [command, "--environment", "account", "--output", "json"];
    let provision = [&arguments("provision")[..], &["--yes"]].concat();
    assert_eq!(workbench.run(&provision).object()["dns_record"], serde_json::Value::Null);
    let certificate = "certificate_arn: 'arn:aws:acm:eu-central-1:000000000000:certificate/c'";
    let with = format!("region: eu-central-1, domain: www.example.com, {certificate}");
    let project = workbench.read("infra/project.yml").replace("region: eu-central-1", &with);
    workbench.write("infra/project.yml", &project);

    for command in [&provision[..], &arguments("status")] {
        let object = workbench.run(command).object();
        assert_eq!(object["dns_record"]["name"], "www.example.com", "{object}");
        assert_eq!(object["dns_record"]["target"], "lb-1.elb.amazonaws.com", "{object}");
    }
    let told = workbench.run(&["provision", "--yes", "--environment", "account"]);
    assert!(told.stdout.contains("www.example.com must lead to lb-1.elb.amazonaws.com"), "{told:?}");
}
