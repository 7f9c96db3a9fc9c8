//! How long a deployment waits for its replacement task set.
//!
//! AWS waits an hour, whatever becomes of the tasks: it starts new ones for those that crash or fail their health check,
//! and the deployment says nothing of it. So it is here: who follows a deployment has to see by the tasks that it will
//! not get better, and stop it.

use std::time::Duration;

/// Real time, for it is a time-out.
const BUDGET: Duration = Duration::from_secs(3600);

/// AWS's words.
const TIMED_OUT: &str = "The ECS deployment timed out while waiting for the replacement task set to become \
                         healthy. This time out period is 60 minutes.";

/// Why the set is given up, after it was waited for this long; `None`: it is not.
pub(super) fn given_up(waited: Duration) -> Option<&'static str> {
    (waited >= BUDGET).then_some(TIMED_OUT)
}
