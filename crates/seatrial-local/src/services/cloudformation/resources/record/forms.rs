//! The forms that AWS gives to identifiers and attributes, for resources that are records here.
//!
//! Source: "Return values" on each type's page of the template reference. `{name}` is the property that names the
//! resource, or a generated name; `{hex17}`, `{HEX14}` are so many digits, the same for one physical resource.

use serde_json::{Map, Value};

use super::super::super::schema::{Schema, text_of};

/// What is known of a resource when it is made.
pub(crate) struct Facts<'a> {
    pub resource_type: &'a str,
    pub region: &'a str,
    pub account: &'a str,
    /// The same for one physical resource, and unlike that of any other.
    pub token: &'a str,
    /// What a name is that the template does not give.
    pub generated_name: String,
    /// RFC 3339.
    pub now: String,
    pub properties: &'a Value,
}

/// Type, the property that names it, what `Ref` answers, its ARN.
type Form = (&'static str, &'static str, &'static str, &'static str);

const FORMS: [Form; 46] = [
    (
        "SQS::Queue",
        "QueueName",
        "https://sqs.{region}.amazonaws.com/{account}/{name}",
        "sqs:{region}:{account}:{name}",
    ),
    ("SNS::Topic", "TopicName", "arn:aws:sns:{region}:{account}:{name}", "sns:{region}:{account}:{name}"),
    ("SNS::Subscription", "", "{TopicArn}:{uuid}", ""),
    ("DynamoDB::Table", "TableName", "{name}", "dynamodb:{region}:{account}:table/{name}"),
    ("DynamoDB::GlobalTable", "TableName", "{name}", "dynamodb:{region}:{account}:table/{name}"),
    ("Lambda::Function", "FunctionName", "{name}", "lambda:{region}:{account}:function:{name}"),
    ("Lambda::EventSourceMapping", "", "{uuid}", "lambda:{region}:{account}:event-source-mapping:{uuid}"),
    ("Route53::HostedZone", "", "Z{HEX14}", "route53:::hostedzone/Z{HEX14}"),
    ("Route53::RecordSet", "Name", "{name}", ""),
    ("Route53::HealthCheck", "", "{uuid}", "route53:::healthcheck/{uuid}"),
    ("SSM::Parameter", "Name", "{name}", "ssm:{region}:{account}:parameter/{name}"),
    ("Events::Rule", "Name", "{name}", "events:{region}:{account}:rule/{name}"),
    ("Events::EventBus", "Name", "{name}", "events:{region}:{account}:event-bus/{name}"),
    ("Scheduler::Schedule", "Name", "{name}", "scheduler:{region}:{account}:schedule/default/{name}"),
    (
        "StepFunctions::StateMachine",
        "StateMachineName",
        "arn:aws:states:{region}:{account}:stateMachine:{name}",
        "states:{region}:{account}:stateMachine:{name}",
    ),
    ("Kinesis::Stream", "Name", "{name}", "kinesis:{region}:{account}:stream/{name}"),
    (
        "KinesisFirehose::DeliveryStream",
        "DeliveryStreamName",
        "{name}",
        "firehose:{region}:{account}:deliverystream/{name}",
    ),
    (
        "CertificateManager::Certificate",
        "",
        "arn:aws:acm:{region}:{account}:certificate/{uuid}",
        "acm:{region}:{account}:certificate/{uuid}",
    ),
    ("CloudFront::Distribution", "", "E{HEX13}", "cloudfront::{account}:distribution/E{HEX13}"),
    (
        "CloudFront::Function",
        "Name",
        "arn:aws:cloudfront::{account}:function/{name}",
        "cloudfront::{account}:function/{name}",
    ),
    ("IAM::User", "UserName", "{name}", "iam::{account}:user/{name}"),
    ("IAM::Group", "GroupName", "{name}", "iam::{account}:group/{name}"),
    ("IAM::InstanceProfile", "InstanceProfileName", "{name}", "iam::{account}:instance-profile/{name}"),
    ("IAM::AccessKey", "", "AKIA{HEX16}", ""),
    ("EC2::Instance", "", "i-{hex17}", "ec2:{region}:{account}:instance/i-{hex17}"),
    ("EC2::Volume", "", "vol-{hex17}", "ec2:{region}:{account}:volume/vol-{hex17}"),
    ("EC2::NetworkAcl", "", "acl-{hex17}", "ec2:{region}:{account}:network-acl/acl-{hex17}"),
    ("EC2::NetworkInterface", "", "eni-{hex17}", "ec2:{region}:{account}:network-interface/eni-{hex17}"),
    ("EC2::LaunchTemplate", "", "lt-{hex17}", "ec2:{region}:{account}:launch-template/lt-{hex17}"),
    ("EC2::FlowLog", "", "fl-{hex17}", "ec2:{region}:{account}:vpc-flow-log/fl-{hex17}"),
    (
        "EC2::VPCPeeringConnection",
        "",
        "pcx-{hex17}",
        "ec2:{region}:{account}:vpc-peering-connection/pcx-{hex17}",
    ),
    ("EFS::FileSystem", "", "fs-{hex17}", "elasticfilesystem:{region}:{account}:file-system/fs-{hex17}"),
    (
        "EFS::AccessPoint",
        "",
        "fsap-{hex17}",
        "elasticfilesystem:{region}:{account}:access-point/fsap-{hex17}",
    ),
    (
        "EFS::MountTarget",
        "",
        "fsmt-{hex17}",
        "elasticfilesystem:{region}:{account}:mount-target/fsmt-{hex17}",
    ),
    ("RDS::DBCluster", "DBClusterIdentifier", "{name}", "rds:{region}:{account}:cluster:{name}"),
    (
        "ElastiCache::ReplicationGroup",
        "ReplicationGroupId",
        "{name}",
        "elasticache:{region}:{account}:replicationgroup:{name}",
    ),
    (
        "ElastiCache::ServerlessCache",
        "ServerlessCacheName",
        "{name}",
        "elasticache:{region}:{account}:serverlesscache:{name}",
    ),
    ("Cognito::UserPool", "", "{region}_{HEX9}", "cognito-idp:{region}:{account}:userpool/{region}_{HEX9}"),
    ("Cognito::UserPoolClient", "", "{hex26}", ""),
    ("ApiGateway::RestApi", "", "{hex10}", "apigateway:{region}::/restapis/{hex10}"),
    ("ApiGatewayV2::Api", "", "{hex10}", "apigateway:{region}::/apis/{hex10}"),
    ("CloudWatch::Dashboard", "DashboardName", "{name}", "cloudwatch::{account}:dashboard/{name}"),
    ("Backup::BackupVault", "BackupVaultName", "{name}", "backup:{region}:{account}:backup-vault:{name}"),
    (
        "ServiceDiscovery::PrivateDnsNamespace",
        "",
        "ns-{hex16}",
        "servicediscovery:{region}:{account}:namespace/ns-{hex16}",
    ),
    (
        "ServiceDiscovery::Service",
        "",
        "srv-{hex16}",
        "servicediscovery:{region}:{account}:service/srv-{hex16}",
    ),
    ("SES::EmailIdentity", "EmailIdentity", "{name}", "ses:{region}:{account}:identity/{name}"),
];

