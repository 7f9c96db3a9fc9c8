//! `release --ignore-alarms`: for the fix of a production that fails. An alarm that is active already stops a new
//! deployment, also the one that mends what raised it.
//!
//! CodePipeline's action takes no alarms of its own (CodeDeploy's CreateDeployment would), so the deployment group is told
//! to look at none while the release is followed, and to look at them again on every exit. A run that was killed is known
//! by the group, which then says otherwise than its stack; the next `release` puts it back once nothing deploys.

use super::deployed::{Deployed, Place};
use crate::aws::AlarmSettings;
use crate::follow::Watch;

/// The stack of the deployment group, and its parameter that says whether alarms count.
const STACK: &str = "deployment";
const PARAMETER: &str = "StopOnAlarm";

/// The alarms of one deployment group.
pub(super) struct Alarms<'a> {
    watch: Watch<'a>,
    group: (&'a str, &'a str),
    /// By the stack; whoever changed its template is asked for nothing.
    should_count: bool,
}

impl<'a> Alarms<'a> {
    pub(super) fn of(watch: Watch<'a>, place: &'a Place, deployed: &Deployed) -> Self {
        let stack = deployed.stacks.get(STACK);
        let said = stack.and_then(|stack| stack.parameters.get(PARAMETER));
        Self {
            watch,
            group: place.deployment_group(),
            should_count: said.is_some_and(|said| said.as_str() == "true"),
        }
    }

    /// Lets them stop nothing from now on; how they are to be put back. `None` where they stop nothing anyway.
    pub(super) async fn ignore(&self) -> anyhow::Result<Option<AlarmSettings>> {
        let Watch { aws, session } = self.watch;
        let found = session.cancel.unless_cancelled(aws.alarm_settings(self.group)).await??;
        let counts = |found: &AlarmSettings| (found.enabled || self.should_count) && !found.names.is_empty();
        let Some(found) = found.filter(counts) else {
            session.printer.note("no alarm stops deployments here: there is none to ignore");
            return Ok(None);
        };
        session.cancel.check()?;
        let before = AlarmSettings { enabled: true, ..found };
        session.printer.event(
            "alarms",
            format_args!(
                "{} stop no deployment until this command ends: only failed health checks and what it sees itself do",
                before.names.join(", ")
            ),
        );
        let ignored = AlarmSettings { enabled: false, ..before.clone() };
        match aws.set_alarms(self.group, &ignored).await {
            Err(error) if error.code.is_none() => {
                // Nobody knows whether it was carried out.
                aws.set_alarms(self.group, &before).await?;
                Err(error.into())
            }
            set => Ok(set.map(|()| Some(before))?),
        }
    }

    /// Lets them stop deployments again. Awaited on every exit.
    pub(super) async fn put_back(&self, before: &AlarmSettings) -> anyhow::Result<()> {
        let Watch { aws, session } = self.watch;
        let set = aws.set_alarms(self.group, before).await;
        if let Err(error) = set {
            let release = session.command("release");
            let left =
                format!("alarms stop no deployment of this group still: the next `{release}` mends that");
            return Err(anyhow::Error::from(error).context(left));
        }
        session.printer.event("alarms", "they stop deployments again");
        Ok(())
    }

