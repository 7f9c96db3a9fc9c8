//! The table of EC2's operations.

use super::super::store::{Network, SecurityGroup, Subnet, Vpc, VpcEndpoint};
use super::{
    AllocateAddress, AllocateAddressOutput, AssociateRouteTable, AttachInternetGateway,
    AuthorizeSecurityGroupIngress, AuthorizeSecurityGroupIngressOutput, AuthorizeSecurityGroupRules,
    AuthorizeSecurityGroupRulesOutput, CheckEgress, CheckRoute, CheckTraffic, CreateInternetGateway,
    CreateNatGateway, CreateRoute, CreateRouteTable, CreateSecurityGroup, CreateSubnet, CreateTags,
    CreateVpc, CreateVpcEndpoint, DeleteInternetGateway, DeleteNatGateway, DeleteRoute, DeleteRouteTable,
    DeleteSecurityGroup, DeleteSubnet, DeleteTags, DeleteVpc, DeleteVpcEndpoint, DescribeAddresses,
    DescribeAddressesOutput, DescribeInternetGateways, DescribeInternetGatewaysOutput, DescribeNatGateways,
    DescribeNatGatewaysOutput, DescribeRouteTables, DescribeRouteTablesOutput, DescribeSecurityGroupRules,
    DescribeSecurityGroupRulesOutput, DescribeSecurityGroups, DescribeSecurityGroupsOutput, DescribeSubnets,
    DescribeSubnetsOutput, DescribeVpcEndpoints, DescribeVpcEndpointsOutput, DescribeVpcs,
    DescribeVpcsOutput, DetachInternetGateway, DisassociateRouteTable, Egress, Empty, Made,
    ModifyVpcEndpoint, ReleaseAddress, ReplaceRoute, RevokeSecurityGroupIngress,
    RevokeSecurityGroupIngressOutput, RevokeSecurityGroupRules, Verdict, describe, egress, gateways, groups,
    ingress, routes, rules, tags, traffic, vpcs,
};
use crate::error::ServiceError;
use crate::operation::{Call, Operation, Operations};

/// Makes inputs operations of EC2: `Input -> Output = handler`, where the handler is
/// `fn(Input, &Network, &Cloud) -> Result<Output, ServiceError>`.
macro_rules! operations {
    ($($input:ident -> $output:ty = $handler:path;)*) => {
        $(
            impl Operation for $input {
                type Output = $output;
                const SERVICE: &'static str = "ec2";
                const NAME: &'static str = stringify!($input);

                async fn handle(self, call: &Call) -> Result<$output, ServiceError> {
                    $handler(self, &*call.cloud.part::<Network>(), &call.cloud)
                }
            }
        )*

        pub(crate) fn register(operations: &mut Operations) {
            $(operations.add::<$input>();)*
        }
    };
}

operations! {
    CreateVpc -> Vpc = vpcs::create_vpc;
    DeleteVpc -> Empty = vpcs::delete_vpc;
    DescribeVpcs -> DescribeVpcsOutput = vpcs::describe_vpcs;
    CreateSubnet -> Subnet = vpcs::create_subnet;
    DeleteSubnet -> Empty = vpcs::delete_subnet;
    DescribeSubnets -> DescribeSubnetsOutput = vpcs::describe_subnets;
    CreateInternetGateway -> Made = gateways::create_internet_gateway;
    DeleteInternetGateway -> Empty = gateways::delete_internet_gateway;
    AttachInternetGateway -> Empty = gateways::attach_internet_gateway;
    DetachInternetGateway -> Empty = gateways::detach_internet_gateway;
    AllocateAddress -> AllocateAddressOutput = gateways::allocate_address;
    DescribeAddresses -> DescribeAddressesOutput = describe::describe_addresses;
    DescribeInternetGateways -> DescribeInternetGatewaysOutput = describe::describe_internet_gateways;
    DescribeNatGateways -> DescribeNatGatewaysOutput = describe::describe_nat_gateways;
    DescribeRouteTables -> DescribeRouteTablesOutput = describe::describe_route_tables;
    DescribeVpcEndpoints -> DescribeVpcEndpointsOutput = describe::describe_vpc_endpoints;
    CreateTags -> Empty = tags::create_tags;
    DeleteTags -> Empty = tags::delete_tags;
    ReleaseAddress -> Empty = gateways::release_address;
    CreateNatGateway -> Made = gateways::create_nat_gateway;
    DeleteNatGateway -> Empty = gateways::delete_nat_gateway;
    CreateVpcEndpoint -> VpcEndpoint = gateways::create_vpc_endpoint;
    ModifyVpcEndpoint -> Empty = gateways::modify_vpc_endpoint;
    DeleteVpcEndpoint -> Empty = gateways::delete_vpc_endpoint;
    CreateRouteTable -> Made = routes::create_route_table;
    DeleteRouteTable -> Empty = routes::delete_route_table;
    AssociateRouteTable -> Made = routes::associate_route_table;
    DisassociateRouteTable -> Empty = routes::disassociate_route_table;
    CreateRoute -> Empty = routes::create_route;
    ReplaceRoute -> Empty = routes::replace_route;
    DeleteRoute -> Empty = routes::delete_route;
    CreateSecurityGroup -> SecurityGroup = groups::create_security_group;
    DeleteSecurityGroup -> Empty = groups::delete_security_group;
    DescribeSecurityGroupRules -> DescribeSecurityGroupRulesOutput = rules::describe_security_group_rules;
    DescribeSecurityGroups -> DescribeSecurityGroupsOutput = groups::describe_security_groups;
    AuthorizeSecurityGroupIngress -> AuthorizeSecurityGroupIngressOutput = ingress::authorize;
    RevokeSecurityGroupIngress -> RevokeSecurityGroupIngressOutput = ingress::revoke;
    AuthorizeSecurityGroupRules -> AuthorizeSecurityGroupRulesOutput = rules::authorize;
    RevokeSecurityGroupRules -> Empty = rules::revoke;
    CheckTraffic -> Verdict = traffic::check_traffic;
    CheckRoute -> Verdict = traffic::check_route;
    CheckEgress -> Egress = egress::check_egress;
}
