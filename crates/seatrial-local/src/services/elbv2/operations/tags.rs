//! Tags of load balancers, target groups, listeners and rules.

use serde::{Deserialize, Serialize};

use super::super::errors;
use super::super::shapes::Empty;
use super::super::store::Elb;
use super::SERVICE;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};
use crate::tags::{self, Tag};

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DescribeTags {
    pub resource_arns: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct TagDescription {
    pub resource_arn: String,
    pub tags: Vec<Tag>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DescribeTagsOutput {
    pub tag_descriptions: Vec<TagDescription>,
}

impl Operation for DescribeTags {
    type Output = DescribeTagsOutput;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "DescribeTags";

    async fn handle(self, call: &Call) -> Result<DescribeTagsOutput, ServiceError> {
        let elb = call.cloud.part::<Elb>();
        let describe =
            |arn: &String| Ok(TagDescription { resource_arn: arn.clone(), tags: read(&elb, arn)? });
        let tag_descriptions =
            self.resource_arns.iter().map(describe).collect::<Result<_, ServiceError>>()?;
        Ok(DescribeTagsOutput { tag_descriptions })
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct AddTags {
    pub resource_arns: Vec<String>,
    pub tags: Vec<Tag>,
}

impl Operation for AddTags {
    type Output = Empty;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "AddTags";

    async fn handle(self, call: &Call) -> Result<Empty, ServiceError> {
        let elb = call.cloud.part::<Elb>();
        for arn in &self.resource_arns {
            change(&elb, arn, |tags| tags::put(tags, self.tags.clone()))?;
        }
        Ok(Empty {})
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct RemoveTags {
    pub resource_arns: Vec<String>,
    pub tag_keys: Vec<String>,
}

impl Operation for RemoveTags {
    type Output = Empty;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "RemoveTags";

    async fn handle(self, call: &Call) -> Result<Empty, ServiceError> {
        let elb = call.cloud.part::<Elb>();
        for arn in &self.resource_arns {
            change(&elb, arn, |tags| tags::remove(tags, &self.tag_keys))?;
        }
        Ok(Empty {})
    }
}

/// The tags of the resource `arn`; `None`: it is not there.
pub(crate) fn tags_of(cloud: &Cloud, arn: &str) -> Option<Vec<(String, String)>> {
    Some(tags::pairs(&read(&cloud.part::<Elb>(), arn).ok()?))
}

fn read(elb: &Elb, arn: &str) -> Result<Vec<Tag>, ServiceError> {
    let tags = if arn.contains(":targetgroup/") {
        elb.target_groups.get(arn).map(|row| row.tags)
    } else if arn.contains(":listener/") {
        elb.listeners.get(arn).map(|row| row.tags)
    } else if arn.contains(":listener-rule/") {
        elb.rules.get(arn).map(|row| row.tags)
    } else {
        elb.load_balancers.get(arn).map(|row| row.tags)
    };
    tags.ok_or_else(|| not_found(arn))
}

fn change(elb: &Elb, arn: &str, edit: impl FnOnce(&mut Vec<Tag>)) -> Result<(), ServiceError> {
    let changed = if arn.contains(":targetgroup/") {
        elb.target_groups.update(arn, |row| edit(&mut row.tags))?
    } else if arn.contains(":listener/") {
        elb.listeners.update(arn, |row| edit(&mut row.tags))?
    } else if arn.contains(":listener-rule/") {
        elb.rules.update(arn, |row| edit(&mut row.tags))?
    } else {
        elb.load_balancers.update(arn, |row| edit(&mut row.tags))?
    };
    changed.ok_or_else(|| not_found(arn))
}

fn not_found(arn: &str) -> ServiceError {
    if arn.contains(":targetgroup/") {
        errors::target_groups_not_found(arn)
    } else if arn.contains(":listener/") {
        errors::listeners_not_found(arn)
    } else if arn.contains(":listener-rule/") {
        errors::rule_not_found(arn)
    } else {
        errors::load_balancer_not_found(arn)
    }
}
