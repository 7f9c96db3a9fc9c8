//! Who may name whom: the arrows between modules point downward only.

use std::path::Path;

use seatrial::Checking;

use crate::rules::{is_test, read, without_tests};

/// Files under `under` may not contain any of `words` (paths as they stand in `use` lines and in code).
struct Rule {
    under: &'static str,
    except: &'static [&'static str],
    words: &'static [&'static str],
    because: &'static str,
}

const RULES: &[Rule] = &[
    Rule {
        under: "crates/seatrial/src/",
        except: &["crates/seatrial/src/aws/"],
        words: &["aws_sdk_"],
        because: "only `aws/` names an SDK crate",
    },
    Rule {
        under: "crates/seatrial/src/",
        except: &["crates/seatrial/src/aws/clients.rs"],
        words: &["aws_config::defaults", "BehaviorVersion", "Client::new(", "from_conf("],
        because: "only `clients.rs` builds clients",
    },
    Rule {
        under: "crates/seatrial/src/",
        // Their texts are hints, which are spelled where they are printed.
        except: &[
            "crates/seatrial/src/session.rs",
            "crates/seatrial/src/tool.rs",
            "crates/seatrial/src/install.rs",
            "crates/seatrial/src/local/post.rs",
            "crates/seatrial/src/commands/generate.rs",
            "crates/seatrial/src/commands/local.rs",
        ],
        words: &["cargo xtask"],
        because: "`Session::command` spells what to type, as the project calls the tool",
    },
    Rule {
        under: "crates/seatrial/src/aws/",
        except: &[],
        words: &[
            "crate::commands",
            "crate::follow",
            "crate::plan",
            "crate::rollout",
            "crate::output",
            "crate::cli",
            "crate::local",
        ],
        because: "`aws` calls nothing above it",
    },
    Rule {
        under: "crates/seatrial/src/output/",
        except: &[],
        words: &[
            "crate::commands",
            "crate::follow",
            "crate::plan",
            "crate::rollout",
            "crate::aws",
            "crate::cli",
        ],
        because: "`output` shows events and knows nobody who tells them",
    },
    Rule {
        under: "crates/seatrial/src/follow/",
        except: &[],
        words: &["crate::commands", "crate::plan", "seatrial_project", "crate::cli"],
        because: "`follow` calls `rollout`, `aws` and `output` only",
    },
    Rule {
        under: "crates/seatrial/src/rollout/",
        except: &[],
        words: &[
            "crate::commands",
            "crate::follow",
            "crate::plan",
            "crate::output",
            "seatrial_project",
            "crate::cli",
        ],
        because: "`rollout` calls `aws` only",
    },
    Rule {
        under: "crates/seatrial/src/plan/",
        except: &[],
        words: &[
            "crate::aws::Aws",
            "crate::commands",
            "crate::follow",
            "crate::rollout",
            "crate::output",
            "crate::cli",
            "crate::local",
            "fs::write",
            "fs::create",
            "fs::remove",
            "fs::rename",
            "File::",
            "OpenOptions",
            "tokio::",
        ],
        because: "`plan` is pure: it reads templates, and nothing else",
    },
    Rule {
        under: "crates/seatrial-project/",
        except: &[],
        words: &["seatrial_local", "seatrial_image", "tokio", "std::fs::write"],
        because: "`seatrial-project` is pure, and below all that read it",
    },
    Rule {
        under: "crates/seatrial-local/src/",
        except: &[
            "crates/seatrial-local/src/services/",
            "crates/seatrial-local/src/registry/",
            "crates/seatrial-local/src/doors.rs",
            "crates/seatrial-local/src/start.rs",
        ],
        words: &["crate::services"],
        because: "services stand on it; only the doors above them know them",
    },
    Rule {
        under: "crates/seatrial-local/src/services/",
        except: &[],
        words: &[".dispatch("],
        because: "services call each other by typed operations; names are for HTTP",
    },
    Rule {
        under: "crates/seatrial-actions/",
        except: &[],
        words: &["seatrial_local", "tokio", "std::fs", "std::env", "std::net", "std::process"],
        because: "`seatrial-actions` is pure: its data is part of the program",
    },
    Rule {
        under: "crates/seatrial-template/",
        except: &[],
        words: &["seatrial_local", "xtask", "tokio"],
        because: "`template` is pure and at the bottom",
    },
    Rule {
        under: "crates/seatrial-policy/src/",
        except: &[],
        words: &[
            "seatrial_local",
            "seatrial_template",
            "tokio",
            "std::fs",
            "std::net::Tcp",
            "std::env",
            "std::time",
            "now()",
        ],
        because: "`policy` is pure: a decision follows from its arguments alone",
    },
    Rule {
        under: "crates/",
        except: &["crates/seatrial-git/"],
        words: &["Command::new(\"git\")"],
        because: "git is asked through `seatrial-git` alone",
    },
    Rule {
        under: "xtask/",
        except: &["xtask/src/arrows.rs"],
        words: &["Command::new(\"git\")"],
        because: "git is asked through `seatrial-git` alone",
    },
];

