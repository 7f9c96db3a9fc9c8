//! Which answers are cut into pages, and how large AWS makes these: the services' API references, at
//! `maxResults`, `MaxRecords`, `PageSize` and `MaxItems` of each operation. Where a reference is silent, the
//! hundred that most of them have.

use super::list::{List, Style};

const ECS: Style = Style {
    service: "ecs",
    token: "nextToken",
    next: "nextToken",
    size: "maxResults",
    truncated: None,
    unknown_token: ("InvalidParameterException", "Invalid token."),
    wrong_size: "InvalidParameterException",
    least: 1,
};

const CODEDEPLOY: Style = Style {
    service: "codedeploy",
    unknown_token: ("InvalidNextTokenException", "The next token was specified in an invalid format."),
    ..ECS
};

const CODEBUILD: Style =
    Style { service: "codebuild", unknown_token: ("InvalidInputException", "Invalid nextToken"), ..ECS };

const CODEPIPELINE: Style = Style {
    service: "codepipeline",
    unknown_token: ("InvalidNextTokenException", "The next token was specified in an invalid format."),
    wrong_size: "ValidationException",
    ..ECS
};

const CODECONNECTIONS: Style = Style {
    service: "codeconnections",
    token: "NextToken",
    next: "NextToken",
    size: "MaxResults",
    unknown_token: ("ValidationException", "Invalid NextToken"),
    wrong_size: "ValidationException",
    ..ECS
};

const SECRETS: Style = Style {
    service: "secretsmanager",
    unknown_token: ("InvalidNextTokenException", "The NextToken value is invalid."),
    ..CODECONNECTIONS
};

const AUTOSCALING: Style = Style {
    service: "application-autoscaling",
    unknown_token: ("InvalidNextTokenException", "The next token supplied was invalid."),
    ..CODECONNECTIONS
};

const CLOUDFORMATION: Style = Style {
    service: "cloudformation",
    unknown_token: ("ValidationError", "NextToken is invalid"),
    wrong_size: "ValidationError",
    ..CODECONNECTIONS
};

const CLOUDWATCH: Style = Style {
    service: "monitoring",
    size: "MaxRecords",
    unknown_token: ("InvalidNextToken", "The next token specified is invalid."),
    ..CODECONNECTIONS
};

/// Codes of EC2's own (API reference, client error codes).
const KMS: Style = Style {
    service: "kms",
    token: "Marker",
    next: "NextMarker",
    size: "Limit",
    truncated: Some("Truncated"),
    unknown_token: ("InvalidMarkerException", "Invalid marker."),
    wrong_size: "ValidationException",
    least: 1,
};

const EC2: Style = Style {
    service: "ec2",
    unknown_token: ("InvalidPaginationToken", "The specified pagination token is not valid or is expired."),
    wrong_size: "InvalidMaxResults",
    least: 5,
    ..CODECONNECTIONS
};

const BALANCING: Style = Style {
    service: "elasticloadbalancing",
    token: "Marker",
    next: "NextMarker",
    size: "PageSize",
    truncated: None,
    unknown_token: ("ValidationError", "The marker is not valid"),
    wrong_size: "ValidationError",
    least: 1,
};

const IAM: Style = Style {
    service: "iam",
    next: "Marker",
    size: "MaxItems",
    truncated: Some("IsTruncated"),
    unknown_token: ("ValidationError", "Invalid Marker."),
    ..BALANCING
};

const RDS: Style = Style {
    service: "rds",
    next: "Marker",
    size: "MaxRecords",
    unknown_token: ("InvalidParameterValue", "Invalid Marker."),
    wrong_size: "InvalidParameterValue",
    least: 20,
    ..BALANCING
};

const S3: Style = Style {
    service: "s3",
    token: "ContinuationToken",
    next: "ContinuationToken",
    size: "MaxBuckets",
    unknown_token: ("InvalidArgument", "The continuation token provided is incorrect"),
    wrong_size: "InvalidArgument",
    ..BALANCING
};

const ACM: Style = Style {
    service: "acm",
    size: "MaxItems",
    unknown_token: ("ValidationException", "Invalid NextToken"),
    ..CODECONNECTIONS
};

const fn list(
    style: &'static Style,
    operation: &'static str,
    items: &'static str,
    (default, most): (usize, usize),
) -> List {
    List { style, operation, items, default, most }
}

