//! Who may assume a role.

use seatrial_policy::{Layer, PolicyKind};

use crate::case::Outcome::{Allowed, Denied, NotAllowed};
use crate::case::{Case, Outcome, case, policy};

const DEPUTY: &str = "confused-deputy.html";
const ECS: &str = "AmazonECS/latest/developerguide/task-iam-roles.html";
const BUILD: &str = "codebuild/latest/userguide/cross-service-confused-deputy-prevention.html";
const TRUST: &str = "id_roles_compare-resource-policies.html";
const EXTERNAL: &str = "id_roles_common-scenarios_third-party.html";
const ROLE: &str = "arn:aws:iam::111122223333:role/app";
const NO: Outcome = NotAllowed(Layer::Trust);

fn trusting(principal: &str, condition: &str) -> String {
    policy(&format!(
        r#"{{"Effect":"Allow","Principal":{principal},"Action":"sts:AssumeRole",
            "Condition":{{{condition}}}}}"#
    ))
}

fn asked(page: &'static str, claim: &'static str, document: &str, outcome: Outcome) -> Case {
    case(page, claim).of_resource(PolicyKind::Trust, document).asks("sts:AssumeRole", ROLE).is(outcome)
}

pub fn cases() -> Vec<Case> {
    [services(), people()].into_iter().flatten().collect()
}

fn services() -> Vec<Case> {
    let tasks = trusting(
        r#"{"Service":"ecs-tasks.amazonaws.com"}"#,
        r#""ArnLike":{"aws:SourceArn":"arn:aws:ecs:us-west-2:111122223333:*"},
            "StringEquals":{"aws:SourceAccount":"111122223333"}"#,
    );
    let build = trusting(
        r#"{"Service":"codebuild.amazonaws.com"}"#,
        r#""StringEquals":{"aws:SourceArn":"arn:aws:codebuild:us-east-1:111122223333:project/MyProject"}"#,
    );
    let plain = trusting(r#"{"Service":"codepipeline.amazonaws.com"}"#, "");
    let task = |claim, account: &str, arn: &str, outcome| {
        let asked = asked(ECS, claim, &tasks, outcome).service("ecs-tasks.amazonaws.com");
        asked.with("aws:SourceAccount", &[account]).with("aws:SourceArn", &[arn])
    };
    vec![
        task(
            "account and ARN of the tasks",
            "111122223333",
            "arn:aws:ecs:us-west-2:111122223333:task/c/1",
            Allowed,
        ),
        task("another account's tasks", "444455556666", "arn:aws:ecs:us-west-2:444455556666:task/c/1", NO),
        task("another region's tasks", "111122223333", "arn:aws:ecs:eu-west-1:111122223333:task/c/1", NO),
        asked(DEPUTY, "a service that sends no aws:SourceArn", &tasks, NO).service("ecs-tasks.amazonaws.com"),
        asked(BUILD, "the project itself", &build, Allowed)
            .service("codebuild.amazonaws.com")
            .with("aws:SourceArn", &["arn:aws:codebuild:us-east-1:111122223333:project/MyProject"]),
        asked(BUILD, "another project", &build, NO)
            .service("codebuild.amazonaws.com")
            .with("aws:SourceArn", &["arn:aws:codebuild:us-east-1:111122223333:project/Other"]),
        asked(TRUST, "a service that is named", &plain, Allowed).service("codepipeline.amazonaws.com"),
        asked(TRUST, "a service that is not named", &plain, NO).service("codebuild.amazonaws.com"),
    ]
}

fn people() -> Vec<Case> {
    let assume = policy(
        r#"{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"arn:aws:iam::111122223333:role/*"}"#,
    );
    let user = trusting(r#"{"AWS":"arn:aws:iam::111122223333:user/alice"}"#, "");
    let account = trusting(r#"{"AWS":"arn:aws:iam::111122223333:root"}"#, "");
    let role = trusting(r#"{"AWS":"arn:aws:iam::111122223333:role/deployer"}"#, "");
    // The trusted account is the caller's, the role is of the account that it works for.
    let external = trusting(r#"{"AWS":"111122223333"}"#, r#""StringEquals":{"sts:ExternalId":"12345"}"#);
    let theirs = |claim, outcome| {
        let assume = policy(r#"{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}"#);
        let asked = case(EXTERNAL, claim).identity(&assume).of_resource(PolicyKind::Trust, &external);
        asked.asks("sts:AssumeRole", "arn:aws:iam::444455556666:role/ExampleRole").is(outcome)
    };
    let denied = policy(
        r#"{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"},
        {"Effect":"Deny","Principal":{"AWS":"arn:aws:iam::111122223333:user/alice"},
            "Action":"sts:AssumeRole"}"#,
    );
    vec![
        asked(TRUST, "the trust policy must allow, whatever an identity-based policy does", &role, NO)
            .identity(&assume),
        asked(TRUST, "a user that is named, in the same account", &user, Allowed),
        asked(
            TRUST,
            "the account is trusted: an identity-based policy must allow",
            &account,
            NotAllowed(Layer::Identity),
        ),
        asked(TRUST, "the account is trusted, and an identity-based policy allows", &account, Allowed)
            .identity(&assume),
        asked(TRUST, "sessions of a role that is named", &role, Allowed).role("deployer", "s"),
        asked(TRUST, "a role that is not named may not assume itself", &user, NO).role("app", "s"),
        theirs("another account's role, with the external ID", Allowed).with("sts:ExternalId", &["12345"]),
        theirs("another account's role, with another external ID", NO).with("sts:ExternalId", &["67890"]),
        theirs("another account's role, without the external ID", NO),
        asked(TRUST, "an explicit deny in the trust policy", &denied, Denied(Layer::Trust)),
    ]
}
