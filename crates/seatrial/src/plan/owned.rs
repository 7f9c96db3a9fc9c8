//! The outputs that this tool itself needs, each with the one stack it is read from: a user's own stack may offer an
//! output of any name.

macro_rules! owned {
    ($($stack:literal: $($name:ident)+;)+) => {
        /// An output with an owner.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Owned {
            $($($name,)+)+
        }

        impl Owned {
            /// All of them.
            pub(crate) const ALL: [Self; [$($(stringify!($name),)+)+].len()] = [$($(Self::$name,)+)+];

            /// The output's name.
            pub(crate) fn name(self) -> &'static str {
                match self {
                    $($(Self::$name => stringify!($name),)+)+
                }
            }

            /// The short name of the stack that owns it.
            pub(crate) fn stack(self) -> &'static str {
                match self {
                    $($(Self::$name)|+ => $stack,)+
                }
            }
        }
    };
}

owned! {
    "build": ArtifactBucketName BuildLogGroupName BuildProjectName;
    "cluster": ApplicationLogGroupName ClusterName ExecutionRoleArn TaskRoleArn;
    "connection": ConnectionArn;
    "database": DatabaseEndpointAddress DatabaseName DatabasePort DatabaseSecretArn DatabaseUser;
    "deployment": CodeDeployApplicationName DeploymentGroupName;
    "load-balancer": BlueTargetGroupArn GreenTargetGroupArn LoadBalancerArn LoadBalancerDnsName ProductionListenerArn TestListenerArn Url;
    "pipeline": PipelineName;
    "registry": RepositoryName RepositoryUri;
    "service": ServiceName;
}

impl Owned {
    /// The output of that name, if this tool needs one so called.
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|output| output.name() == name)
    }
}