pub(super) static LISTS: &[List] = &[
    list(&ECS, "ListClusters", "clusterArns", (100, 100)),
    list(&ECS, "ListServices", "serviceArns", (10, 100)),
    list(&ECS, "ListTaskDefinitionFamilies", "families", (100, 100)),
    list(&ECS, "ListTaskDefinitions", "taskDefinitionArns", (100, 100)),
    list(&ECS, "ListTasks", "taskArns", (100, 100)),
    list(&CODEBUILD, "ListBuildsForProject", "ids", (100, 100)),
    list(&CODEBUILD, "ListProjects", "projects", (100, 100)),
    list(&CODEDEPLOY, "ListApplications", "applications", (100, 100)),
    list(&CODEDEPLOY, "ListDeploymentConfigs", "deploymentConfigsList", (100, 100)),
    list(&CODEDEPLOY, "ListDeploymentGroups", "deploymentGroups", (100, 100)),
    list(&CODEDEPLOY, "ListDeploymentTargets", "targetIds", (100, 100)),
    list(&CODEDEPLOY, "ListDeployments", "deployments", (100, 100)),
    // Without a size AWS answers all of them, and a group may have a thousand at most.
    list(&EC2, "DescribeSecurityGroupRules", "SecurityGroupRules", (1000, 1000)),
    list(&CODEPIPELINE, "ListPipelines", "pipelines", (1000, 1000)),
    list(&CODEPIPELINE, "ListTagsForResource", "tags", (100, 100)),
    list(&CODECONNECTIONS, "ListConnections", "Connections", (100, 100)),
    list(&SECRETS, "ListSecrets", "SecretList", (100, 100)),
    list(&KMS, "ListAliases", "Aliases", (50, 100)),
    list(&KMS, "ListGrants", "Grants", (50, 100)),
    list(&KMS, "ListKeyPolicies", "PolicyNames", (100, 1000)),
    list(&KMS, "ListKeys", "Keys", (100, 1000)),
    list(&KMS, "ListResourceTags", "Tags", (50, 50)),
    list(&AUTOSCALING, "DescribeScalableTargets", "ScalableTargets", (50, 50)),
    list(&AUTOSCALING, "DescribeScalingPolicies", "ScalingPolicies", (10, 10)),
    list(&CLOUDFORMATION, "ListExports", "Exports", (100, 100)),
    list(&CLOUDFORMATION, "ListImports", "Imports", (100, 100)),
    list(&CLOUDWATCH, "DescribeAlarms", "MetricAlarms", (50, 100)),
    // By datapoints on AWS; here a page holds the results of all queries, of which there are 500 at the most.
    list(&CLOUDWATCH, "GetMetricData", "MetricDataResults", (500, 500)),
    list(&CLOUDWATCH, "ListMetrics", "Metrics", (500, 500)),
    list(&BALANCING, "DescribeListeners", "Listeners", (400, 400)),
    list(&BALANCING, "DescribeLoadBalancers", "LoadBalancers", (400, 400)),
    list(&BALANCING, "DescribeRules", "Rules", (400, 400)),
    list(&BALANCING, "DescribeTargetGroups", "TargetGroups", (400, 400)),
    list(&IAM, "ListAttachedRolePolicies", "AttachedPolicies", (100, 1000)),
    list(&IAM, "ListPolicyVersions", "Versions", (100, 1000)),
    list(&IAM, "ListRolePolicies", "PolicyNames", (100, 1000)),
    list(&IAM, "ListRoleTags", "Tags", (100, 1000)),
    list(&IAM, "ListRoles", "Roles", (100, 1000)),
    list(&RDS, "DescribeDBInstances", "DBInstances", (100, 100)),
    list(&RDS, "DescribeDBParameterGroups", "DBParameterGroups", (100, 100)),
    list(&RDS, "DescribeDBParameters", "Parameters", (100, 100)),
    list(&RDS, "DescribeDBSnapshots", "DBSnapshots", (100, 100)),
    list(&RDS, "DescribeDBSubnetGroups", "DBSubnetGroups", (100, 100)),
    list(&ACM, "ListCertificates", "CertificateSummaryList", (100, 1000)),
    list(&S3, "ListBuckets", "Buckets", (10_000, 10_000)),
];
