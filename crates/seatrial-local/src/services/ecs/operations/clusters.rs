//! Operations on clusters.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};
use crate::services::ecs::definition::Tag;
use crate::services::ecs::shapes::{Cluster, Failure, Setting};
use crate::services::ecs::store::{EcsStore, cluster_name, invalid};
use crate::services::iam::ensure_linked_role;

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct CreateCluster {
    pub cluster_name: Option<String>,
    pub settings: Vec<Setting>,
    pub capacity_providers: Vec<String>,
    pub default_capacity_provider_strategy: Vec<Value>,
    pub tags: Vec<Tag>,
}

/// The capacity providers that every account has.
const OF_FARGATE: [&str; 2] = ["FARGATE", "FARGATE_SPOT"];

#[derive(Serialize)]
pub(crate) struct ClusterOutput {
    pub cluster: Cluster,
}

impl Operation for CreateCluster {
    type Output = ClusterOutput;
    const SERVICE: &'static str = "ecs";
    const NAME: &'static str = "CreateCluster";

    /// One that is there already is answered as it is.
    async fn handle(self, call: &Call) -> Result<ClusterOutput, ServiceError> {
        let store = call.cloud.part::<EcsStore>();
        let name = cluster_name(self.cluster_name.as_deref()).to_owned();
        // API reference, CreateCluster; the words are ours.
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let given = self.cluster_name.as_deref().unwrap_or(&name);
        if given.is_empty() || given.len() > 255 || !given.bytes().all(fits) {
            return Err(invalid(
                "Cluster name must be up to 255 letters (uppercase and lowercase), numbers, underscores, and hyphens.",
            ));
        }
        if let Some(other) = self.capacity_providers.iter().find(|name| !OF_FARGATE.contains(&name.as_str()))
        {
            return Err(invalid(format!("The specified capacity provider '{other}' is not available here.")));
        }
        if let Ok(cluster) = store.cluster(Some(&name)) {
            return Ok(ClusterOutput { cluster });
        }
        // ECS makes its role and uses it before IAM has it everywhere: the first cluster of an account fails, the next
        // does not (cloudformation-coverage-roadmap#818, 1Password/scim-examples#356).
        if !ensure_linked_role(call, "ecs.amazonaws.com").await? {
            return Err(ServiceError::new(
                "InvalidParameterException",
                "Unable to assume the service linked role. Please verify that the ECS service linked role exists.",
            ));
        }
        let cluster = Cluster {
            cluster_arn: call.cloud.arn("ecs", &format!("cluster/{name}")),
            cluster_name: name,
            status: "ACTIVE".to_owned(),
            settings: self.settings,
            capacity_providers: self.capacity_providers,
            default_capacity_provider_strategy: self.default_capacity_provider_strategy,
            tags: self.tags,
            ..Cluster::default()
        };
        store.clusters.put(&cluster.cluster_name, &cluster)?;
        Ok(ClusterOutput { cluster })
    }
}

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct DescribeClusters {
    pub clusters: Vec<String>,
}

#[derive(Serialize)]
pub(crate) struct DescribeClustersOutput {
    pub clusters: Vec<Cluster>,
    pub failures: Vec<Failure>,
}

impl Operation for DescribeClusters {
    type Output = DescribeClustersOutput;
    const SERVICE: &'static str = "ecs";
    const NAME: &'static str = "DescribeClusters";

    async fn handle(self, call: &Call) -> Result<DescribeClustersOutput, ServiceError> {
        let store = call.cloud.part::<EcsStore>();
        let mut output = DescribeClustersOutput { clusters: Vec::new(), failures: Vec::new() };
        let given = if self.clusters.is_empty() { vec!["default".to_owned()] } else { self.clusters };
        for given in given {
            let name = cluster_name(Some(&given)).to_owned();
            match store.clusters.get(&name) {
                Some(cluster) => output.clusters.push(with_counts(&store, cluster)),
                None => {
                    let arn = call.cloud.arn("ecs", &format!("cluster/{name}"));
                    output.failures.push(Failure::missing(arn));
                }
            }
        }
        Ok(output)
    }
}

