//! What `status` says of scaling that is suspended: by whom, as far as that can be known, and what resumes it.

use std::fmt;

use serde::Serialize;

use super::deployed::Deployed;
use crate::aws::{Suspended, resource_id};
use crate::context::Ctx;
use crate::exit::Interrupted;
use crate::follow::FOR_A_ROLLOUT;
use crate::plan::owned::Owned;

/// Scaling that does not all happen.
#[derive(Debug, Serialize)]
pub(super) struct SuspendedScaling {
    #[serde(flatten)]
    suspended: Suspended,
    /// The deployment that runs meanwhile.
    deployment_id: Option<String>,
    /// What to type to resume all of it.
    resume: String,
    /// What resumes it, too, where a release left it so.
    #[serde(skip)]
    provision: String,
}

/// What is suspended of the environment's service; `None` for nothing, and where there is no service. Whoever may not ask is
/// told so.
///
/// # Errors
/// [`Interrupted`].
pub(super) async fn suspended(
    ctx: &Ctx,
    deployed: &Deployed,
    deployment_id: Option<String>,
) -> Result<Option<SuspendedScaling>, Interrupted> {
    let (Some(cluster), Some(service)) =
        (deployed.output(Owned::ClusterName), deployed.output(Owned::ServiceName))
    else {
        return Ok(None);
    };
    let found = ctx.session.cancel.unless_cancelled(ctx.aws.suspended((cluster, service))).await?;
    let found = found.unwrap_or_else(|error| {
        let told = format!("whether scaling is suspended cannot be read: {error}").replace('\n', " ");
        ctx.printer().warning(told);
        None
    });
    let resume = format!(
        "aws application-autoscaling register-scalable-target --service-namespace ecs --scalable-dimension \
         ecs:service:DesiredCount --resource-id {} --suspended-state '{}' --region {}",
        resource_id(cluster, service),
        Suspended::default().members(),
        ctx.aws.region(),
    );
    let provision = ctx.session.command("provision");
    let some = found.filter(|suspended| *suspended != Suspended::default());
    Ok(some.map(|suspended| SuspendedScaling { suspended, deployment_id, resume, provision }))
}

impl fmt::Display for SuspendedScaling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Suspended { scale_in, scale_out, scheduled } = self.suspended;
        let all = [(scale_in, "scale-in"), (scale_out, "scale-out"), (scheduled, "scheduled actions")];
        let named: Vec<&str> = all.iter().filter(|(is_it, _)| *is_it).map(|(_, name)| *name).collect();
        write!(f, "scaling is suspended ({})", named.join(", "))?;
        match &self.deployment_id {
            Some(id) => write!(f, " while deployment {id} runs; whoever follows that resumes it"),
            None if self.suspended == FOR_A_ROLLOUT => write!(
                f,
                "; no deployment runs: a release was killed, or somebody did it by hand;\n  the next release, rollback \
                 or `{}` resumes it, and so does\n  {}",
                self.provision, self.resume
            ),
            None => write!(f, " by somebody, and stays so; what resumes it is\n  {}", self.resume),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_suspended_is_told_with_whoever_resumes_it_and_what_to_type() {
        let told = |suspended, deployment: Option<&str>| {
            let deployment_id = deployment.map(str::to_owned);
            let (resume, provision) = ("aws it".to_owned(), "seatrial provision".to_owned());
            SuspendedScaling { suspended, deployment_id, resume, provision }.to_string()
        };
        let running = told(FOR_A_ROLLOUT, Some("d-1"));
        assert_eq!(
            running,
            "scaling is suspended (scale-in, scale-out) while deployment d-1 runs; whoever follows that resumes it"
        );
        let killed = told(FOR_A_ROLLOUT, None);
        assert!(
            killed.contains("a release was killed") && killed.contains("`seatrial provision`"),
            "{killed}"
        );
        assert!(killed.ends_with("\n  aws it"), "{killed}");
        let wanted = told(Suspended { scheduled: true, ..FOR_A_ROLLOUT }, None);
        assert!(wanted.contains("scheduled actions) by somebody, and stays so"), "{wanted}");
        assert!(wanted.ends_with("\n  aws it"), "{wanted}");
    }
}
