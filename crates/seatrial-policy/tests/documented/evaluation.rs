//! Identity-based policies: explicit and implicit denies.

use seatrial_policy::Layer;

use crate::case::Outcome::{Denied, NotAllowed};
use crate::case::{Case, case, policy};

const INTERPLAY: &str = "reference_policies_evaluation-logic_AccessPolicyLanguage_Interplay.html";
const BASICS: &str = "reference_policies_evaluation-logic_policy-eval-basics.html";
const DENY_ALLOW: &str = "reference_policies_evaluation-logic_policy-eval-denyallow.html";

/// The page's example: lists and gets are allowed, reports denied, all else neither.
const GET_LIST: &str = r#"{"Version":"2012-10-17","Statement":[
    {"Sid":"AllowGetList","Effect":"Allow","Action":["iam:Get*","iam:List*"],"Resource":"*"},
    {"Sid":"DenyReports","Effect":"Deny","Action":"iam:*Report","Resource":"*"}]}"#;

pub fn cases() -> Vec<Case> {
    let any = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;
    vec![
        case(INTERPLAY, "AllowGetList allows actions that begin with Get")
            .identity(GET_LIST)
            .asks("iam:GetUser", "*"),
        case(INTERPLAY, "AllowGetList allows actions that begin with List")
            .identity(GET_LIST)
            .asks("iam:ListRoles", "*"),
        case(INTERPLAY, "iam:CreatePolicy is implicitly denied")
            .identity(GET_LIST)
            .asks("iam:CreatePolicy", "*")
            .is(NotAllowed(Layer::Identity)),
        case(INTERPLAY, "DenyReports denies iam:GetOrganizationsAccessReport")
            .identity(GET_LIST)
            .asks("iam:GetOrganizationsAccessReport", "*")
            .is(Denied(Layer::Identity)),
        case(INTERPLAY, "another policy that allows reports is denied all the same")
            .identity(GET_LIST)
            .identity(&policy(r#"{"Effect":"Allow","Action":"iam:GenerateCredentialReport","Resource":"*"}"#))
            .asks("iam:GenerateCredentialReport", "*")
            .is(Denied(Layer::Identity)),
        case(DENY_ALLOW, "by default all requests are implicitly denied")
            .asks("s3:GetObject", "arn:aws:s3:::b/k")
            .is(NotAllowed(Layer::Identity)),
        case(DENY_ALLOW, "an explicit deny overrides an allow in the same policy")
            .identity(&policy(&format!(r#"{any},{{"Effect":"Deny","Action":"s3:*","Resource":"*"}}"#)))
            .asks("s3:GetObject", "arn:aws:s3:::b/k")
            .is(Denied(Layer::Identity)),
        case(BASICS, "all identity-based policies are checked for at least one Allow")
            .identity(&policy(r#"{"Effect":"Allow","Action":"ec2:*","Resource":"*"}"#))
            .identity(&policy(r#"{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}"#))
            .asks("s3:GetObject", "arn:aws:s3:::b/k"),
    ]
}
