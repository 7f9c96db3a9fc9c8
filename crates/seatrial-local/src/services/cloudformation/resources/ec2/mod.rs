//! Resource types of EC2.

mod endpoints;
mod gateways;
mod groups;
mod routes;
mod rules;
mod tags;
mod vpcs;

use super::ResourceTypes;

pub(super) fn register(types: &mut ResourceTypes) {
    types.add::<vpcs::Vpc>();
    types.add::<vpcs::Subnet>();
    types.add::<gateways::InternetGateway>();
    types.add::<gateways::VpcGatewayAttachment>();
    types.add::<gateways::Eip>();
    types.add::<gateways::NatGateway>();
    types.add::<endpoints::VpcEndpoint>();
    types.add::<routes::RouteTable>();
    types.add::<routes::Route>();
    types.add::<routes::SubnetRouteTableAssociation>();
    types.add::<groups::SecurityGroup>();
    types.add::<rules::SecurityGroupIngress>();
    types.add::<rules::SecurityGroupEgress>();
}
