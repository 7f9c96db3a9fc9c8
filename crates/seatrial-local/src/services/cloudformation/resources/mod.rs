//! How each resource type is made, changed and deleted: one file a service.
//!
//! A handler turns properties into that service's own operations, through `Cloud::call` with the caller of
//! the stack operation, and returns when the resource is stable, as CloudFormation's handlers do.

mod autoscaling;
mod certificatemanager;
mod cloudformation;
mod cloudwatch;
mod codebuild;
mod codeconnections;
mod codedeploy;
mod codepipeline;
mod ec2;
mod ecr;
mod ecs;
mod elbv2;
mod iam;
mod iam_policies;
mod kms;
mod lenient;
mod logs;
mod outcome;
mod rds;
mod record;
mod resource;
mod s3;
mod secret_attachment;
mod secret_policy;
mod secretsmanager;
mod shown;
mod tags;
mod task_definition;

pub(crate) use lenient::{Flag, Number};
pub(crate) use outcome::{attributes, gone};
#[cfg(test)]
pub(super) use record::forms::Facts;
pub(crate) use record::forms::is_answered;
pub(crate) use record::{handler as record_handler, is_record, note as record_note, stored_parameter};
pub(crate) use resource::{Attributes, Change, Created, Handler, Resource, ResourceContext, ResourceTypes};
pub(crate) use shown::{answered, capitalized, own_tags, tagged, told};
pub(crate) use tags::Tag;

impl ResourceTypes {
    /// All types of all services.
    pub(crate) fn all() -> Self {
        let mut types = Self::default();
        autoscaling::register(&mut types);
        certificatemanager::register(&mut types);
        cloudformation::register(&mut types);
        cloudwatch::register(&mut types);
        codebuild::register(&mut types);
        codeconnections::register(&mut types);
        codedeploy::register(&mut types);
        codepipeline::register(&mut types);
        ec2::register(&mut types);
        ecr::register(&mut types);
        ecs::register(&mut types);
        elbv2::register(&mut types);
        iam::register(&mut types);
        iam_policies::register(&mut types);
        kms::register(&mut types);
        logs::register(&mut types);
        rds::register(&mut types);
        s3::register(&mut types);
        secret_attachment::register(&mut types);
        secret_policy::register(&mut types);
        secretsmanager::register(&mut types);
        task_definition::register(&mut types);
        #[cfg(test)]
        super::tests::register(&mut types);
        types
    }
}