/// Type, attribute, form: what the attribute's name alone does not tell.
const ATTRIBUTES: [(&str, &str, &str); 30] = [
    ("SQS::Queue", "QueueName", "{name}"),
    ("SNS::Topic", "TopicName", "{name}"),
    ("DynamoDB::Table", "StreamArn", "{arn}/stream/{now}"),
    ("CloudFront::Distribution", "DomainName", "d{hex13}.cloudfront.net"),
    ("RDS::DBCluster", "Endpoint.Address", "{name}.cluster-{hex12}.{region}.rds.amazonaws.com"),
    ("RDS::DBCluster", "ReadEndpoint.Address", "{name}.cluster-ro-{hex12}.{region}.rds.amazonaws.com"),
    ("RDS::DBCluster", "Endpoint.Port", "5432"),
    ("RDS::DBCluster", "DBClusterResourceId", "cluster-{HEX26}"),
    (
        "ElastiCache::ReplicationGroup",
        "PrimaryEndPoint.Address",
        "master.{name}.{hex6}.euc1.cache.amazonaws.com",
    ),
    ("ElastiCache::ReplicationGroup", "PrimaryEndPoint.Port", "6379"),
    ("ElastiCache::ServerlessCache", "Endpoint.Address", "{name}-{hex6}.serverless.euc1.cache.amazonaws.com"),
    ("ElastiCache::ServerlessCache", "Endpoint.Port", "6379"),
    ("Cognito::UserPool", "ProviderName", "cognito-idp.{region}.amazonaws.com/{region}_{HEX9}"),
    ("Cognito::UserPool", "ProviderURL", "https://cognito-idp.{region}.amazonaws.com/{region}_{HEX9}"),
    ("ApiGatewayV2::Api", "ApiEndpoint", "https://{hex10}.execute-api.{region}.amazonaws.com"),
    ("ApiGateway::RestApi", "RootResourceId", "{hex10}"),
    ("Lambda::Url", "FunctionUrl", "https://{hex32}.lambda-url.{region}.on.aws/"),
    ("IAM::User", "Arn", "arn:aws:iam::{account}:user/{name}"),
    ("EC2::Instance", "PrivateIp", "10.0.0.10"),
    ("EC2::Instance", "PrivateDnsName", "ip-10-0-0-10.{region}.compute.internal"),
    ("EC2::Instance", "AvailabilityZone", "{region}a"),
    ("EC2::VPC", "DefaultNetworkAcl", "acl-{hex17}"),
    ("EC2::Subnet", "NetworkAclAssociationId", "aclassoc-{hex17}"),
    ("EC2::NatGateway", "EniId", "eni-{hex17}"),
    ("EC2::VPCGatewayAttachment", "AttachmentType", "IGW"),
    ("S3::Bucket", "DualStackDomainName", "{ref}.s3.dualstack.{region}.amazonaws.com"),
    ("RDS::DBInstance", "DbiResourceId", "db-{HEX26}"),
    ("RDS::DBSubnetGroup", "DBSubnetGroupArn", "arn:aws:rds:{region}:{account}:subgrp:{ref}"),
    ("RDS::DBParameterGroup", "DBParameterGroupArn", "arn:aws:rds:{region}:{account}:pg:{ref}"),
    ("IAM::Role", "RoleId", "AROA{HEX17}"),
];