    /// Puts back what a run left that was killed; whether that has to wait, for something deploys that may want it so.
    /// Whoever may not ask releases all the same.
    pub(super) async fn recall(&self, runs: bool) -> anyhow::Result<bool> {
        let Watch { aws, session } = self.watch;
        if !self.should_count {
            return Ok(false);
        }
        let found = match session.cancel.unless_cancelled(aws.alarm_settings(self.group)).await? {
            Err(error) if !error.passing => {
                let told = format!("whether alarms stop deployments cannot be read: {error:#}");
                session.printer.warning(told.replace('\n', " "));
                None
            }
            found => found?,
        };
        let Some(left) = found.filter(|found| !found.enabled && !found.names.is_empty()) else {
            return Ok(false);
        };
        let (application, group) = self.group;
        let deploys = async || aws.active_deployments(application, group).await;
        if runs || !session.cancel.unless_cancelled(deploys()).await??.is_empty() {
            session.printer.warning(
                "alarms stop no deployment at present: `release --ignore-alarms` runs, or was killed",
            );
            return Ok(true);
        }
        session.cancel.check()?;
        session.printer.event("alarms", "an earlier run, or somebody by hand, left them ignored");
        self.put_back(&AlarmSettings { enabled: true, ..left }).await?;
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use serde_json::{Value, json};

    use super::*;
    use crate::aws::Aws;
    use crate::aws::tests::stub;
    use crate::output::{Format, Printer};
    use crate::session::Session;

    /// A deployment group that says whether alarms count, and what it was told, in order.
    async fn group(enabled: bool, deploys: bool) -> (Aws, Arc<Mutex<Vec<Value>>>) {
        let told = Arc::<Mutex<Vec<Value>>>::default();
        let noted = Arc::clone(&told);
        let (aws, _) = stub(move |operation, _, input| match operation {
            "GetDeploymentGroup" => json!({ "deploymentGroupInfo": { "alarmConfiguration": {
                "enabled": enabled, "ignorePollAlarmFailure": false, "alarms": [{ "name": "blue" }, { "name": "green" }],
            } } }),
            "UpdateDeploymentGroup" => {
                noted.lock().unwrap().push(input["alarmConfiguration"].clone());
                json!({})
            }
            "ListDeployments" => json!({ "deployments": if deploys { json!(["d-1"]) } else { json!([]) } }),
            _ => json!({}),
        })
        .await;
        (aws, told)
    }

    fn configuration(enabled: bool) -> Value {
        let alarms = json!([{ "name": "blue" }, { "name": "green" }]);
        json!({ "enabled": enabled, "ignorePollAlarmFailure": false, "alarms": alarms })
    }

    #[tokio::test]
    async fn alarms_are_ignored_by_name_and_put_back_as_the_stack_has_them() {
        // As they are, and as a run left them that was killed.
        for enabled in [true, false] {
            let (aws, told) = group(enabled, false).await;
            let session = Session::new(Printer::new(Format::Text), "cargo xtask");
            let watch = Watch { aws: &aws, session: &session };
            let alarms = Alarms { watch, group: ("a", "g"), should_count: true };

            let before = alarms.ignore().await.unwrap().unwrap();
            alarms.put_back(&before).await.unwrap();

            assert_eq!(*told.lock().unwrap(), [configuration(false), configuration(true)]);
        }
    }

    #[tokio::test]
    async fn what_was_left_ignored_is_put_back_where_the_stack_says_otherwise_and_nothing_deploys() {
        // Whether the group lets them count, whether the stack does, whether something deploys; what is told then.
        let cases = [
            (false, true, false, vec![configuration(true)]),
            (false, true, true, vec![]),
            (true, true, false, vec![]),
            (false, false, false, vec![]),
        ];
        for (enabled, should_count, deploys, expected) in cases {
            let (aws, told) = group(enabled, deploys).await;
            let session = Session::new(Printer::new(Format::Text), "cargo xtask");
            let watch = Watch { aws: &aws, session: &session };
            let alarms = Alarms { watch, group: ("a", "g"), should_count };

            let waits = alarms.recall(false).await.unwrap();

            assert_eq!(
                (waits, told.lock().unwrap().clone()),
                (deploys, expected),
                "{enabled} {should_count}"
            );
        }
        let (aws, told) = group(false, false).await;
        let session = Session::new(Printer::new(Format::Text), "cargo xtask");
        let watch = Watch { aws: &aws, session: &session };
        let another_runs =
            Alarms { watch, group: ("a", "g"), should_count: true }.recall(true).await.unwrap();
        assert!(another_runs && told.lock().unwrap().is_empty());
    }
}
