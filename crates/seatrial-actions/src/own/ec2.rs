//! EC2 checks an action on every resource that a call names, and on the one that it will make.
//!
//! The local cloud has operations of its own for what has two at AWS (rules that come in, rules that go out).

use crate::on::On;
use crate::row::{Row, When, row};

const SOURCE: &str = "service authorization reference ec2: resource types of the action";

const fn on(operations: &'static [&'static str], action: &'static str, template: &'static str) -> Row {
    row(0, operations, action, On::Made("ec2", template), SOURCE)
}

const OUT: When = When::Given(&["IsEgress"]);
const IN: When = When::Absent(&["IsEgress"]);
const GROUP: &str = "security-group/{GroupId}";

pub(super) const ROWS: &[Row] = &[
    on(&["ec2:CreateVpc"], "ec2:CreateVpc", "vpc/*"),
    on(&["ec2:CreateSubnet"], "ec2:CreateSubnet", "subnet/*"),
    on(&["ec2:CreateSubnet"], "ec2:CreateSubnet", "vpc/{VpcId}"),
    on(&["ec2:CreateInternetGateway"], "ec2:CreateInternetGateway", "internet-gateway/*"),
    on(&["ec2:DeleteVpc"], "ec2:DeleteVpc", "vpc/{VpcId}"),
    on(&["ec2:DeleteSubnet"], "ec2:DeleteSubnet", "subnet/{SubnetId}"),
    on(&["ec2:DeleteInternetGateway"], "ec2:DeleteInternetGateway", "internet-gateway/{InternetGatewayId}"),
    on(&["ec2:AttachInternetGateway"], "ec2:AttachInternetGateway", "internet-gateway/{InternetGatewayId}"),
    on(&["ec2:AttachInternetGateway"], "ec2:AttachInternetGateway", "vpc/{VpcId}"),
    on(&["ec2:DetachInternetGateway"], "ec2:DetachInternetGateway", "internet-gateway/{InternetGatewayId}"),
    on(&["ec2:DetachInternetGateway"], "ec2:DetachInternetGateway", "vpc/{VpcId}"),
    on(&["ec2:AllocateAddress"], "ec2:AllocateAddress", "elastic-ip/*"),
    on(&["ec2:ReleaseAddress"], "ec2:ReleaseAddress", "elastic-ip/{AllocationId|*}"),
    on(&["ec2:CreateNatGateway"], "ec2:CreateNatGateway", "natgateway/*"),
    on(&["ec2:CreateNatGateway"], "ec2:CreateNatGateway", "subnet/{SubnetId}"),
    on(&["ec2:CreateNatGateway"], "ec2:CreateNatGateway", "elastic-ip/{AllocationId}"),
    on(&["ec2:DeleteNatGateway"], "ec2:DeleteNatGateway", "natgateway/{NatGatewayId}"),
    on(&["ec2:CreateVpcEndpoint"], "ec2:CreateVpcEndpoint", "vpc-endpoint/*"),
    on(&["ec2:CreateVpcEndpoint"], "ec2:CreateVpcEndpoint", "vpc/{VpcId}"),
    on(&["ec2:CreateVpcEndpoint"], "ec2:CreateVpcEndpoint", "route-table/{RouteTableIds[]}"),
    on(&["ec2:CreateVpcEndpoint"], "ec2:CreateVpcEndpoint", "subnet/{SubnetIds[]}"),
    on(&["ec2:CreateVpcEndpoint"], "ec2:CreateVpcEndpoint", "security-group/{SecurityGroupIds[]}"),
    on(&["ec2:ModifyVpcEndpoint"], "ec2:ModifyVpcEndpoint", "vpc-endpoint/{VpcEndpointId}"),
    on(&["ec2:ModifyVpcEndpoint"], "ec2:ModifyVpcEndpoint", "route-table/{AddRouteTableIds[]}"),
    on(&["ec2:ModifyVpcEndpoint"], "ec2:ModifyVpcEndpoint", "subnet/{AddSubnetIds[]}"),
    on(&["ec2:ModifyVpcEndpoint"], "ec2:ModifyVpcEndpoint", "security-group/{AddSecurityGroupIds[]}"),
    on(&["ec2:CreateRouteTable"], "ec2:CreateRouteTable", "route-table/*"),
    on(&["ec2:CreateRouteTable"], "ec2:CreateRouteTable", "vpc/{VpcId}"),
    on(&["ec2:DeleteRouteTable"], "ec2:DeleteRouteTable", "route-table/{RouteTableId}"),
    on(&["ec2:AssociateRouteTable"], "ec2:AssociateRouteTable", "route-table/{RouteTableId}"),
    on(&["ec2:AssociateRouteTable"], "ec2:AssociateRouteTable", "subnet/{SubnetId}"),
    on(&["ec2:DisassociateRouteTable"], "ec2:DisassociateRouteTable", "route-table/*"),
    on(&["ec2:CreateRoute"], "ec2:CreateRoute", "route-table/{RouteTableId}"),
    on(&["ec2:ReplaceRoute"], "ec2:ReplaceRoute", "route-table/{RouteTableId}"),
    on(&["ec2:DeleteRoute"], "ec2:DeleteRoute", "route-table/{RouteTableId}"),
    on(&["ec2:CreateSecurityGroup"], "ec2:CreateSecurityGroup", "security-group/*"),
    on(&["ec2:CreateSecurityGroup"], "ec2:CreateSecurityGroup", "vpc/{VpcId}"),
    on(&["ec2:DeleteSecurityGroup"], "ec2:DeleteSecurityGroup", "security-group/{GroupId}"),
    on(
        &["ec2:AuthorizeSecurityGroupIngress"],
        "ec2:AuthorizeSecurityGroupIngress",
        "security-group/{GroupId}",
    ),
    on(&["ec2:RevokeSecurityGroupIngress"], "ec2:RevokeSecurityGroupIngress", "security-group/{GroupId}"),
    row(0, &["ec2:CreateTags"], "ec2:CreateTags", On::Ec2("Resources[]"), SOURCE),
    row(0, &["ec2:DeleteTags"], "ec2:DeleteTags", On::Ec2("Resources[]"), SOURCE),
    on(&["ec2:DeleteVpcEndpoint"], "ec2:DeleteVpcEndpoints", "vpc-endpoint/{VpcEndpointId}"),
    on(&["ec2:AuthorizeSecurityGroupRules"], "ec2:AuthorizeSecurityGroupIngress", GROUP).when(IN),
    on(&["ec2:AuthorizeSecurityGroupRules"], "ec2:AuthorizeSecurityGroupEgress", GROUP).when(OUT),
    on(&["ec2:RevokeSecurityGroupRules"], "ec2:RevokeSecurityGroupIngress", GROUP).when(IN),
    on(&["ec2:RevokeSecurityGroupRules"], "ec2:RevokeSecurityGroupEgress", GROUP).when(OUT),
];
