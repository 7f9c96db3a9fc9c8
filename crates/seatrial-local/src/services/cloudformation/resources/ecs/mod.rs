//! Resource types of ECS. Task definitions are in no template: the release registers them.

mod cluster;
mod service;

use super::ResourceTypes;

pub(super) fn register(types: &mut ResourceTypes) {
    types.add::<cluster::Cluster>();
    types.add::<service::Service>();
}
