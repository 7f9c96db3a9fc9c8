//! What the user agreed to, and whether something that turned out different while executing is within it.

use tokio::sync::Mutex;

use super::plan::{Plan, Planned};
use super::risk::loses;
use super::screen::shown;
use crate::aws::ResourceChange;
use crate::cli::Consent as Flags;
use crate::context::Ctx;
use crate::exit::Refused;
use crate::plan::difference::Difference;

/// The consent to a plan. `--yes` covers what was shown, and any addition or modification without interruption; whoever
/// was asked is asked again for everything else.
pub(super) struct Consent {
    yes: bool,
    /// One question at a time.
    asking: Mutex<()>,
}

/// What a user sees of one stack before it is changed.
#[derive(Clone, Copy, Default)]
pub(super) struct Shown<'a> {
    pub changes: &'a [ResourceChange],
    pub differences: &'a [Difference],
}

impl<'a> Shown<'a> {
    pub(super) fn of(planned: &'a Planned) -> Self {
        Self { changes: planned.shown_changes(), differences: &planned.differences }
    }
}

impl Consent {
    /// Asks for the plan, unless `--yes` was typed.
    ///
    /// # Errors
    /// Refused if the user does not agree, or nobody can be asked.
    pub(super) async fn to(ctx: &Ctx, plan: &Plan, flags: &Flags) -> anyhow::Result<Self> {
        ctx.printer().plan(plan, !flags.yes);
        let consent = Self { yes: flags.yes, asking: Mutex::default() };
        if !flags.yes {
            consent.ask(ctx, "go ahead? (yes/no)").await?;
        }
        Ok(consent)
    }

    /// Asks, unless `--yes` was typed.
    ///
    /// # Errors
    /// Those of [`Consent::to`].
    pub(super) async fn ask_for(ctx: &Ctx, flags: &Flags, question: &str) -> anyhow::Result<()> {
        if flags.yes {
            return Ok(());
        }
        Self { yes: false, asking: Mutex::default() }.ask(ctx, question).await
    }

    /// Asks for what is wanted of a stack and differs from what was shown of it: a value, too, is something that was
    /// agreed to.
    ///
    /// # Errors
    /// Refused under `--yes` where something would be replaced or removed; or if the user does not agree.
    pub(super) async fn covers(
        &self,
        ctx: &Ctx,
        stack: &str,
        (was, wanted): (Shown<'_>, Shown<'_>),
    ) -> anyhow::Result<()> {
        let new: Vec<&ResourceChange> =
            wanted.changes.iter().filter(|change| !was.changes.iter().any(|old| same(old, change))).collect();
        let unseen = wanted.differences.iter().filter(|difference| !was.differences.contains(difference));
        let unseen: Vec<&Difference> = unseen.collect();
        if new.is_empty() && unseen.is_empty() {
            return Ok(());
        }
        unseen.iter().for_each(|difference| ctx.printer().event(stack, difference));
        new.iter().for_each(|change| ctx.printer().event(stack, shown(change)));
        if !self.yes {
            return self
                .ask(ctx, &format!("stack `{stack}` changes otherwise than shown; go ahead? (yes/no)"))
                .await;
        }
        let loses: Vec<String> = new.into_iter().filter(|change| loses(change)).map(shown).collect();
        if loses.is_empty() {
            return Ok(());
        }
        let refused = format!("stack `{stack}` would change otherwise than shown: {}", loses.join("; "));
        let again = ctx.session.command("provision");
        Err(Refused::new(refused).hint(format!("run `{again}` again: it shows this, and asks")).into())
    }

    async fn ask(&self, ctx: &Ctx, question: &str) -> anyhow::Result<()> {
        if !ctx.printer().can_ask() {
            let refused = Refused::new("there are changes, and nobody to confirm them");
            let agreed = ctx.session.command("provision --yes");
            return Err(refused.hint(format!("run `{agreed}`")).into());
        }
        let _turn = self.asking.lock().await;
        match crate::ask::agrees(&ctx.session, question).await? {
            true => Ok(()),
            false => Err(Refused::new("not agreed to").into()),
        }
    }
}

/// Within what was shown: the same change of the same resource, of no other property and with no worse end.
fn same(shown: &ResourceChange, change: &ResourceChange) -> bool {
    let worse = loses(change) && !loses(shown);
    let elsewhere = change.properties.iter().any(|property| !shown.properties.contains(property));
    shown.logical_id == change.logical_id && shown.action == change.action && !worse && !elsewhere
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(action: &str, replacement: Option<&str>) -> ResourceChange {
        ResourceChange {
            action: action.to_owned(),
            logical_id: "It".to_owned(),
            physical_id: None,
            resource_type: "AWS::S3::Bucket".to_owned(),
            replacement: replacement.map(str::to_owned),
            properties: Vec::new(),
            scope: Vec::new(),
            details: Vec::new(),
        }
    }

    #[test]
    fn what_is_replaced_or_removed_unseen_is_lost_and_nothing_else() {
        assert!(loses(&change("Remove", None)));
        assert!(loses(&change("Modify", Some("True"))));
        assert!(loses(&change("Modify", Some("Conditional"))));
        assert!(!loses(&change("Modify", Some("False"))));
        assert!(!loses(&change("Add", None)));
    }

    #[test]
    fn what_may_stop_a_database_unseen_is_not_covered_either() {
        let of = |kind: &str, property: &str| ResourceChange {
            resource_type: kind.to_owned(),
            properties: vec![property.to_owned()],
            ..change("Modify", Some("False"))
        };
        assert!(loses(&of("AWS::RDS::DBInstance", "DBInstanceClass")));
        assert!(!loses(&of("AWS::RDS::DBInstance", "Tags")));
        assert!(!loses(&of("AWS::S3::Bucket", "LifecycleConfiguration")));
        let shown = of("AWS::RDS::DBInstance", "DBInstanceClass");
        assert!(same(&shown, &shown) && !same(&shown, &of("AWS::RDS::DBInstance", "EngineVersion")));
    }

    #[test]
    fn a_change_that_was_shown_covers_itself_but_nothing_worse() {
        let shown = change("Modify", Some("False"));
        assert!(same(&shown, &change("Modify", Some("False"))));
        assert!(!same(&shown, &change("Modify", Some("True"))));
        assert!(same(&change("Modify", Some("True")), &change("Modify", Some("True"))));
        assert!(!same(&shown, &change("Remove", None)));
        let mut other = shown.clone();
        other.properties.push("BucketName".to_owned());
        assert!(!same(&shown, &other));
        assert!(same(&other, &shown));
    }
}
