#!/usr/bin/env python3
"""Writes resource-schemas.json from the resource schemas in the cfn-lint package.

    pip download cfn-lint==1.58.0 --no-deps && python3 extract_schemas.py cfn_lint-1.58.0-py3-none-any.whl

Kept for each type: the names and JSON types of its properties, which of them are required, create-only or
read-only, its primary identifier, and whether the stack's tags reach it. Add a type to TYPES and run this again.
"""

import json
import pathlib
import sys
import zipfile

HERE = pathlib.Path(__file__).parent
SCHEMAS = "cfnlint/data/schemas/"

TYPES = """
AWS::ApplicationAutoScaling::ScalableTarget AWS::ApplicationAutoScaling::ScalingPolicy
AWS::CloudFormation::WaitConditionHandle AWS::CloudWatch::Alarm
AWS::CodeBuild::Project AWS::CodeConnections::Connection AWS::CodeStarConnections::Connection
AWS::CodeDeploy::Application AWS::CodeDeploy::DeploymentConfig AWS::CodeDeploy::DeploymentGroup
AWS::CodePipeline::Pipeline
AWS::EC2::EIP AWS::EC2::InternetGateway AWS::EC2::NatGateway AWS::EC2::Route AWS::EC2::RouteTable
AWS::EC2::SecurityGroup AWS::EC2::SecurityGroupEgress AWS::EC2::SecurityGroupIngress AWS::EC2::Subnet
AWS::EC2::SubnetRouteTableAssociation AWS::EC2::VPC AWS::EC2::VPCEndpoint AWS::EC2::VPCGatewayAttachment
AWS::ECR::Repository
AWS::ECS::Cluster AWS::ECS::Service AWS::ECS::TaskDefinition
AWS::ElasticLoadBalancingV2::Listener AWS::ElasticLoadBalancingV2::ListenerCertificate
AWS::ElasticLoadBalancingV2::ListenerRule AWS::ElasticLoadBalancingV2::LoadBalancer
AWS::ElasticLoadBalancingV2::TargetGroup
AWS::IAM::ManagedPolicy AWS::IAM::Policy AWS::IAM::Role AWS::IAM::RolePolicy
AWS::Logs::LogGroup AWS::Logs::LogStream
AWS::RDS::DBInstance AWS::RDS::DBParameterGroup AWS::RDS::DBSubnetGroup
AWS::S3::Bucket AWS::S3::BucketPolicy
AWS::SecretsManager::Secret AWS::SecretsManager::SecretTargetAttachment
""".split()


def json_type(schema, definition):
    while "$ref" in definition:
        name = definition["$ref"].rsplit("/", 1)[-1]
        definition = schema.get("definitions", {}).get(name, {})
    kind = definition.get("type", "object" if "properties" in definition else "any")
    return "|".join(kind) if isinstance(kind, list) else kind


def paths(schema, key):
    return [path.removeprefix("/properties/") for path in schema.get(key, [])]


def table(schema):
    tagging = schema.get("tagging", {})
    reduced = {
        "properties": {name: json_type(schema, value) for name, value in sorted(schema["properties"].items())},
        "required": schema.get("required", []),
        "createOnly": paths(schema, "createOnlyProperties"),
        "conditionalCreateOnly": paths(schema, "conditionalCreateOnlyProperties"),
        "readOnly": paths(schema, "readOnlyProperties"),
        "identifier": paths(schema, "primaryIdentifier"),
        "taggable": tagging.get("taggable", schema.get("taggable", True)) and tagging.get("tagUpdatable", True),
    }
    return {key: value for key, value in reduced.items() if value not in ([], False)}


def main():
    with zipfile.ZipFile(sys.argv[1]) as wheel:
        index = json.loads(wheel.read(f"{SCHEMAS}providers/us-east-1.json"))
        rows = {}
        for name in sorted(TYPES):
            schema = json.loads(wheel.read(f"{SCHEMAS}resources/{index[name]}.json"))
            rows[name] = json.dumps(table(schema), separators=(",", ":"))
    source = ("resource schemas published by AWS CloudFormation, as bundled in cfn-lint 1.58.0 (MIT-0, copyright "
              "Amazon.com, Inc. or its affiliates); reduced by extract_schemas.py")
    lines = ",\n".join(f'"{name}": {row}' for name, row in rows.items())
    text = f'{{\n"source": {json.dumps(source)},\n"types": {{\n{lines}\n}}\n}}\n'
    json.loads(text)
    (HERE / "resource-schemas.json").write_text(text)


if __name__ == "__main__":
    main()
