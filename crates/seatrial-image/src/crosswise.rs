//! A binary for another processor than this machine's: by musl alone, whose Rust target brings C library and start files,
//! linked by the toolchain's own `rust-lld`. What compiles C besides would want a compiler for that processor.

use std::env;

use seatrial_project::Architecture;

use crate::architecture::ArchitectureNames as _;
use crate::error::ImageError;

/// What a compilation for another processor needs besides.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Crosswise {
    target: &'static str,
}

impl Crosswise {
    /// Of a compilation for `architecture`, with Rust's name of its target; `None` where it is this machine's.
    ///
    /// # Errors
    /// Refused where the target is glibc's: no toolchain of Rust brings that for another processor.
    pub(crate) fn of(architecture: Architecture, target: &'static str) -> Result<Option<Self>, ImageError> {
        Self::of_machine(env::consts::ARCH, architecture, target)
    }

    fn of_machine(
        here: &str,
        architecture: Architecture,
        target: &'static str,
    ) -> Result<Option<Self>, ImageError> {
        if here == architecture.rust() {
            return Ok(None);
        }
        if target.ends_with("-musl") {
            return Ok(Some(Self { target }));
        }
        let wanted = architecture.as_str();
        let refused = ImageError::refused(format!(
            "a binary of `{target}` cannot be linked on {here}: only musl's can"
        ));
        Err(refused.with_hint(format!(
            "set `image.target: musl` in `infra/project.yml`, or let CodeBuild build the image, natively on {wanted}"
        )))
    }

    /// For rustc.
    pub(crate) fn flags(&self) -> [String; 2] {
        ["-Clinker=rust-lld", "-Clink-self-contained=yes"].map(str::to_owned)
    }

    /// Refuses packages that compile C, before minutes are spent on others; not where a compiler is named for it.
    ///
    /// # Errors
    /// Refused with their names.
    pub(crate) fn refuse_c(&self, packages: &[&str]) -> Result<(), ImageError> {
        self.refuse_c_unless(packages, |variable| {
            env::var_os(variable).is_some_and(|value| !value.is_empty())
        })
    }

    fn refuse_c_unless(&self, packages: &[&str], is_set: impl Fn(&str) -> bool) -> Result<(), ImageError> {
        let Self { target } = self;
        // The names by which the crate cc finds a compiler (its documentation, "External configuration via environment
        // variables").
        let own = format!("CC_{}", target.replace('-', "_"));
        if packages.is_empty() || [own.as_str(), &format!("CC_{target}"), "TARGET_CC"].into_iter().any(is_set)
        {
            return Ok(());
        }
        let refused = ImageError::refused(format!(
            "`{}` compiles C for `{target}`, for which no compiler is named here",
            packages.join("`, `")
        ));
        Err(refused.with_hint(format!("let CodeBuild build the image, or set `{own}` to a compiler for it")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MUSL: &str = "aarch64-unknown-linux-musl";

    fn told(refused: ImageError) -> String {
        assert!(refused.is_refusal());
        format!("{refused} ({})", refused.hint().unwrap_or_default())
    }

    #[test]
    fn only_musl_is_linked_for_another_processor_and_by_the_toolchains_own_linker() {
        let of = |here: &str, target| Crosswise::of_machine(here, Architecture::Arm64, target);
        assert_eq!(of("aarch64", "aarch64-unknown-linux-gnu").unwrap(), None);
        assert_eq!(of("aarch64", MUSL).unwrap(), None);
        let crosswise = of("x86_64", MUSL).unwrap().unwrap();
        assert_eq!(crosswise.flags(), ["-Clinker=rust-lld", "-Clink-self-contained=yes"]);
        assert_eq!(
            told(of("x86_64", "aarch64-unknown-linux-gnu").unwrap_err()),
            "a binary of `aarch64-unknown-linux-gnu` cannot be linked on x86_64: only musl's can (set `image.target: musl` in \
             `infra/project.yml`, or let CodeBuild build the image, natively on arm64)"
        );
    }

    #[test]
    fn what_compiles_c_is_refused_by_name_unless_a_compiler_is_named() {
        let crosswise = Crosswise { target: MUSL };
        assert!(crosswise.refuse_c_unless(&[], |_| false).is_ok());
        assert_eq!(
            told(crosswise.refuse_c_unless(&["ring", "zstd-sys"], |_| false).unwrap_err()),
            "`ring`, `zstd-sys` compiles C for `aarch64-unknown-linux-musl`, for which no compiler is named here (let CodeBuild \
             build the image, or set `CC_aarch64_unknown_linux_musl` to a compiler for it)"
        );
        for named in ["CC_aarch64_unknown_linux_musl", "CC_aarch64-unknown-linux-musl", "TARGET_CC"] {
            assert!(crosswise.refuse_c_unless(&["ring"], |variable| variable == named).is_ok(), "{named}");
        }
    }
}
