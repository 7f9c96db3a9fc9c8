//! What was told of one deployment, and what is new.

use super::{Event, Sink};
use crate::aws::{Deployment, LifecycleEvent, TaskSetTraffic};

#[derive(Default)]
pub(super) struct DeploymentTold {
    status: String,
    events: Vec<LifecycleEvent>,
    traffic: Vec<TaskSetTraffic>,
}

impl DeploymentTold {
    /// Tells what is new; whether anything was.
    pub(super) fn tell(&mut self, deployment: &Deployment, sink: Sink<'_>) -> bool {
        let mut news = false;
        if deployment.status != self.status {
            news = true;
            self.status.clone_from(&deployment.status);
            let error = deployment.error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
            let text = format!("deployment {} {}{error}", deployment.id, deployment.status);
            sink(Event::Note { subject: "Deploy".to_owned(), text });
        }
        for event in &deployment.events {
            if event.status == "Pending" || self.events.contains(event) {
                continue;
            }
            news = true;
            self.events.push(event.clone());
            sink(Event::Lifecycle {
                name: event.name.clone(),
                status: event.status.clone(),
                diagnostics: event.diagnostics.clone(),
            });
        }
        if deployment.traffic != self.traffic && !deployment.traffic.is_empty() {
            news = true;
            self.traffic.clone_from(&deployment.traffic);
            let sets = deployment.traffic.iter().map(|set| (set.label.clone(), set.weight, set.running));
            sink(Event::Traffic(sets.collect()));
        }
        news
    }
}
