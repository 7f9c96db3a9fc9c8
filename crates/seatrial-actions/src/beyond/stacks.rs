//! CloudFormation, IAM and STS.

use crate::on::On;
use crate::row::{Row, When, row};

const STACKS: &str = "service authorization reference cloudformation: API operations";
const STACK_POLICY: &str = "service authorization reference cloudformation: UpdateStack, and not CreateStack";
const TEMPLATE: &str = "API_CreateStack: TemplateURL is read with the caller's rights";
const DRIFT: &str = "service authorization reference cloudformation: DetectStackDrift; user guide, \
                     drift-aware-change-sets";
const IAM: &str = "service authorization reference iam: CreateRole";
const STS: &str = "service authorization reference sts: AssumeRole";

const TAGGED: &[&str] =
    &["cloudformation:CreateStack", "cloudformation:UpdateStack", "cloudformation:CreateChangeSet"];
const LOSING: &[&str] =
    &["cloudformation:UpdateStack", "cloudformation:CreateChangeSet", "cloudformation:ExecuteChangeSet"];
const WITH_ROLE: &[&str] = &[
    "cloudformation:ContinueUpdateRollback",
    "cloudformation:CreateChangeSet",
    "cloudformation:CreateStack",
    "cloudformation:DeleteStack",
    "cloudformation:RollbackStack",
    "cloudformation:UpdateStack",
];
const WITH_TEMPLATE: &[&str] = &[
    "cloudformation:CreateChangeSet",
    "cloudformation:CreateStack",
    "cloudformation:GetTemplateSummary",
    "cloudformation:UpdateStack",
    "cloudformation:ValidateTemplate",
];
const ASSUME: &[&str] = &["sts:AssumeRole"];

pub(super) const ROWS: &[Row] = &[
    row(76, TAGGED, "cloudformation:TagResource", On::Own, STACKS).when(When::Given(&["Tags"])),
    row(76, &["cloudformation:ExecuteChangeSet"], "cloudformation:TagResource", On::StackGivenTags, STACKS),
    row(76, LOSING, "cloudformation:UntagResource", On::StackLosingTags, STACKS),
    row(77, &["cloudformation:UpdateStack"], "cloudformation:SetStackPolicy", On::Own, STACK_POLICY).when(
        When::Given(&[
            "StackPolicyBody",
            "StackPolicyURL",
            "StackPolicyDuringUpdateBody",
            "StackPolicyDuringUpdateURL",
        ]),
    ),
    row(78, WITH_ROLE, "iam:PassRole", On::Roles(&["RoleARN"]), STACKS)
        .with(&[("iam:PassedToService", "cloudformation.amazonaws.com")]),
    row(81, &["cloudformation:DetectStackDrift"], "cloudformation:DetectStackResourceDrift", On::Own, DRIFT),
    row(81, &["cloudformation:CreateChangeSet"], "cloudformation:DetectStackResourceDrift", On::Own, DRIFT)
        .when(When::Is("DeploymentMode", "REVERT_DRIFT")),
    row(82, &["cloudformation:DescribeStacks"], "cloudformation:ListStacks", On::Any, STACKS)
        .when(When::Absent(&["StackName"])),
    row(82, WITH_TEMPLATE, "s3:GetObject", On::ObjectAt("TemplateURL"), TEMPLATE),
    row(98, &["iam:CreateRole"], "iam:TagRole", On::Own, IAM).when(When::Given(&["Tags"])),
    row(98, &["iam:CreatePolicy"], "iam:TagPolicy", On::Own, IAM).when(When::Given(&["Tags"])),
    row(99, ASSUME, "sts:TagSession", On::Own, STS).when(When::Given(&["Tags"])),
    row(99, ASSUME, "sts:SetSourceIdentity", On::Own, STS).when(When::Given(&["SourceIdentity"])),
    row(99, ASSUME, "sts:SetContext", On::Own, STS).when(When::Given(&["ProvidedContexts"])),
];
