//! What is told of a release on its way.

use crate::aws::ActionRun;
use crate::aws::status::{Progress, execution_progress};
use crate::follow::probe::Probe;
use crate::output::{Event, Printer, What};

/// How many requests were sent by now, for screens.
pub(super) fn tell_requests(printer: &Printer, subject: &str, probe: &Probe) {
    let (sent, failed) = probe.so_far();
    printer.tell(Event::new(None, subject, What::State(format!("{sent} requests sent, {failed} failed"))));
}

/// How an action stands.
pub(super) fn tell_action(printer: &Printer, run: &ActionRun) {
    let what = What::Action {
        action: run.action.clone(),
        status: run.status.clone(),
        detail: run.error.clone().or_else(|| run.summary.clone()),
    };
    let running = execution_progress(&run.status) == Progress::Running;
    let time = if running { run.started } else { run.updated };
    printer.tell(Event::new(time, run.stage.clone(), what));
}
