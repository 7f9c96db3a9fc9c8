//! The values of project.yml that are one of a few words.

use serde::Deserialize;

/// The processor of the tasks. Spelled as in AWS's names of build environments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Architecture {
    /// Intel and AMD.
    #[serde(rename = "x86_64")]
    X86_64,
    /// Graviton.
    #[serde(rename = "arm64")]
    Arm64,
}

impl Architecture {
    /// As project.yml spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Arm64 => "arm64",
        }
    }

    /// `runtimePlatform.cpuArchitecture` of a task definition (ECS `CPUArchitecture`).
    pub fn ecs(self) -> &'static str {
        match self {
            Self::X86_64 => "X86_64",
            Self::Arm64 => "ARM64",
        }
    }
}

/// What makes the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImageBuilder {
    /// Cargo and our own packing: no daemon, no privilege.
    #[default]
    Cargo,
    /// `docker build` on `app/Dockerfile`.
    Docker,
}

impl ImageBuilder {
    /// As project.yml spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cargo => "cargo",
            Self::Docker => "docker",
        }
    }
}

/// The C library the static binary is linked with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImageTarget {
    /// The GNU C library.
    #[default]
    Gnu,
    /// musl.
    Musl,
}

/// How tasks reach the world; decided at creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NetworkMode {
    /// Public subnets and addresses; the security groups let only the load balancer in.
    #[default]
    Public,
    /// Private subnets behind a NAT gateway.
    Nat,
}

impl NetworkMode {
    /// As project.yml spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Nat => "nat",
        }
    }
}
