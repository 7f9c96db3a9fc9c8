//! What reasons in a template excuse, and when they are told to be needless.

#![expect(clippy::unwrap_used, reason = "a test that cannot be prepared has failed")]

use std::collections::BTreeMap;

use seatrial_permissions::{Judgement, Listed, Record, Role, Sources, Use, judge};

const TEMPLATE: &str = r#"Resources:
  Role:
    Type: AWS::IAM::Role
    Metadata:
      Permissions:
        - {Policy: p, Actions: ["sqs:SendMessage"], Reason: because, Sometimes: SOMETIMES}
    Properties:
      AssumeRolePolicyDocument: {Statement: {Effect: Allow, Action: "sts:AssumeRole", Principal: {Service: a.b.com}}}
      Policies:
        - PolicyName: p
          PolicyDocument:
            Statement:
              - {Effect: Allow, Action: "sqs:SendMessage", Resource: "arn:aws:sqs:r:000000000000:q"}
"#;
const POLICY: &str = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sqs:SendMessage",
    "Resource": "arn:aws:sqs:r:000000000000:q"}]}"#;

fn judged(sometimes: &str, is_used: bool) -> Judgement {
    let mut sources = Sources::default();
    let text = TEMPLATE.replace("SOMETIMES", sometimes);
    sources.add("a", &seatrial_template::parse("a.yml", text.as_bytes()).unwrap()).unwrap();
    let arn = "arn:aws:iam::000000000000:role/web-a-Role-1".to_owned();
    let used = Use {
        principal: arn.clone(),
        program: None,
        action: "sqs:SendMessage".to_owned(),
        resource: "arn:aws:sqs:r:000000000000:q".to_owned(),
        context: BTreeMap::new(),
        operation: "sqs:SendMessage".to_owned(),
        allowed: 1,
        denied: 0,
    };
    let role = Role {
        name: "web-a-Role-1".to_owned(),
        arn,
        stack: Some("web-a".to_owned()),
        logical_id: Some("Role".to_owned()),
        trust: "{}".to_owned(),
        policies: BTreeMap::from([("p".to_owned(), POLICY.to_owned())]),
    };
    let record = Record {
        account: "000000000000".to_owned(),
        region: "r".to_owned(),
        uses: if is_used { vec![used] } else { Vec::new() },
        roles: vec![role],
        ..Record::default()
    };
    judge(&record, &sources, ("web-", &Listed::default()))
}

#[test]
fn a_reason_for_what_is_used_is_needless_unless_it_is_for_what_only_some_use() {
    for (sometimes, is_used, is_good) in
        [("false", false, true), ("false", true, false), ("true", false, true), ("true", true, true)]
    {
        let judgement = judged(sometimes, is_used);
        assert_eq!(judgement.is_good(), is_good, "{sometimes}, {is_used}: {judgement:?}");
        assert!(judgement.permissions.len() >= 3, "{judgement:?}");
    }
}

#[test]
fn of_a_record_that_is_not_whole_only_what_was_used_counts() {
    let mut judgement = judged("false", true);
    judgement.forget_unused();
    assert!(judgement.is_good() && judgement.permissions.iter().all(|found| found.is_missed()));
    let mut judgement = judged("false", false);
    judgement.forget_unused();
    assert!(judgement.permissions.is_empty());
}
