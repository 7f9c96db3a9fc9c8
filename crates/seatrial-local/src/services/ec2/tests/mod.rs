//! The network of the stacks, and what it lets through.

use serde_json::{Value, json};

use super::*;
use crate::operation::Operation;
use crate::tests::{call, cloud_in, operator};

fn interface(group: &str, subnet: &str) -> Peer {
    Peer::Interface { security_groups: vec![group.to_owned()], subnets: vec![subnet.to_owned()] }
}

fn rule(port: i64, peer: RulePeer) -> NewRule {
    NewRule { ip_protocol: "tcp".to_owned(), from_port: port, to_port: port, peer, description: None }
}

struct Net {
    cloud: crate::Cloud,
    vpc: String,
    subnet: String,
    _dir: tempfile::TempDir,
}

impl Net {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let cloud = cloud_in(dir.path());
        let input = CreateVpc { cidr_block: "10.0.0.0/16".to_owned(), ..CreateVpc::default() };
        let vpc = cloud.call(&operator(), input).await.unwrap().vpc_id;
        let cidr_block = "10.0.0.0/20".to_owned();
        let input = CreateSubnet { vpc_id: vpc.clone(), cidr_block, ..CreateSubnet::default() };
        let subnet = cloud.call(&operator(), input).await.unwrap().subnet_id;
        Self { cloud, vpc, subnet, _dir: dir }
    }

    async fn call<O: Operation>(&self, input: O) -> O::Output {
        self.cloud.call(&operator(), input).await.unwrap()
    }

    async fn group(&self, name: &str) -> String {
        let (group_name, vpc_id) = (name.to_owned(), self.vpc.clone());
        self.call(CreateSecurityGroup { group_name, vpc_id, ..Default::default() }).await.group_id
    }

    async fn check(&self, from: Peer, to: Peer, port: u16) -> Verdict {
        self.call(CheckTraffic { from, to, port }).await
    }
}

#[tokio::test]
async fn traffic_needs_an_ingress_rule_that_names_the_other_group() {
    let net = Net::new().await;
    let (balancer, app) = (net.group("balancer").await, net.group("app").await);
    let (from, to) = (interface(&balancer, &net.subnet), interface(&app, &net.subnet));

    let before = net.check(from.clone(), to.clone(), 4000).await;
    let rules = vec![rule(4000, RulePeer::Group(balancer.clone()))];
    let input =
        AuthorizeSecurityGroupRules { group_id: app.clone(), is_egress: false, rules, client_token: None };
    net.call(input).await;
    let after = net.check(from.clone(), to.clone(), 4000).await;
    let other_port = net.check(from, to.clone(), 4001).await;
    let from_outside = net.check(Peer::Address("127.0.0.1".to_owned()), to, 4000).await;

    assert_eq!(before.reason, format!("no ingress rule of {app} allows TCP port 4000 from {balancer}"));
    assert!(after.allowed);
    assert!(!other_port.allowed && !from_outside.allowed);
}

#[tokio::test]
async fn a_subnet_reaches_the_registry_through_an_internet_gateway_only_with_a_public_address() {
    let net = Net::new().await;
    let check = |has_public_ip| CheckRoute {
        subnet_id: net.subnet.clone(),
        has_public_ip,
        security_groups: Vec::new(),
    };
    let isolated = net.call(check(true)).await;
    let gateway = net.call(CreateInternetGateway::default()).await.id;
    let attach = AttachInternetGateway { internet_gateway_id: gateway.clone(), vpc_id: net.vpc.clone() };
    net.call(attach).await;
    let table = CreateRouteTable { vpc_id: net.vpc.clone(), ..Default::default() };
    let table = net.call(table).await.id;
    net.call(CreateRoute {
        route_table_id: table.clone(),
        destination_cidr_block: "0.0.0.0/0".to_owned(),
        target: gateway,
    })
    .await;
    let subnet_id = net.subnet.clone();
    net.call(AssociateRouteTable { route_table_id: table, subnet_id, client_token: None }).await;

    assert!(isolated.reason.contains("no route to 0.0.0.0/0"), "{isolated:?}");
    assert!(net.call(check(false)).await.reason.contains("needs a public IP"));
    assert!(net.call(check(true)).await.allowed);
}

