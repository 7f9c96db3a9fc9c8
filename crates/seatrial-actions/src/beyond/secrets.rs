//! Secrets Manager, parameters, logs, certificates, alarms: tags, and the keys that encrypt.

use crate::on::On;
use crate::row::{Row, When, row};

const SECRETS: &str = "service authorization reference secretsmanager: CreateSecret";
const LOGS: &str = "service authorization reference logs: API operations; schema of AWS::Logs::LogGroup";
const FORWARDED_SECRETS: &str = "iam-policy-autopilot, operation-fas-maps/secretsmanager.json";
const FORWARDED_SSM: &str = "iam-policy-autopilot, operation-fas-maps/ssm.json";
const ACM: &str = "service authorization reference acm: ImportCertificate, RequestCertificate";
const CLOUDWATCH: &str = "service authorization reference cloudwatch: PutMetricAlarm";
const KMS: &str = "API_CreateKey: tags need kms:TagResource";
const SSM: &str = "API_PutParameter: tags need ssm:AddTagsToResource";

const CREATE: &[&str] = &["secretsmanager:CreateSecret"];
const NEW_KEY: &[&str] = &["secretsmanager:CreateSecret", "secretsmanager:UpdateSecret"];
const WRITE: &[&str] = &["secretsmanager:PutSecretValue", "secretsmanager:UpdateSecret"];
const DECRYPTED: When = When::Given(&["WithDecryption"]);
const KEY: On = On::Keys(&["KmsKeyId"]);
const SAME_KEY: When = When::Absent(&["KmsKeyId"]);
const TAGGED: When = When::Given(&["Tags"]);
const VIA_SECRETS: &[(&str, &str)] = &[("kms:ViaService", "secretsmanager.${Region}.amazonaws.com")];
const VIA_SSM: &[(&str, &str)] = &[("kms:ViaService", "ssm.${Region}.amazonaws.com")];

pub(super) const ROWS: &[Row] = &[
    row(62, CREATE, "secretsmanager:TagResource", On::Own, SECRETS).when(TAGGED),
    row(62, CREATE, "secretsmanager:ReplicateSecretToRegions", On::Own, SECRETS)
        .when(When::Given(&["AddReplicaRegions"])),
    row(62, NEW_KEY, "kms:GenerateDataKey", KEY, FORWARDED_SECRETS).with(VIA_SECRETS),
    row(62, NEW_KEY, "kms:Decrypt", KEY, FORWARDED_SECRETS).with(VIA_SECRETS),
    row(62, WRITE, "kms:GenerateDataKey", On::KeyOfOwn, FORWARDED_SECRETS).when(SAME_KEY).with(VIA_SECRETS),
    row(62, WRITE, "kms:Decrypt", On::KeyOfOwn, FORWARDED_SECRETS).when(SAME_KEY).with(VIA_SECRETS),
    row(66, &["secretsmanager:GetSecretValue"], "kms:Decrypt", On::KeyOfOwn, FORWARDED_SECRETS)
        .with(VIA_SECRETS),
    row(66, &["ssm:GetParameter"], "kms:Decrypt", On::KeyOfOwn, FORWARDED_SSM).when(DECRYPTED).with(VIA_SSM),
    row(66, &["ssm:GetParameters"], "kms:Decrypt", On::KeysOfParameters("Names[]"), FORWARDED_SSM)
        .when(DECRYPTED)
        .with(VIA_SSM),
    row(100, &["ssm:PutParameter"], "kms:Encrypt", On::Keys(&["KeyId"]), FORWARDED_SSM).with(VIA_SSM),
    row(104, &["kms:CreateKey"], "kms:TagResource", On::Made("kms", "key/*"), KMS).when(TAGGED),
    // The reference also has logs:TagLogGroup, which CloudFormation's own handler is without.
    row(67, &["logs:CreateLogGroup"], "logs:TagResource", On::Own, LOGS).when(When::Given(&["tags"])),
    row(93, &["logs:FilterLogEvents", "logs:GetLogEvents"], "logs:Unmask", On::Own, LOGS)
        .when(When::Given(&["unmask"])),
    row(94, &["monitoring:PutMetricAlarm"], "cloudwatch:TagResource", On::Own, CLOUDWATCH).when(TAGGED),
    row(95, &["acm:ImportCertificate"], "acm:AddTagsToCertificate", On::Own, ACM).when(TAGGED),
    row(95, &["acm:RequestCertificate"], "acm:AddTagsToCertificate", On::Made("acm", "certificate/*"), ACM)
        .when(TAGGED),
    row(96, &["ssm:PutParameter"], "ssm:AddTagsToResource", On::Own, SSM).when(TAGGED),
];