fn with_counts(store: &EcsStore, mut cluster: Cluster) -> Cluster {
    let prefix = format!("{}/", cluster.cluster_name);
    for (_, row) in store.tasks.with_prefix(&prefix) {
        match row.task.last_status.as_str() {
            "RUNNING" => cluster.running_tasks_count += 1,
            "PROVISIONING" | "PENDING" | "ACTIVATING" => cluster.pending_tasks_count += 1,
            _ => {}
        }
    }
    let services = store.services.with_prefix(&prefix);
    let active = services.iter().filter(|(_, service)| service.status == "ACTIVE").count();
    cluster.active_services_count = i64::try_from(active).unwrap_or(i64::MAX);
    cluster
}

#[derive(Deserialize, Serialize)]
pub(crate) struct ListClusters {}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListClustersOutput {
    pub cluster_arns: Vec<String>,
}

impl Operation for ListClusters {
    type Output = ListClustersOutput;
    const SERVICE: &'static str = "ecs";
    const NAME: &'static str = "ListClusters";

    async fn handle(self, call: &Call) -> Result<ListClustersOutput, ServiceError> {
        let clusters = call.cloud.part::<EcsStore>().clusters.values();
        let active = clusters.into_iter().filter(|cluster| cluster.status == "ACTIVE");
        Ok(ListClustersOutput { cluster_arns: active.map(|cluster| cluster.cluster_arn).collect() })
    }
}

#[derive(Deserialize, Serialize)]
pub(crate) struct UpdateCluster {
    pub cluster: String,
    #[serde(default)]
    pub settings: Vec<Setting>,
}

impl Operation for UpdateCluster {
    type Output = ClusterOutput;
    const SERVICE: &'static str = "ecs";
    const NAME: &'static str = "UpdateCluster";

    fn resource(&self, cloud: &Cloud) -> String {
        cloud.arn("ecs", &format!("cluster/{}", cluster_name(Some(&self.cluster))))
    }

    async fn handle(self, call: &Call) -> Result<ClusterOutput, ServiceError> {
        let store = call.cloud.part::<EcsStore>();
        let mut cluster = store.cluster(Some(&self.cluster))?;
        cluster.settings = self.settings;
        store.clusters.put(&cluster.cluster_name, &cluster)?;
        Ok(ClusterOutput { cluster })
    }
}

#[derive(Deserialize, Serialize)]
pub(crate) struct DeleteCluster {
    pub cluster: String,
}

impl Operation for DeleteCluster {
    type Output = ClusterOutput;
    const SERVICE: &'static str = "ecs";
    const NAME: &'static str = "DeleteCluster";

    fn resource(&self, cloud: &Cloud) -> String {
        cloud.arn("ecs", &format!("cluster/{}", cluster_name(Some(&self.cluster))))
    }

    async fn handle(self, call: &Call) -> Result<ClusterOutput, ServiceError> {
        let store = call.cloud.part::<EcsStore>();
        let mut cluster = store.cluster(Some(&self.cluster))?;
        let prefix = format!("{}/", cluster.cluster_name);
        let services = store.services.with_prefix(&prefix);
        if services.iter().any(|(_, service)| service.status != "INACTIVE") {
            return Err(ServiceError::new(
                "ClusterContainsServicesException",
                "The Cluster cannot be deleted while Services are active.",
            ));
        }
        let tasks = store.tasks.with_prefix(&prefix);
        if tasks.iter().any(|(_, row)| row.task.last_status != "STOPPED") {
            return Err(ServiceError::new(
                "ClusterContainsTasksException",
                "The Cluster cannot be deleted while Tasks are active.",
            ));
        }
        for (key, _) in tasks {
            store.tasks.remove(&key)?;
        }
        for (key, _) in services {
            store.services.remove(&key)?;
        }
        store.clusters.remove(&cluster.cluster_name)?;
        cluster.status = "INACTIVE".to_owned();
        Ok(ClusterOutput { cluster })
    }
}
