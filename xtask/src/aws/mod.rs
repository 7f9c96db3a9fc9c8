//! Calls to AWS: the only place that names an SDK crate. Thin functions that return our own types.

mod clients;
mod cloudformation;
mod codebuild;
mod codeconnections;
mod codedeploy;
mod codepipeline;
mod ecr;
mod ecs;
mod elbv2;
mod error;
mod logs;
mod s3;
pub(crate) mod status;
mod sts;

pub(crate) use clients::{Aws, Target};
pub(crate) use cloudformation::{
    ChangeSet, ChangeSetRequest, Parameter, ResourceChange, Stack, StackEvent, StackResource,
};
pub(crate) use codebuild::{Build, BuildPhase, FirstBuild};
pub(crate) use codedeploy::{Deployment, LifecycleEvent, TaskSetTraffic};
pub(crate) use codepipeline::{ActionRun, Execution, StageState};
pub(crate) use ecr::Image;
pub(crate) use ecs::{Service, StoppedTask, Task, TaskSet};
pub(crate) use elbv2::TargetHealth;
pub(crate) use error::AwsError;
pub(crate) use logs::LogPage;
pub(crate) use sts::Identity;
