//! Calls to AWS: the only place that names an SDK crate. Thin functions that return our own types.

mod alarms;
mod autoscaling;
mod changes;
mod clients;
mod cloudformation;
mod cloudwatch;
mod codebuild;
mod codeconnections;
mod codedeploy;
mod codepipeline;
mod drift;
mod earlier;
mod ecr;
mod ecs;
mod elbv2;
mod error;
mod iam;
mod imports;
mod logs;
mod protection;
mod rare;
mod rds;
mod recovery;
mod s3;
mod script;
mod secrets;
pub(crate) mod status;
mod sts;
mod time;

pub(crate) use alarms::AlarmSettings;
pub(crate) use autoscaling::{Suspended, resource_id};
pub(crate) use clients::{Aws, Target, endpoint_is, endpoint_is_loopback};
pub(crate) use cloudformation::{
    ChangeSet, ChangeSetRequest, Parameter, PropertyChange, ResourceChange, Stack, StackEvent, StackResource,
};
#[cfg(test)]
pub(crate) use codebuild::BuildPhase;
pub(crate) use codebuild::{Build, FirstBuild};
pub(crate) use codeconnections::Connection;
pub(crate) use codedeploy::{Deployment, LifecycleEvent, TrafficShare};
pub(crate) use codepipeline::{ActionRun, Execution, StageState};
#[cfg(test)]
pub(crate) use drift::PropertyDrift;
pub(crate) use drift::{Detection, DriftedResource};
pub(crate) use earlier::EarlierDeployment;
pub(crate) use ecs::{Live, OneOff, Revision, ServiceEvent, StoppedTask};
pub(crate) use elbv2::{ForwardingRule, TargetHealth};
pub(crate) use error::AwsError;
pub(crate) use iam::Holder;
pub(crate) use imports::ResourceImport;
pub(crate) use logs::{FoundLine, LogLine, LogQuery};
pub(crate) use recovery::ValidationError;

#[cfg(test)]
pub(crate) mod tests;
