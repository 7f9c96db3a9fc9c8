//! A rehearsal under a key of the customer.

use serde_json::{Value, json};

use crate::support::checkout::Checkout;
use crate::support::fixture::Layout;

const KEY: &str = "arn:aws:kms:eu-central-1:000000000000:key/134f2428-cec1-4b25-a1ae-9048164dba47";

/// Each permission on the key is needed, as each other one is; without one of them the release fails, and role, action and
/// line are named.
#[test]
fn under_a_key_of_the_customer_each_role_may_use_it_and_one_that_may_not_is_named() {
    let checkout = Checkout::of_fixture(Layout::Member);
    checkout.edit_project("local: {}", &format!("local: {{kms_key: '{KEY}'}}"));
    checkout.commit_all("Name a key");

    let verdict = checkout.json(&["rehearse", "--scenario", "deploy", "--rate", "50"]);

    assert_eq!(
        (&verdict["verdict"], &verdict["stand_ins"]),
        (&json!("pass"), &json!(["kms_key"])),
        "{verdict}"
    );
    let judged = checkout.json(&["permissions", "--check"]);
    assert_eq!(
        (&judged["passed"], &judged["unused"], &judged["denied"]),
        (&json!(true), &json!(0), &json!([]))
    );
    let on_key = judged.to_string().matches("kms:GenerateDataKey").count();
    assert!(on_key >= 2, "{judged}");

    let both = "                    - kms:Decrypt\n                    - kms:GenerateDataKey\n";
    checkout.edit_stack("pipeline", both, "                    - kms:Decrypt\n");
    checkout.commit_all("Forget an action");
    let ended = checkout.run(&["rehearse", "--scenario", "deploy", "--output", "json"]);

    assert_ne!(ended.code, Some(0));
    let verdict: Value = serde_json::from_str(&ended.stdout).unwrap();
    let denials = verdict["authorization"]["denials"].to_string();
    for told in ["PipelineRole", "kms:GenerateDataKey", KEY, "infra/stacks/pipeline.yml:"] {
        assert!(denials.contains(told), "{told} is not in {denials}");
    }
}