/// Crates and what may not stand in their `[dependencies]`.
const DEPENDENCIES: &[(&str, &[&str])] = &[
    ("app/Cargo.toml", &["seatrial", "aws-"]),
    // Its cipher, aws-lc-rs, is no part of the SDK.
    (
        "crates/seatrial-local/Cargo.toml",
        &["aws-sdk-", "aws-config", "aws-smithy-", "seatrial-image", "seatrial-project", "seatrial."],
    ),
    ("crates/seatrial-git/Cargo.toml", &["aws-", "seatrial", "tokio"]),
    ("crates/seatrial-page/Cargo.toml", &["aws-", "seatrial", "tokio", "axum"]),
    ("crates/seatrial-ask/Cargo.toml", &["aws-", "seatrial."]),
    ("crates/seatrial-query/Cargo.toml", &["seatrial."]),
    ("crates/seatrial-policy/Cargo.toml", &["aws-", "seatrial", "tokio"]),
    ("crates/seatrial-actions/Cargo.toml", &["aws-", "seatrial", "tokio"]),
    (
        "crates/seatrial-permissions/Cargo.toml",
        &["aws-", "seatrial-local", "seatrial-project", "seatrial.", "tokio"],
    ),
    ("crates/seatrial-template/Cargo.toml", &["aws-", "seatrial", "tokio"]),
    (
        "crates/seatrial-project/Cargo.toml",
        &["aws-", "seatrial-local", "seatrial-image", "seatrial.", "tokio"],
    ),
    ("crates/seatrial-image/Cargo.toml", &["seatrial-local", "seatrial.", "aws-sdk-s3"]),
];

/// Every breach, one a line.
pub(crate) fn check(checking: &Checking<'_>) -> Result<(), String> {
    let mut breaches = Vec::new();
    for path in checking.files("*.rs")? {
        let name = path.to_string_lossy().into_owned();
        let text = read(checking, &path)?;
        for rule in RULES {
            breaches.extend(rule.breaches(&name, &text));
        }
        breaches.extend(foreign_stores(&name, &text));
    }
    for (manifest, forbidden) in DEPENDENCIES {
        let text = read(checking, Path::new(manifest))?;
        breaches.extend(forbidden_dependencies(manifest, &text, forbidden));
    }
    if breaches.is_empty() { Ok(()) } else { Err(breaches.join("\n")) }
}

impl Rule {
    fn breaches(&self, name: &str, text: &str) -> Vec<String> {
        // Tests may prepare what they need by any means.
        let is_exempt = is_test(Path::new(name)) || self.except.iter().any(|except| name.starts_with(except));
        if is_exempt || !name.starts_with(self.under) {
            return Vec::new();
        }
        without_tests(text)
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
            .filter_map(|(number, line)| {
                let word = self.words.iter().find(|word| line.contains(*word))?;
                Some(format!("{name}:{number}: names `{word}`, but {}", self.because))
            })
            .collect()
    }
}

/// A service's store is its own: others go through `cloud.call`.
fn foreign_stores(name: &str, text: &str) -> Vec<String> {
    let Some(rest) = name.strip_prefix("crates/seatrial-local/src/services/") else { return Vec::new() };
    let own = rest.split('/').next().unwrap_or_default();
    let foreign = |line: &str| {
        let at = line.find("services::")?;
        let path = line.get(at + "services::".len()..)?;
        let (service, inside) = path.split_once("::")?;
        (service != own && inside.starts_with("store")).then(|| service.to_owned())
    };
    let lines = text.lines().enumerate();
    lines
        .filter_map(|(index, line)| {
            let service = foreign(line)?;
            Some(format!("{name}:{}: touches the store of `{service}`; use `cloud.call`", index + 1))
        })
        .collect()
}

fn forbidden_dependencies(manifest: &str, text: &str, forbidden: &[&str]) -> Vec<String> {
    let section = text.split("[dependencies]").nth(1).unwrap_or_default();
    let section = section.split("\n[").next().unwrap_or_default();
    let named = |line: &&str| forbidden.iter().any(|name| line.starts_with(name));
    section.lines().filter(named).map(|line| format!("{manifest}: must not depend on `{line}`")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_sdk_crate_named_outside_aws_is_a_breach() {
        let text = "use aws_sdk_ecs::Client;\n";

        assert_eq!(RULES[0].breaches("crates/seatrial/src/follow/stack.rs", text).len(), 1);
        assert!(RULES[0].breaches("crates/seatrial/src/aws/ecs/mod.rs", text).is_empty());
    }

    #[test]
    fn every_module_and_crate_that_a_rule_forbids_is_there() {
        let crates = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../crates"));
        for rule in RULES {
            let of_rule = rule.under.split('/').nth(1).unwrap_or_default();
            for word in rule.words {
                let first = |path: &str| path.split("::").next().unwrap().to_owned();
                let place = match word.strip_prefix("crate::").map(first) {
                    Some(module) => crates.join(of_rule).join("src").join(module),
                    None if word.starts_with("seatrial_") => crates.join(word.replace('_', "-")),
                    None => continue,
                };
                assert!(place.exists() || place.with_extension("rs").exists(), "{word}: {}", place.display());
            }
        }
    }

    #[test]
    fn a_client_that_is_built_in_a_second_place_is_a_breach() {
        let text = "let client = aws_sdk_cloudformation::Client::new(self.config());\n";

        assert_eq!(RULES[1].breaches("crates/seatrial/src/aws/cloudformation.rs", text).len(), 1);
        assert!(RULES[1].breaches("crates/seatrial/src/aws/clients.rs", text).is_empty());
    }

    #[test]
    fn the_store_of_another_service_is_a_breach() {
        let text = "use crate::services::iam::store::Roles;\n";

        assert_eq!(foreign_stores("crates/seatrial-local/src/services/ecs/mod.rs", text).len(), 1);
        assert!(foreign_stores("crates/seatrial-local/src/services/iam/mod.rs", text).is_empty());
    }

    #[test]
    fn development_dependencies_may_name_the_sdk() {
        let text =
            "[dependencies]\nserde.workspace = true\n\n[dev-dependencies]\naws-sdk-s3.workspace = true\n";

        assert!(forbidden_dependencies("crates/seatrial-local/Cargo.toml", text, &["aws-"]).is_empty());
    }
}
