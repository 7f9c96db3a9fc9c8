//! Two operators at the same moment.

use aws_sdk_cloudformation::types::StackStatus;

use crate::workbench::{Ended, FIRST, SECOND, Workbench};

const ROUNDS: usize = 20;
/// `third` and `fourth` do not depend on others, so that all stacks of both operators meet.
const ALONE: &str = "Resources: {Group: {Type: AWS::Logs::LogGroup}}";

#[test]
fn two_operators_who_make_a_fresh_environment_at_once_lose_no_stack_and_leave_nothing_behind() {
    let workbench = Workbench::started();
    workbench.write("infra/stacks/third.yml", ALONE);
    workbench.write("infra/stacks/fourth.yml", ALONE);
    for round in 0..ROUNDS {
        // A project of its own each time: an environment that nobody has made yet.
        let project = format!(
            "project: round{round}\nsource: {{repository: o/n}}\nenvironments:\n  local: {{parameters: {{first.Days: '7'}}}}\n"
        );
        workbench.write("infra/project.yml", &project);
        workbench.write("infra/stacks/first.yml", FIRST);
        workbench.write("infra/stacks/second.yml", SECOND);

        let provision = ["provision", "--yes", "--output", "json"];
        let operators = [workbench.spawn(&provision), workbench.spawn(&provision)];

        for operator in operators {
            let ended = Ended::of(operator.wait_with_output().unwrap());
            ended.object();
            assert_eq!(ended.code, Some(0), "round {round}: {}", ended.stderr);
        }
        let prefix = format!("round{round}-local-");
        let stacks: Vec<_> =
            workbench.stacks().into_iter().filter(|(name, _)| name.starts_with(&prefix)).collect();
        let expected = ["first", "fourth", "second", "third"]
            .map(|name| (format!("{prefix}{name}"), StackStatus::CreateComplete));
        assert_eq!(stacks, expected);
        workbench.assert_nothing_is_left_behind();
    }
}
