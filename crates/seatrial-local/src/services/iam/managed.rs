//! Policies that AWS manages, as far as the local cloud knows what they say.
//!
//! A role may have any attached; one that is not here allows nothing, for nobody knows what it would.

/// By ARN without its partition's beginning; the statements of each as the AWS managed policy reference guide has them.
const KNOWN: [(&str, &str); 4] = [
    ("AdministratorAccess", r#"{"Effect": "Allow", "Action": "*", "Resource": "*"}"#),
    // Of its hundreds of lines those of services that are here.
    (
        "ReadOnlyAccess",
        r#"{"Effect": "Allow", "Resource": "*", "Action": ["acm:Describe*", "acm:Get*", "acm:List*",
            "application-autoscaling:Describe*", "cloudformation:Describe*", "cloudformation:Detect*",
            "cloudformation:Get*", "cloudformation:List*", "cloudwatch:Describe*", "cloudwatch:Get*",
            "cloudwatch:List*", "codebuild:BatchGet*", "codebuild:List*", "codedeploy:BatchGet*",
            "codedeploy:Get*", "codedeploy:List*", "codepipeline:Get*", "codepipeline:List*",
            "codestar-connections:GetConnection", "codestar-connections:ListConnections",
            "codestar-connections:ListTagsForResource", "ec2:Describe*", "ec2:Get*", "ecs:Describe*",
            "ecs:List*", "elasticloadbalancing:Describe*", "iam:Generate*", "iam:Get*", "iam:List*",
            "iam:Simulate*", "rds:Describe*", "rds:List*"]}"#,
    ),
    (
        "service-role/AmazonECSTaskExecutionRolePolicy",
        r#"{"Effect": "Allow", "Resource": "*", "Action": ["ecr:GetAuthorizationToken",
            "ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage",
            "logs:CreateLogStream", "logs:PutLogEvents"]}"#,
    ),
    (
        "AWSCodeDeployRoleForECS",
        r#"{"Effect": "Allow", "Resource": "*", "Action": ["ecs:DescribeServices", "ecs:CreateTaskSet",
            "ecs:UpdateServicePrimaryTaskSet", "ecs:DeleteTaskSet", "elasticloadbalancing:DescribeTargetGroups",
            "elasticloadbalancing:DescribeListeners", "elasticloadbalancing:ModifyListener",
            "elasticloadbalancing:DescribeRules", "elasticloadbalancing:ModifyRule", "lambda:InvokeFunction",
            "cloudwatch:DescribeAlarms", "sns:Publish", "s3:GetObject", "s3:GetObjectVersion"]},
        {"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*",
            "Condition": {"StringLike": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}}"#,
    ),
];

/// The document of a managed policy.
pub(super) fn document(arn: &str) -> Option<String> {
    let name = arn.strip_prefix("arn:aws:iam::aws:policy/")?;
    let (_, statements) = KNOWN.iter().find(|(known, _)| *known == name)?;
    Some(format!(r#"{{"Version": "2012-10-17", "Statement": [{statements}]}}"#))
}

#[cfg(test)]
mod tests {
    use seatrial_policy::{Policy, PolicyKind};

    use super::*;

    #[test]
    fn every_known_policy_is_one() {
        for (name, _) in KNOWN {
            let document = document(&format!("arn:aws:iam::aws:policy/{name}")).unwrap();
            assert!(Policy::parse(PolicyKind::Identity, &document).is_ok(), "{name}");
        }
    }

    #[test]
    fn what_nobody_knows_is_no_document() {
        assert_eq!(document("arn:aws:iam::aws:policy/PowerUserAccess"), None);
        assert_eq!(document("arn:aws:iam::000000000000:policy/AdministratorAccess"), None);
    }
}
