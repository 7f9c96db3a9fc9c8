//! How much each command leaves on a terminal.

use super::{Cli, Command, LocalCommand};
use crate::output::Manner;

impl Cli {
    /// Whether this is the local cloud itself, and no command of a person's.
    pub(crate) fn is_daemon(&self) -> bool {
        matches!(self.command, Command::Local(LocalCommand::Serve(_)))
    }

    /// How much stays on a terminal. What is asked for to be read, copied or kept is shown whole.
    pub(crate) fn manner(&self) -> Manner {
        let is_document = match &self.command {
            Command::Logs(_) | Command::Run(_) | Command::Graph(_) | Command::Diff(_) | Command::Local(_) => {
                true
            }
            Command::Permissions(args) => args.policy.is_some(),
            Command::Provision(args) => args.consent.dry_run || args.chart.timeline.is_some(),
            Command::Destroy(args) => args.consent.dry_run || args.chart.timeline.is_some(),
            // What its programs print is theirs.
            Command::Check(_) => return Manner::Verbose,
            _ => false,
        };
        match (self.globals.verbose, is_document) {
            (true, _) => Manner::Verbose,
            (false, true) => Manner::Document,
            (false, false) => Manner::Brief,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[test]
    fn every_command_leaves_little_but_what_was_asked_for_to_be_read_copied_or_kept() {
        let cases = [
            (
                Manner::Brief,
                "provision; provision --yes; release; release --again; rollback; rollback --list",
            ),
            (
                Manner::Brief,
                "destroy; build-image --push; rehearse --scenario crash; doctor; explain; status",
            ),
            (Manner::Brief, "permissions; generate; status --drift"),
            (Manner::Document, "logs; logs --follow; run -- ls; graph; diff; local status; local open"),
            (Manner::Document, "permissions --policy operator; provision --timeline; destroy --dry-run"),
            (Manner::Verbose, "check; provision --verbose; logs --verbose; rehearse --verbose"),
        ];
        for (manner, commands) in cases {
            for typed in commands.split("; ") {
                let words = std::iter::once("xtask").chain(typed.split(' '));
                assert_eq!(Cli::try_parse_from(words).unwrap().manner(), manner, "{typed}");
            }
        }
    }
}
