//! `infra/project.yml`: reading it, checking every value, what it means for one environment, and what is rendered
//! from it. The one model of it, which the tool and the image builder share.
//!
//! Every error names the file, and where there is a place `path:line:column`, the key, the value found and
//! the rule. Nothing here calls AWS or writes.

pub mod app_spec;
pub mod build_spec;
mod checks;
mod choices;
mod database;
pub mod generate;
mod loopback;
mod model;
mod planned;
mod port;
mod probe;
mod read;
mod registry_secrets;
pub mod render;
mod resolve;
mod rules;
mod settings;
pub mod task_definition;
mod traffic;
mod variable;

pub use self::{
    checks::Check,
    choices::{Architecture, ImageBuilder, ImageTarget, NetworkMode},
    database::Database,
    loopback::is_loopback,
    model::{
        App, Environment, Image, LOCAL_ENVIRONMENT, Migrate, PROJECT_FILE, Project, ProjectError,
        STACKS_FOLDER, Source, TEMPLATE_ENDINGS,
    },
    port::Port,
    probe::{Probe, Statuses},
    registry_secrets::{Kept, Opens, RegistrySecret},
    rules::is_name,
    settings::{Deployment, Tasks},
};

#[cfg(test)]
mod tests;
