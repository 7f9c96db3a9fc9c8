//! CodePipeline, its connection, CodeBuild and CodeDeploy.

use crate::on::On;
use crate::row::{Row, When, row};

const CODEPIPELINE: &str = "service authorization reference codepipeline: CreatePipeline, UpdatePipeline";
const CODEBUILD: &str = "service authorization reference codebuild: CreateProject, UpdateProject, StartBuild";
const CODEDEPLOY: &str = "service authorization reference codedeploy: API operations";
const CODECONNECTIONS: &str = "service authorization reference codeconnections: CreateConnection";
const USE_CONNECTION: &str = "CodePipeline user guide, how-to-custom-role: both prefixes for a connection";
const PASS_CONNECTION: &str = "Developer Tools console guide, security-iam: PassConnection; both prefixes, for the \
                               reference has the old one and the connection's ARN the new one";

const PIPELINE: &[&str] = &["codepipeline:CreatePipeline", "codepipeline:UpdatePipeline"];
const PROJECT: &[&str] = &["codebuild:CreateProject", "codebuild:UpdateProject"];
const GROUP: &[&str] = &["codedeploy:CreateDeploymentGroup", "codedeploy:UpdateDeploymentGroup"];
const DEPLOYMENT: &[&str] = &["codedeploy:CreateDeployment"];

/// The roles that the pipeline assumes: its own, and those of actions that have one.
const PIPELINE_ROLES: On = On::Roles(&["pipeline.roleArn", "pipeline.stages[].actions[].roleArn"]);
/// Handed on by an action that deploys with CloudFormation.
const STACK_ROLES: On = On::Roles(&["pipeline.stages[].actions[].configuration.RoleArn"]);
const CONNECTIONS: On = On::Arns(&["pipeline.stages[].actions[].configuration.ConnectionArn"]);
const CONNECTION: On = On::Made("codeconnections", "connection/*");
const APPLICATION: On = On::Made("codedeploy", "application:{applicationName}");
const TAGGED: When = When::Given(&["tags"]);

pub(super) const ROWS: &[Row] = &[
    row(1, PIPELINE, "iam:PassRole", PIPELINE_ROLES, CODEPIPELINE)
        .with(&[("iam:PassedToService", "codepipeline.amazonaws.com")]),
    row(1, PIPELINE, "iam:PassRole", STACK_ROLES, CODEPIPELINE)
        .with(&[("iam:PassedToService", "cloudformation.amazonaws.com")]),
    row(2, PIPELINE, "codestar-connections:PassConnection", CONNECTIONS, PASS_CONNECTION),
    row(2, PIPELINE, "codeconnections:PassConnection", CONNECTIONS, PASS_CONNECTION),
    row(3, &["codepipeline:CreatePipeline"], "codepipeline:TagResource", On::Own, CODEPIPELINE).when(TAGGED),
    row(
        103,
        &["codeconnections:CreateConnection"],
        "codeconnections:TagResource",
        CONNECTION,
        CODECONNECTIONS,
    )
    .when(When::Given(&["Tags"])),
    row(6, &["codeconnections:UseConnection"], "codestar-connections:UseConnection", On::Own, USE_CONNECTION),
    row(17, PROJECT, "iam:PassRole", On::Roles(&["serviceRole"]), CODEBUILD)
        .with(&[("iam:PassedToService", "codebuild.amazonaws.com")]),
    // Not documented when: a build without the override hands on no role.
    row(18, &["codebuild:StartBuild"], "iam:PassRole", On::Roles(&["serviceRoleOverride"]), CODEBUILD)
        .with(&[("iam:PassedToService", "codebuild.amazonaws.com")]),
    row(24, DEPLOYMENT, "codedeploy:GetDeploymentConfig", NAMED_CONFIG, CODEDEPLOY),
    row(24, DEPLOYMENT, "codedeploy:GetDeploymentConfig", On::DeploymentConfig, CODEDEPLOY)
        .when(When::Absent(&["deploymentConfigName"])),
    row(24, DEPLOYMENT, "codedeploy:GetApplicationRevision", APPLICATION, CODEDEPLOY),
    row(24, DEPLOYMENT, "codedeploy:RegisterApplicationRevision", APPLICATION, CODEDEPLOY),
    // AWSCodeDeployDeployerAccess is without this action: an ordinary deployment cannot need it.
    row(25, DEPLOYMENT, "codedeploy:UpdateDeploymentGroup", On::Own, CODEDEPLOY)
        .when(When::Given(&["overrideAlarmConfiguration"])),
    row(26, GROUP, "iam:PassRole", On::Roles(&["serviceRoleArn"]), CODEDEPLOY)
        .with(&[("iam:PassedToService", "codedeploy.amazonaws.com")]),
    row(26, &["codedeploy:CreateDeploymentGroup"], "codedeploy:TagResource", On::Own, CODEDEPLOY)
        .when(TAGGED),
    row(28, &["codedeploy:CreateApplication"], "codedeploy:TagResource", On::Own, CODEDEPLOY).when(TAGGED),
];

const NAMED_CONFIG: On = On::Made("codedeploy", "deploymentconfig:{deploymentConfigName}");
