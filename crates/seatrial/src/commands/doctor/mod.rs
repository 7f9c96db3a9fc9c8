//! `cargo xtask doctor`: what must be true before anything else, each check with its remedy. Changes nothing, and starts
//! no local cloud: environment `local` needs no account.

mod account;
mod finding;
mod here;
mod private;
mod privileges;

use std::fmt;

use serde::Serialize;

use self::finding::{Finding, Verdict};
use crate::cli::Globals;
use crate::context::{find_root, load_environment, uses_local_cloud};
use crate::exit::Refused;
use crate::outcome::Report;
use crate::session::Session;

/// The checks, in the order in which they matter.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Diagnosis {
    environment: String,
    checks: Vec<Finding>,
}

pub(crate) async fn run(session: &Session, globals: &Globals) -> anyhow::Result<Report<Diagnosis>> {
    let root = find_root()?;
    let environment = load_environment(&root, globals)?;
    let is_local = uses_local_cloud(&environment)?;
    let mut checks = here::checks(session, &root, &environment).await?;
    if is_local {
        checks.push(here::postgres(session));
        checks.push(here::namespaces(&environment).await);
    } else {
        checks.push(here::remote_branch(&root, &environment));
        checks.extend(private::by_ssh(&root, &environment));
        checks.extend(account::checks(session, &root, &environment).await?);
    }
    let failed = checks.iter().filter(|check| check.result == Verdict::Failed);
    let error = |check: &Finding| {
        let refused = Refused::new(format!("check `{}` failed: {}", check.check, check.found));
        check.remedy.iter().fold(refused, |refused, remedy| refused.hint(remedy)).into()
    };
    let errors = failed.map(error).collect();
    Ok(Report { fields: Diagnosis { environment: environment.name, checks }, errors })
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.checks.iter().try_for_each(|check| writeln!(f, "{check}"))
    }
}
