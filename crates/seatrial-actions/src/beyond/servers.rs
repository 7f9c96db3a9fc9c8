//! RDS and EC2.

use crate::on::On;
use crate::row::{Row, When, row};

const RDS: &str = "service authorization reference rds: API operations";
const PASSWORD: &str = "RDS user guide, rds-secrets-manager: permissions required";
const ENCRYPTION: &str = "RDS user guide, Overview.Encryption; schema of AWS::RDS::DBInstance";
const LINKED: &str = "RDS user guide, UsingWithRDS.IAM.ServiceLinkedRoles";
const EC2: &str = "EC2 user guide, supported-iam-actions-tagging";

const CREATE: &[&str] = &["rds:CreateDBInstance"];
const INSTANCE: &[&str] = &["rds:CreateDBInstance", "rds:ModifyDBInstance"];
const TAGGED: &[&str] = &[
    "rds:CreateDBInstance",
    "rds:CreateDBParameterGroup",
    "rds:CreateDBSubnetGroup",
    "rds:ModifyDBInstance",
    "rds:RestoreDBInstanceFromDBSnapshot",
];
const MANAGED: &[&str] =
    &["rds:CreateDBInstance", "rds:ModifyDBInstance", "rds:RestoreDBInstanceFromDBSnapshot"];
const DELETE: &[&str] = &["rds:DeleteDBInstance"];
const TAGS: When = When::Given(&["Tags", "TagSpecifications"]);
const MANAGES: When = When::Given(&["ManageMasterUserPassword"]);
const KEY: On = On::Keys(&["KmsKeyId"]);
const SECRET_KEY: On = On::Keys(&["MasterUserSecretKmsKeyId"]);
const SECRET: On = On::Made("secretsmanager", "secret:rds!*");
const SNAPSHOT: On = On::Made("rds", "snapshot:{FinalDBSnapshotIdentifier}");
const VIA: &[(&str, &str)] = &[("kms:ViaService", "rds.${Region}.amazonaws.com")];
const VIA_SECRETS: &[(&str, &str)] = &[("kms:ViaService", "secretsmanager.${Region}.amazonaws.com")];

const fn managed(action: &'static str) -> Row {
    row(71, MANAGED, action, SECRET_KEY, PASSWORD).when(MANAGES).with(VIA_SECRETS)
}

const fn tagged(operations: &'static [&'static str], kind: &'static str) -> Row {
    row(97, operations, "ec2:CreateTags", On::Made("ec2", kind), EC2)
        .when(When::Given(&["Tags", "TagSpecifications"]))
}

pub(super) const ROWS: &[Row] = &[
    row(68, TAGGED, "rds:AddTagsToResource", On::Own, RDS).when(TAGS),
    // The role is monitoring.rds.amazonaws.com's; what is passed to is, by the reference, RDS.
    row(70, INSTANCE, "iam:PassRole", On::Roles(&["MonitoringRoleArn"]), RDS)
        .with(&[("iam:PassedToService", "rds.amazonaws.com")]),
    row(71, MANAGED, "secretsmanager:CreateSecret", SECRET, PASSWORD).when(MANAGES),
    row(71, MANAGED, "secretsmanager:TagResource", SECRET, PASSWORD).when(MANAGES),
    managed("kms:DescribeKey"),
    managed("kms:CreateGrant"),
    managed("kms:Decrypt"),
    managed("kms:GenerateDataKey"),
    row(72, CREATE, "kms:DescribeKey", KEY, ENCRYPTION).with(VIA),
    row(72, CREATE, "kms:CreateGrant", KEY, ENCRYPTION).with(VIA),
    row(
        73,
        CREATE,
        "iam:CreateServiceLinkedRole",
        On::ServiceLinked("rds.amazonaws.com/AWSServiceRoleForRDS"),
        LINKED,
    )
    .with(&[("iam:AWSServiceName", "rds.amazonaws.com")]),
    row(74, DELETE, "rds:CreateDBSnapshot", SNAPSHOT, RDS),
    row(74, DELETE, "rds:CreateDBSnapshot", On::Own, RDS).when(When::Given(&["FinalDBSnapshotIdentifier"])),
    // Whether the instance hands its tags on is not in the call.
    row(74, DELETE, "rds:AddTagsToResource", SNAPSHOT, RDS),
    tagged(&["ec2:AllocateAddress"], "elastic-ip/*"),
    tagged(&["ec2:CreateInternetGateway"], "internet-gateway/*"),
    tagged(&["ec2:CreateNatGateway"], "natgateway/*"),
    tagged(&["ec2:CreateRouteTable"], "route-table/*"),
    tagged(&["ec2:CreateSecurityGroup"], "security-group/*"),
    tagged(&["ec2:CreateSubnet"], "subnet/*"),
    tagged(&["ec2:CreateVpc"], "vpc/*"),
    tagged(&["ec2:CreateVpcEndpoint"], "vpc-endpoint/*"),
    row(
        97,
        &["ec2:AuthorizeSecurityGroupIngress"],
        "ec2:CreateTags",
        On::Made("ec2", "security-group-rule/*"),
        EC2,
    )
    .when(When::Given(&["TagSpecifications"])),
];