/// Attributes of what is not meant here: `Fn::GetAtt` of them is refused before anything is made.
const UNANSWERED: [(&str, &str); 5] = [
    ("AWS::RDS::DBInstance", "MasterUserSecret."),
    ("AWS::RDS::DBInstance", "ListenerEndpoint."),
    ("AWS::EC2::VPC", "VpcEncryptionControl."),
    ("AWS::S3::Bucket", "MetadataConfiguration."),
    ("AWS::S3::Bucket", "MetadataTableConfiguration."),
];

/// Whether a value of AWS's form stands for the attribute, if the handler of the type has none.
pub(crate) fn is_answered(resource_type: &str, attribute: &str) -> bool {
    !UNANSWERED.iter().any(|(one, prefix)| *one == resource_type && attribute.starts_with(prefix))
}

impl Facts<'_> {
    fn form(&self) -> Option<&'static Form> {
        let short = self.short();
        FORMS.iter().find(|(name, ..)| *name == short)
    }

    fn short(&self) -> &str {
        self.resource_type.strip_prefix("AWS::").unwrap_or(self.resource_type)
    }

    fn property(&self, name: &str) -> Option<String> {
        let value = self.properties.pointer(&format!("/{}", name.replace('.', "/")))?;
        (!value.is_object() && !value.is_array() && !value.is_null()).then(|| text_of(value))
    }

    fn name(&self) -> String {
        let property = self.form().map(|(_, name, ..)| *name).filter(|name| !name.is_empty());
        property.and_then(|name| self.property(name)).unwrap_or_else(|| self.generated_name.clone())
    }

    fn digits(&self, length: usize) -> String {
        crate::id::digits_of(&format!("{}/{}", self.resource_type, self.token), length)
    }

    /// A version 4 UUID, the same for the same resource.
    fn uuid(&self) -> String {
        let digits = self.digits(32).to_lowercase();
        let (a, b, c, d) = (&digits[..8], &digits[8..12], &digits[13..16], &digits[17..20]);
        format!("{a}-{b}-4{c}-8{d}-{}", &digits[20..])
    }

    /// Fills a form in. Names that are none of this module's are properties.
    fn fill(&self, form: &str, physical_id: &str) -> String {
        let mut filled = String::new();
        let mut rest = form;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').unwrap_or((after, ""));
            filled.push_str(before);
            filled.push_str(&match name {
                "name" => self.name(),
                "ref" => physical_id.to_owned(),
                "region" => self.region.to_owned(),
                "account" => self.account.to_owned(),
                "now" => self.now.clone(),
                "uuid" => self.uuid(),
                "arn" => self.arn(physical_id),
                other => match (other.strip_prefix("hex"), other.strip_prefix("HEX")) {
                    (Some(length), _) => self.digits(length.parse().unwrap_or(8)).to_lowercase(),
                    (_, Some(length)) => self.digits(length.parse().unwrap_or(8)),
                    _ => self.property(other).unwrap_or_default(),
                },
            });
            rest = after;
        }
        filled.push_str(rest);
        filled
    }

    fn arn(&self, physical_id: &str) -> String {
        if let Some((.., arn)) = self.form().filter(|(.., arn)| !arn.is_empty()) {
            return format!("arn:aws:{}", self.fill(arn, physical_id));
        }
        if physical_id.starts_with("arn:") {
            return physical_id.to_owned();
        }
        let (service, kind) = self.short().split_once("::").unwrap_or((self.short(), "resource"));
        let (service, kind) = (service.to_lowercase(), kind.to_lowercase());
        let last = physical_id.rsplit('|').next().unwrap_or_default();
        format!("arn:aws:{service}:{}:{}:{kind}/{last}", self.region, self.account)
    }

    /// What `Ref` answers: by the type's form, else what its schema calls the primary identifier, its parts joined
    /// by `|`.
    pub(super) fn physical_id(&self, schema: &Schema) -> String {
        if let Some((_, _, reference, _)) = self.form() {
            return self.fill(reference, "");
        }
        let part = |path: &String| {
            let path = path.replace('/', ".");
            self.property(&path).unwrap_or_else(|| match path.as_str() {
                arn if arn.ends_with("Arn") || arn.ends_with("ARN") => self.arn(&self.generated_name),
                name if name.ends_with("Name") => self.generated_name.clone(),
                _ => self.digits(17).to_lowercase(),
            })
        };
        schema.identifiers().iter().map(part).collect::<Vec<_>>().join("|")
    }

    /// The read-only attributes, by the names that `Fn::GetAtt` has for them, that are not `answered` already.
    pub(crate) fn attributes(
        &self,
        schema: &Schema,
        physical_id: &str,
        answered: &Map<String, Value>,
    ) -> Map<String, Value> {
        let paths = schema.read_only().iter().chain(schema.identifiers());
        let names = paths.filter(|path| !path.contains('*')).map(|path| path.replace('/', "."));
        let missing = names.filter(|name| {
            let given = self.properties.pointer(&format!("/{}", name.replace('.', "/"))).is_some();
            !given && !answered.contains_key(name) && is_answered(self.resource_type, name)
        });
        missing.map(|name| (name.clone(), self.attribute(schema, physical_id, &name))).collect()
    }

    fn attribute(&self, schema: &Schema, physical_id: &str, name: &str) -> Value {
        let short = self.short();
        if let Some((.., form)) = ATTRIBUTES.iter().find(|(one, two, _)| *one == short && *two == name) {
            return Value::String(self.fill(form, physical_id));
        }
        let lower = name.to_lowercase();
        let ends = |end: &str| lower.ends_with(end);
        let identifies = schema.identifiers().len() == 1 && schema.identifiers()[0].replace('/', ".") == name;
        match schema.kind_at(name) {
            Some("array") => Value::Array(Vec::new()),
            Some("object") => Value::Object(Map::new()),
            Some("boolean") => Value::Bool(false),
            Some("integer" | "number") => Value::from(0),
            _ if identifies => Value::String(physical_id.to_owned()),
            _ if ends("arn") => Value::String(self.arn(physical_id)),
            _ if ends("time") || ends("date") || ends("timestamp") || ends("at") => {
                Value::String(self.now.clone())
            }
            _ if ends("status") || ends("state") => Value::String("ACTIVE".to_owned()),
            _ if ends("id") => Value::String(self.digits(17).to_lowercase()),
            _ if ends("url") || ends("uri") => Value::String(format!(
                "https://{}.{}.amazonaws.com",
                self.digits(10).to_lowercase(),
                self.region
            )),
            _ => Value::String(physical_id.to_owned()),
        }
    }
}
