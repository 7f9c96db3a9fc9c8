//! Resource types of EC2.

mod gateways;
mod groups;
mod routes;
mod rules;
mod vpcs;

use super::ResourceTypes;

pub(super) fn register(types: &mut ResourceTypes) {
    types.add::<vpcs::Vpc>();
    types.add::<vpcs::Subnet>();
    types.add::<gateways::InternetGateway>();
    types.add::<gateways::VpcGatewayAttachment>();
    types.add::<gateways::Eip>();
    types.add::<gateways::NatGateway>();
    types.add::<gateways::VpcEndpoint>();
    types.add::<routes::RouteTable>();
    types.add::<routes::Route>();
    types.add::<routes::SubnetRouteTableAssociation>();
    types.add::<groups::SecurityGroup>();
    types.add::<rules::SecurityGroupIngress>();
    types.add::<rules::SecurityGroupEgress>();
}