#[tokio::test]
async fn what_is_in_use_is_not_deleted_and_a_second_try_finds_the_first() {
    let net = Net::new().await;
    let refused = net.cloud.call(&operator(), DeleteVpc { vpc_id: net.vpc.clone() }).await.err().unwrap();
    let again = || CreateVpc {
        cidr_block: "10.1.0.0/16".to_owned(),
        client_token: Some("stack/Vpc/1".to_owned()),
        ..CreateVpc::default()
    };

    let (first, second) = (net.call(again()).await, net.call(again()).await);

    assert_eq!(refused.code, "DependencyViolation");
    assert_eq!(first.vpc_id, second.vpc_id);
    net.call(DeleteSubnet { subnet_id: net.subnet.clone() }).await;
    net.call(DeleteVpc { vpc_id: net.vpc.clone() }).await;
}

#[tokio::test]
async fn a_security_group_is_deleted_only_when_nothing_is_in_it_or_names_it() {
    let net = Net::new().await;
    let (balancer, app) = (net.group("balancer").await, net.group("app").await);
    let refusal = |group_id: &str| {
        let input = DeleteSecurityGroup { group_id: group_id.to_owned() };
        let cloud = net.cloud.clone();
        async move { cloud.call(&operator(), input).await.err().map(|error| (error.code, error.message)) }
    };
    let violation =
        |id: &str| Some(("DependencyViolation".to_owned(), format!("resource {id} has a dependent object")));
    let (group_id, rules) = (app.clone(), vec![rule(4000, RulePeer::Group(balancer.clone()))]);
    let input = AuthorizeSecurityGroupRules { group_id, is_egress: false, rules, client_token: None };
    net.call(input).await;
    let (vpc_id, security_group_ids) = (net.vpc.clone(), vec![app.clone()]);
    let input = CreateVpcEndpoint { vpc_id, security_group_ids, ..CreateVpcEndpoint::default() };
    let endpoint = net.call(input).await.vpc_endpoint_id;

    assert_eq!(refusal(&balancer).await, violation(&balancer));
    assert_eq!(refusal(&app).await, violation(&app));
    net.call(DeleteVpcEndpoint { vpc_endpoint_id: endpoint }).await;
    assert_eq!(refusal(&app).await, None);
    assert_eq!(refusal(&balancer).await, None);
}

#[tokio::test]
async fn a_default_security_group_is_deleted_with_its_vpc_only() {
    let net = Net::new().await;
    let groups = async || net.call(DescribeSecurityGroups::default()).await.security_groups;
    let group_id = groups().await.remove(0).group_id;

    let input = DeleteSecurityGroup { group_id: group_id.clone() };
    let refused = net.cloud.call(&operator(), input).await.err().unwrap();
    net.call(DeleteSubnet { subnet_id: net.subnet.clone() }).await;
    net.call(DeleteVpc { vpc_id: net.vpc.clone() }).await;

    let message =
        format!("the specified group: \"{group_id}\" name: \"default\" cannot be deleted by a user");
    assert_eq!((refused.code.as_str(), refused.message), ("CannotDelete", message));
    assert!(groups().await.is_empty());
}

