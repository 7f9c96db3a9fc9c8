//! A command that is killed at any moment, as by a power cut: the next run ends where the first would have, and nothing
//! is left that no stack holds.

#![expect(clippy::unwrap_used, reason = "a test that cannot be prepared has failed")]

use std::process::Child;

use aws_sdk_cloudformation::types::StackStatus;

use crate::workbench::{ANOTHER_GROUP, FIRST, SECOND, Workbench};

const PROVISION: [&str; 6] = ["provision", "--yes", "--environment", "account", "--output", "json"];
const DESTROY: [&str; 6] = ["destroy", "--yes", "--environment", "account", "--output", "json"];
/// Moments of each command.
const ROUNDS: usize = 8;
/// So many calls each of them makes at the least.
const CALLS: usize = 14;

/// Takes what `second` offers, so that there are three waves, and one stack beside them.
const THIRD: &str = "Parameters:
  Kept: {Type: String}
Resources:
  Group:
    Type: AWS::Logs::LogGroup
    Properties: {RetentionInDays: !Ref Kept}
";
const ALONE: &str = "Resources: {Bucket: {Type: AWS::S3::Bucket}, Group: {Type: AWS::Logs::LogGroup}}\n";

impl Workbench {
    fn journal(&self) -> usize {
        let journal: serde_json::Value =
            serde_json::from_str(&self.ask("GET", "/_local/journal", "")).unwrap();
        journal.as_array().unwrap().len()
    }

    /// Kills a command once it has made so many calls, or lets it end.
    fn kill_after(&self, mut child: Child, calls: usize) {
        let begun = self.journal();
        while child.try_wait().unwrap().is_none() {
            if self.journal() >= begun + calls {
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
    }

    /// How many log groups there are, whoever holds them.
    fn all_log_groups(&self) -> usize {
        let client = aws_sdk_cloudwatchlogs::Client::new(&self.config());
        self.answer(client.describe_log_groups().send()).unwrap().log_groups().len()
    }
}

#[track_caller]
fn assert_converges(workbench: &Workbench, (days, groups): (&str, usize), round: &str) {
    let ended = workbench.run(&PROVISION);
    assert_eq!(ended.code, Some(0), "{round}: {ended:?}");
    let outputs = ended.object()["outputs"].clone();
    assert_eq!(outputs, serde_json::json!({ "Retention": days, "Kept": days }), "{round}");
    for (stack, status) in workbench.stacks() {
        let done = [StackStatus::CreateComplete, StackStatus::UpdateComplete];
        assert!(done.contains(&status), "{round}: {stack} is {status}");
    }
    assert_eq!((workbench.stacks().len(), workbench.all_log_groups()), (4, groups), "{round}");
    let again = workbench.run(&PROVISION);
    assert_eq!((again.code, &again.object()["changed"]), (Some(0), &false.into()), "{round}: {again:?}");
}

#[track_caller]
fn assert_destroyed(workbench: &Workbench, round: &str) {
    let ended = workbench.run(&DESTROY);
    assert_eq!(ended.code, Some(0), "{round}: {ended:?}");
    assert_eq!((workbench.stacks(), workbench.all_log_groups()), (Vec::new(), 0), "{round}: {ended:?}");
}

#[test]
fn whatever_moment_a_command_is_killed_at_the_next_run_ends_where_it_would_have_and_leaves_no_orphan() {
    let workbench = Workbench::started();
    let second = format!("{SECOND}Outputs: {{Kept: {{Value: !Ref Retention}}}}\n");
    workbench.write("infra/stacks/third.yml", THIRD);
    workbench.write("infra/stacks/alone.yml", ALONE);
    // So that operations go on after whoever began them is gone.
    for operation in ["CreateLogGroup", "DeleteLogGroup", "PutRetentionPolicy"] {
        let slow = serde_json::json!(
            { "kind": "slow", "operation": operation, "delay_ms": 100, "count": 100_000 });
        workbench.ask("POST", "/_local/faults", &slow.to_string());
    }
    for number in 0..ROUNDS {
        // Spread over the whole of a command: from its first call to beyond its last.
        let moment = 1 + number * 3 * CALLS / ROUNDS;
        workbench.set_days("7");
        workbench.write("infra/stacks/first.yml", FIRST);
        workbench.write("infra/stacks/second.yml", &second);
        workbench.kill_after(workbench.spawn(&PROVISION), moment);
        assert_destroyed(&workbench, &format!("fresh and destroyed, {moment} calls"));

        workbench.kill_after(workbench.spawn(&PROVISION), moment);
        assert_converges(&workbench, ("7", 4), &format!("fresh, {moment} calls"));

        workbench.set_days("14");
        let more = |text: &str| text.replace("Outputs:", &format!("{ANOTHER_GROUP}Outputs:"));
        workbench.write("infra/stacks/first.yml", &more(FIRST));
        workbench.write("infra/stacks/second.yml", &more(&second));
        workbench.kill_after(workbench.spawn(&PROVISION), moment);
        assert_converges(&workbench, ("14", 6), &format!("update, {moment} calls"));

        workbench.kill_after(workbench.spawn(&DESTROY), moment);
        assert_destroyed(&workbench, &format!("destroy, {moment} calls"));
    }
}
