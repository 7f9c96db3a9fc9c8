//! One stack's way to where the template wants it. `provision`'s plan and its execution ask the same function what
//! comes next; each step is bounded, so nothing goes round for ever.
//!
//! | the stack | its inputs | next |
//! |---|---|---|
//! | not there, or only a change set of a creation | known | create |
//! | at rest | known, and nothing differs | nothing |
//! | at rest | known, and something differs | update |
//! | not there, or at rest | not all known | wait |
//! | an operation runs | | join it, then look again |
//! | its creation or its deletion failed | | clear what is left, once, then look again |
//! | its update failed, and rollback was disabled | | roll it back, once, then look again |
//! | its update's rollback failed | | continue the rollback, once, then look again |
//! | anything else that failed | | give up |

use crate::aws::status::StackPhase;

/// Operations of others that are waited for before it is somebody's turn to ask what is going on.
const JOINS: u32 = 10;
/// A creation that fails again fails for a reason.
const CLEARS: u32 = 1;
const CONTINUATIONS: u32 = 1;
const ROLLBACKS: u32 = 1;
/// Change sets that somebody else's operation made useless.
const RACES: u32 = 5;

/// What is known of what a stack takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Inputs {
    /// Something comes from a stack that is not there yet.
    Pending,
    /// Nothing differs from what is deployed.
    Same,
    Different,
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Wait,
    Nothing,
    /// By a change set of type CREATE, beside another's if one is there: it holds nothing yet.
    Create,
    /// By a change set of type UPDATE.
    Update,
    Join,
    /// Delete what a failed creation left.
    Clear,
    /// Of an update that failed with rollback disabled.
    RollBack,
    ContinueRollback,
    GiveUp,
}

/// How often what was tried.
#[derive(Debug, Clone, Default)]
pub(crate) struct Attempts {
    joins: u32,
    clears: u32,
    continuations: u32,
    rollbacks: u32,
    races: u32,
}

/// The next action for a stack in `phase`. `inputs` are looked at only where they matter.
pub(crate) fn next(phase: StackPhase, inputs: Inputs, attempts: &Attempts) -> Action {
    let bounded = |action, tried, most| if tried < most { action } else { Action::GiveUp };
    match (phase, inputs) {
        (StackPhase::InProgress, _) => bounded(Action::Join, attempts.joins, JOINS),
        (StackPhase::DeleteOnly, _) => bounded(Action::Clear, attempts.clears, CLEARS),
        (StackPhase::RollBack, _) => bounded(Action::RollBack, attempts.rollbacks, ROLLBACKS),
        (StackPhase::ContinueRollback, _) => {
            bounded(Action::ContinueRollback, attempts.continuations, CONTINUATIONS)
        }
        (StackPhase::Failed, _) => Action::GiveUp,
        (_, Inputs::Pending) => Action::Wait,
        (StackPhase::Absent | StackPhase::Review, _) => bounded(Action::Create, attempts.races, RACES),
        (StackPhase::Stable | StackPhase::RolledBack, Inputs::Same) => Action::Nothing,
        (StackPhase::Stable | StackPhase::RolledBack, Inputs::Different) => {
            bounded(Action::Update, attempts.races, RACES)
        }
    }
}

impl Attempts {
    /// Counts an action that was carried out.
    pub(crate) fn count(&mut self, action: Action) {
        match action {
            Action::Join => self.joins += 1,
            Action::Clear => self.clears += 1,
            Action::RollBack => self.rollbacks += 1,
            Action::ContinueRollback => self.continuations += 1,
            // Creations and updates end in success or in an error, unless somebody else was first.
            Action::Create | Action::Update => self.races += 1,
            Action::Wait | Action::Nothing | Action::GiveUp => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PHASES: [StackPhase; 9] = [
        StackPhase::Absent,
        StackPhase::InProgress,
        StackPhase::Stable,
        StackPhase::RolledBack,
        StackPhase::Review,
        StackPhase::DeleteOnly,
        StackPhase::RollBack,
        StackPhase::ContinueRollback,
        StackPhase::Failed,
    ];
    const INPUTS: [Inputs; 3] = [Inputs::Pending, Inputs::Same, Inputs::Different];

    #[test]
    fn from_every_state_the_way_ends_however_often_the_same_state_comes_back() {
        for phase in PHASES {
            for inputs in INPUTS {
                let mut attempts = Attempts::default();
                let steps = (0..100).take_while(|_| {
                    let action = next(phase, inputs, &attempts);
                    attempts.count(action);
                    !matches!(action, Action::Wait | Action::Nothing | Action::GiveUp)
                });
                assert!(steps.count() <= 10, "{phase:?} with {inputs:?} goes round");
            }
        }
    }

    #[test]
    fn a_rollback_that_failed_is_continued_once() {
        let mut attempts = Attempts::default();
        assert_eq!(next(StackPhase::ContinueRollback, Inputs::Same, &attempts), Action::ContinueRollback);
        attempts.count(Action::ContinueRollback);
        assert_eq!(next(StackPhase::ContinueRollback, Inputs::Same, &attempts), Action::GiveUp);
    }

    #[test]
    fn an_update_that_kept_what_it_made_is_rolled_back_once() {
        let mut attempts = Attempts::default();
        assert_eq!(next(StackPhase::RollBack, Inputs::Different, &attempts), Action::RollBack);
        attempts.count(Action::RollBack);
        assert_eq!(next(StackPhase::RollBack, Inputs::Different, &attempts), Action::GiveUp);
    }

    #[test]
    fn what_holds_nothing_yet_is_created_whoever_made_it() {
        let attempts = Attempts::default();
        for phase in [StackPhase::Absent, StackPhase::Review] {
            assert_eq!(next(phase, Inputs::Different, &attempts), Action::Create);
            assert_eq!(next(phase, Inputs::Pending, &attempts), Action::Wait);
        }
    }

    #[test]
    fn a_stack_at_rest_is_updated_only_where_something_differs() {
        let attempts = Attempts::default();
        for phase in [StackPhase::Stable, StackPhase::RolledBack] {
            assert_eq!(next(phase, Inputs::Same, &attempts), Action::Nothing);
            assert_eq!(next(phase, Inputs::Different, &attempts), Action::Update);
        }
    }
}
