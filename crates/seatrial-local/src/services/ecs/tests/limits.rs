//! What the templates' security groups let a task reach, and who reaches it: tried by the task itself.

use std::net::{Ipv4Addr, SocketAddr};

use serde_json::Value;

use super::role::{said, show, show_in};
use super::*;
use crate::services::ec2::CreateSecurityGroup;
use crate::services::rds::{DbInstance, DescribeDbInstances};
use crate::tests::{call as ask, cloud_with, outputs};

type Found = <DescribeDbInstances as Operation>::Output;

/// A cloud with a database in the templates' group, at an address where somebody answers.
async fn make_with_database(dir: &Path) -> (Cloud, SocketAddr) {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || listener.incoming().flatten().for_each(drop));
    let group = std::sync::Arc::new(std::sync::OnceLock::<(Value, Value)>::new());
    let known = std::sync::Arc::clone(&group);
    let cloud = cloud_with(dir, dir, 60.0, move |operations| {
        services::register(operations);
        operations.stand_in(move |_: DescribeDbInstances, _| {
            let (group, subnets) = known.get().cloned().unwrap_or_default();
            let subnets = subnets.as_str().unwrap_or_default().split(',').collect::<Vec<_>>();
            let subnet = |id: &str| json!({ "SubnetIdentifier": id });
            let instance = json!({
                "DBInstanceIdentifier": "notes",
                "Endpoint": { "Address": address.ip(), "Port": address.port() },
                "VpcSecurityGroups": [{ "VpcSecurityGroupId": group, "Status": "active" }],
                "DBSubnetGroup": { "Subnets": subnets.into_iter().map(subnet).collect::<Vec<_>>() },
            });
            let instance: DbInstance = serde_json::from_value(instance).unwrap();
            Ok(Found { instances: vec![instance] })
        });
    });
    serve(&cloud).await;
    world::make(&cloud, PORT).await;
    let groups = outputs(&cloud, "security-groups").await;
    let network = outputs(&cloud, "network").await;
    group.set((groups["DatabaseSecurityGroupId"].clone(), network["IsolatedSubnetIds"].clone())).unwrap();
    (cloud, address)
}

async fn security_group(cloud: &Cloud, whose: &str) -> String {
    let groups = outputs(cloud, "security-groups").await;
    groups[format!("{whose}SecurityGroupId")].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_waits_in_vain_for_what_no_egress_rule_lets_out() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = make(dir.path()).await;
    make_cluster(&cloud).await;
    // Documentation's own addresses (RFC 5737): nobody is there.
    let tries = json!({ "TRY": "192.0.2.1:80,192.0.2.1:443,192.0.2.1:5432,10.0.0.9:4321" });

    let (_, lines) = show(&cloud, None, tries.clone()).await;

    let told = |address: &str| said(&lines, address).unwrap();
    assert_eq!(told("192.0.2.1:80"), "TimedOut", "{lines:?}");
    assert_eq!(told("192.0.2.1:5432"), "TimedOut");
    assert_eq!(told("10.0.0.9:4321"), "TimedOut");
    // Let out, and nowhere here.
    assert_eq!(told("192.0.2.1:443"), "NetworkUnreachable");

    // One more rule, and the next task hears it at once.
    let rule = json!({ "GroupId": security_group(&cloud, "Application").await, "IsEgress": true, "Rules": [
        { "IpProtocol": "tcp", "FromPort": 80, "ToPort": 81, "Peer": { "Cidr": "192.0.2.0/24" } }] });
    ask(&cloud, "ec2:AuthorizeSecurityGroupRules", rule).await.unwrap();
    let (_, lines) = show(&cloud, None, tries).await;
    assert_eq!(said(&lines, "192.0.2.1:80").unwrap(), "NetworkUnreachable", "{lines:?}");
    assert_eq!(said(&lines, "192.0.2.1:5432").unwrap(), "TimedOut");
    close(&cloud).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_database_is_reached_by_the_application_s_group_alone_and_a_task_by_nobody_s_task() {
    let dir = tempfile::tempdir().unwrap();
    let (cloud, database) = make_with_database(dir.path()).await;
    make_cluster(&cloud).await;

    let (first, lines) = show(&cloud, None, json!({ "TRY": database.to_string() })).await;
    assert_eq!(said(&lines, &database.to_string()).unwrap(), "Reached", "{lines:?}");

    let row = tasks(&cloud).into_iter().find(|task| task.task_arn == first.task_arn).unwrap();
    let address = &row.containers[0].network_interfaces[0].private_ipv4_address;
    let task = format!("{address}:{PORT}");
    // In a group that may do anything outward, as a VPC's default one.
    let vpc = outputs(&cloud, "network").await["VpcId"].take();
    let group = CreateSecurityGroup {
        group_name: "other".to_owned(),
        description: "other".to_owned(),
        vpc_id: vpc.as_str().unwrap().to_owned(),
        client_token: None,
        tags: Default::default(),
    };
    let group = call(&cloud, group).await.unwrap();
    let mut other = network(&cloud).await;
    other.awsvpc_configuration.security_groups = vec![group.group_id];
    let tries = json!({ "TRY": format!("{database},{task}") });
    let (_, lines) = show_in(&cloud, other, None, tries).await;
    assert_eq!(said(&lines, &database.to_string()).unwrap(), "TimedOut", "{lines:?}");
    assert_ne!(said(&lines, &task).unwrap(), "Reached");
    // Neither from this machine, but as the load balancer does.
    assert!(std::net::TcpStream::connect(&task).is_err());
    assert!(get(&cloud, &(address.clone(), PORT)).await.ends_with("ok"));
    close(&cloud).await;
}
