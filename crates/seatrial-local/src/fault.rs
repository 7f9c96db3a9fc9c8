//! Faults on demand: what goes wrong because a test or a rehearsal asked for it.
//!
//! Faults of calls (`throttle`, `error`, `deny`, `slow`) act at the door. Faults of tasks (`unhealthy`, …) are taken
//! by the ECS engine when it makes a task set, so that one fault spoils one release.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::access;
use crate::error::ServiceError;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// Calls are refused with `ThrottlingException`.
    Throttle,
    /// Calls fail with `InternalFailure`, status 500.
    Error,
    /// Calls are refused with `AccessDenied`, as by a policy that does not allow them.
    Deny,
    /// Calls take `delay_ms` longer.
    Slow,
    /// The tasks of the next task set start, but answer no health check.
    Unhealthy,
    /// The program of the next task set's tasks ends as soon as it starts.
    Crash,
    /// The next task set's image is not in the repository.
    MissingImage,
    /// The execution role of the next task set's tasks may not read secrets.
    DeniedSecret,
    /// The program of the next task set's tasks starts some seconds late, as one that first prepares itself does: in
    /// time for its health checks.
    SlowStart,
    /// It starts after all health checks have given it up.
    LateStart,
    /// There is no capacity for the next task set's tasks.
    NoCapacity,
    /// The load balancer sends a request on a connection that its target is just closing, as if it had not heard of that
    /// yet: what is a race on AWS is certain. It takes a target that closes idle connections.
    LateFin,
}

impl FaultKind {
    /// Those that spoil the tasks of the next task set, and no call.
    pub(crate) const OF_TASKS: [Self; 7] = [
        Self::Unhealthy,
        Self::Crash,
        Self::MissingImage,
        Self::DeniedSecret,
        Self::SlowStart,
        Self::LateStart,
        Self::NoCapacity,
    ];
}

/// One fault. Without `service` or `operation` it fits all.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    pub kind: FaultKind,
    #[serde(default)]
    pub service: Option<String>,
    #[serde(default)]
    pub operation: Option<String>,
    /// How many times it acts.
    #[serde(default = "once")]
    pub count: u32,
    #[serde(default)]
    pub delay_ms: u64,
}

fn once() -> u32 {
    1
}

impl Fault {
    /// A fault that acts once and fits every call.
    pub fn new(kind: FaultKind) -> Self {
        Self { kind, service: None, operation: None, count: 1, delay_ms: 0 }
    }
}

/// One call, as a fault sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Called<'a> {
    pub service: &'a str,
    pub operation: &'a str,
    /// The ARN it acts on, or `*`.
    pub resource: &'a str,
}

/// The faults that are armed.
#[derive(Default)]
pub struct Faults {
    armed: Mutex<Vec<Fault>>,
}

impl Faults {
    pub fn arm(&self, fault: Fault) {
        self.lock().push(fault);
    }

    pub fn armed(&self) -> Vec<Fault> {
        self.lock().clone()
    }

    pub fn clear(&self) {
        self.lock().clear();
    }

    /// Takes one use of a fault of tasks, if one is armed: which.
    pub(crate) fn take_of_tasks(&self) -> Option<FaultKind> {
        self.take_if(|fault| FaultKind::OF_TASKS.contains(&fault.kind)).map(|fault| fault.kind)
    }

    /// Whether a fault of that kind is armed; it acts.
    pub(crate) fn take(&self, kind: FaultKind) -> bool {
        self.take_if(|fault| fault.kind == kind).is_some()
    }

    /// Applies the faults of calls to one call.
    pub(crate) async fn strike(&self, caller: &str, called: Called<'_>) -> Result<(), ServiceError> {
        let Called { service, operation, resource } = called;
        let of_calls = |fault: &Fault| {
            !FaultKind::OF_TASKS.contains(&fault.kind)
                && fault.kind != FaultKind::LateFin
                && fault.service.as_deref().is_none_or(|name| name == service)
                && fault.operation.as_deref().is_none_or(|name| name == operation)
        };
        let Some(fault) = self.take_if(of_calls) else { return Ok(()) };
        match fault.kind {
            FaultKind::Throttle => Err(ServiceError::new("ThrottlingException", "Rate exceeded")),
            FaultKind::Error => Err(ServiceError::internal("a fault was injected into this call")),
            FaultKind::Deny => {
                let denial = format!(
                    "User: {caller} is not authorized to perform: {service}:{operation} on resource: {resource} \
                     because no identity-based policy allows the {service}:{operation} action"
                );
                Err(access::told(service, &denial))
            }
            // None of tasks comes here.
            _ => {
                tokio::time::sleep(Duration::from_millis(fault.delay_ms)).await;
                Ok(())
            }
        }
    }

    fn take_if(&self, fits: impl Fn(&Fault) -> bool) -> Option<Fault> {
        let mut armed = self.lock();
        let index = armed.iter().position(fits)?;
        let fault = armed.get_mut(index)?;
        let taken = fault.clone();
        fault.count = fault.count.saturating_sub(1);
        if fault.count == 0 {
            armed.remove(index);
        }
        Some(taken)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Fault>> {
        self.armed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALLED: Called<'_> = Called { service: "ecs", operation: "ListTasks", resource: "*" };

    #[tokio::test]
    async fn a_denied_call_is_refused_in_awss_words_as_often_as_it_was_asked_for() {
        let faults = Faults::default();
        faults.arm(Fault {
            count: 2,
            operation: Some("ListTasks".to_owned()),
            ..Fault::new(FaultKind::Deny)
        });
        let other = Called { operation: "ListClusters", ..CALLED };

        assert!(faults.strike("arn:aws:iam::000000000000:root", other).await.is_ok());
        for _ in 0..2 {
            let refused = faults.strike("arn:aws:iam::000000000000:root", CALLED).await.unwrap_err();
            assert_eq!((refused.code.as_str(), refused.status), ("AccessDeniedException", 400));
            let start = "User: arn:aws:iam::000000000000:root is not authorized to perform: ecs:ListTasks on";
            assert!(refused.message.starts_with(start), "{}", refused.message);
        }
        assert!(faults.strike("arn:aws:iam::000000000000:root", CALLED).await.is_ok());
    }

    #[tokio::test]
    async fn a_fault_of_tasks_strikes_no_call() {
        let faults = Faults::default();
        for kind in FaultKind::OF_TASKS {
            faults.arm(Fault::new(kind));
        }

        assert!(faults.strike("", CALLED).await.is_ok());
        let taken: Vec<FaultKind> = std::iter::from_fn(|| faults.take_of_tasks()).collect();
        assert_eq!(taken, FaultKind::OF_TASKS);
    }
}
