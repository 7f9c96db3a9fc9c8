//! One processor architecture under the names that Rust, OCI, ECS and ELF give it, and the C library.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::ImageError;

/// Processor architecture of the tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Architecture {
    #[serde(rename = "x86_64")]
    X86_64,
    #[serde(rename = "arm64")]
    Arm64,
}

/// The C library inside the static binary: `image.target`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CLibrary {
    #[default]
    Gnu,
    Musl,
}

impl Architecture {
    /// Rust's target triple.
    pub fn target(self, library: CLibrary) -> &'static str {
        match (self, library) {
            (Self::X86_64, CLibrary::Gnu) => "x86_64-unknown-linux-gnu",
            (Self::X86_64, CLibrary::Musl) => "x86_64-unknown-linux-musl",
            (Self::Arm64, CLibrary::Gnu) => "aarch64-unknown-linux-gnu",
            (Self::Arm64, CLibrary::Musl) => "aarch64-unknown-linux-musl",
        }
    }

    /// `architecture` of an OCI image configuration (Go's GOARCH).
    pub fn oci(self) -> &'static str {
        match self {
            Self::X86_64 => "amd64",
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

    /// Rust's `target_arch`.
    pub(crate) fn rust(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Arm64 => "aarch64",
        }
    }

    /// `e_machine` of an ELF header.
    pub(crate) fn elf_machine(self) -> u16 {
        match self {
            Self::X86_64 => object::elf::EM_X86_64.0,
            Self::Arm64 => object::elf::EM_AARCH64.0,
        }
    }
}

impl FromStr for Architecture {
    type Err = ImageError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "x86_64" => Ok(Self::X86_64),
            "arm64" => Ok(Self::Arm64),
            _ => Err(ImageError::refused(format!("architecture must be x86_64 or arm64, found `{text}`"))),
        }
    }
}
