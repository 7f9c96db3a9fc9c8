//! What the generated files depend on.

use super::layout::Place;
use crate::{ImageBuilder, ImageTarget, Project, RegistrySecret};

/// What the buildspec depends on.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    pub builder: ImageBuilder,
    pub target: ImageTarget,
    pub place: Place,
    pub registry_secrets: Vec<RegistrySecret>,
    /// Whether an environment has steps around its deployments, which `seatrial-image` then runs.
    pub hands_over_program: bool,
}

impl Facts {
    pub(super) fn of(project: &Project, place: &Place) -> Self {
        let images = || project.environments.values().map(|environment| &environment.image);
        // Named only where all environments agree; else `seatrial-image` finds its environment's in the project.
        let all_use = |builder| images().all(|image| image.builder == builder);
        let any_links = |target| images().any(|image| image.target == target);
        Self {
            builder: if all_use(ImageBuilder::Docker) { ImageBuilder::Docker } else { ImageBuilder::Cargo },
            target: if any_links(ImageTarget::Musl) { ImageTarget::Musl } else { ImageTarget::Gnu },
            place: place.clone(),
            // The same in all environments.
            registry_secrets: images().next().map(|image| image.registry_secrets.clone()).unwrap_or_default(),
            hands_over_program: project
                .environments
                .values()
                .any(|environment| environment.has_release_program),
        }
    }
}
