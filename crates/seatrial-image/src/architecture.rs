//! One processor architecture under the names that Rust, OCI and ELF give it.

use seatrial_project::{Architecture, ImageTarget};

/// What the makers of an image call an architecture.
pub(crate) trait ArchitectureNames {
    /// Rust's target triple.
    fn target(self, library: ImageTarget) -> &'static str;
    /// `architecture` of an OCI image configuration (Go's GOARCH).
    fn oci(self) -> &'static str;
    /// Rust's `target_arch`.
    fn rust(self) -> &'static str;
    /// `e_machine` of an ELF header (EM_X86_64, EM_AARCH64).
    fn elf_machine(self) -> u16;
}

impl ArchitectureNames for Architecture {
    fn target(self, library: ImageTarget) -> &'static str {
        match (self, library) {
            (Self::X86_64, ImageTarget::Gnu) => "x86_64-unknown-linux-gnu",
            (Self::X86_64, ImageTarget::Musl) => "x86_64-unknown-linux-musl",
            (Self::Arm64, ImageTarget::Gnu) => "aarch64-unknown-linux-gnu",
            (Self::Arm64, ImageTarget::Musl) => "aarch64-unknown-linux-musl",
        }
    }

    fn oci(self) -> &'static str {
        match self {
            Self::X86_64 => "amd64",
            Self::Arm64 => "arm64",
        }
    }

    fn rust(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Arm64 => "aarch64",
        }
    }

    fn elf_machine(self) -> u16 {
        match self {
            Self::X86_64 => object::elf::EM_X86_64.0,
            Self::Arm64 => object::elf::EM_AARCH64.0,
        }
    }
}