#[tokio::test]
async fn who_may_come_in_is_told_as_ec2_is_told_it() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud_in(dir.path());
    let vpc = call(&cloud, "ec2:CreateVpc", json!({ "CidrBlock": "10.0.0.0/16", "Tags": {} })).await.unwrap();
    let group = &vpc["DefaultSecurityGroup"];
    let given = |extra: Value| {
        let mut input = json!({ "GroupId": group, "IpProtocol": "tcp", "FromPort": 80, "ToPort": 80 });
        input.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        input
    };
    let by_range = given(json!({ "CidrIp": "192.0.2.0/24" }));
    let made = call(&cloud, "ec2:AuthorizeSecurityGroupIngress", by_range.clone()).await.unwrap();
    assert_eq!(made["Return"], true);
    let twin = call(&cloud, "ec2:AuthorizeSecurityGroupIngress", by_range.clone()).await.unwrap_err();
    assert_eq!(twin.code, "InvalidPermission.Duplicate");
    call(&cloud, "ec2:RevokeSecurityGroupIngress", by_range.clone()).await.unwrap();
    let gone = call(&cloud, "ec2:RevokeSecurityGroupIngress", by_range).await.unwrap_err();
    assert_eq!(gone.code, "InvalidPermission.NotFound");

    let refused = [
        (json!({ "GroupId": group }), "MissingParameter"),
        (
            json!({ "IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "CidrIp": "192.0.2.0/24" }),
            "MissingParameter",
        ),
        (given(json!({ "CidrIp": "192.0.2.0/24", "FromPort": 9, "ToPort": 8 })), "InvalidParameterValue"),
        (given(json!({ "CidrIp": "192.0.2.0/24", "DryRun": true })), "UnsupportedOperation"),
        (given(json!({ "GroupName": "default", "CidrIp": "192.0.2.0/24" })), "UnsupportedOperation"),
        (
            given(json!({ "IpPermissions": [{ "IpProtocol": "tcp", "FromPort": 1, "ToPort": 1 }] })),
            "MissingParameter",
        ),
    ];
    for (input, code) in refused {
        let error = call(&cloud, "ec2:AuthorizeSecurityGroupIngress", input.clone()).await.unwrap_err();
        assert_eq!(error.code, code, "{input}");
    }
}

#[tokio::test]
async fn the_rules_of_a_group_are_told_as_ec2_tells_them_and_what_is_not_served_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud_in(dir.path());
    let vpc = call(&cloud, "ec2:CreateVpc", json!({ "CidrBlock": "10.0.0.0/16", "Tags": {} })).await.unwrap();
    let group = &vpc["DefaultSecurityGroup"];
    let range = json!({ "CidrIp": "192.0.2.0/24", "Description": "mine" });
    let rule = json!({ "IpProtocol": "tcp", "FromPort": 80, "ToPort": 81, "IpRanges": [range] });
    let input = json!({ "GroupId": group, "IpPermissions": [rule] });
    let made = call(&cloud, "ec2:AuthorizeSecurityGroupIngress", input).await.unwrap();
    let id = &made["SecurityGroupRules"][0]["SecurityGroupRuleId"];
    let of_group = json!({ "Filters": [{ "Name": "group-id", "Values": [group] }] });
    let ask = async |input: Value| call(&cloud, "ec2:DescribeSecurityGroupRules", input).await;

    let told = ask(of_group.clone()).await.unwrap();
    let told =
        told["SecurityGroupRules"].as_array().unwrap().iter().find(|rule| &rule["SecurityGroupRuleId"] == id);
    let expected = json!({
        "SecurityGroupRuleId": id, "GroupId": group, "GroupOwnerId": "000000000000", "IsEgress": false,
        "IpProtocol": "tcp", "FromPort": 80, "ToPort": 81, "CidrIpv4": "192.0.2.0/24", "Description": "mine",
    });
    assert_eq!(told, Some(&expected));
    let other = ask(json!({ "Filters": [{ "Name": "group-id", "Values": ["sg-0"] }] })).await.unwrap();
    assert_eq!(other["SecurityGroupRules"], json!([]));
    let gone = ask(json!({ "SecurityGroupRuleIds": ["sgr-0"] })).await.unwrap_err();
    assert_eq!(gone.code, "InvalidSecurityGroupRuleId.NotFound");
    for (unmeant, name) in [
        (json!({ "DryRun": true }), "DryRun"),
        (json!({ "Filters": [{ "Name": "tag:a", "Values": ["b"] }] }), "tag:a"),
    ] {
        let refused = ask(unmeant).await.unwrap_err();
        assert!(refused.message.ends_with(name), "{}", refused.message);
    }
}
