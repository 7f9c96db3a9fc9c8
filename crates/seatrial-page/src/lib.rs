//! The page to look at and the report to attach: what they show, as typed items, and the one document that shows it.
//!
//! Pure: whoever knows what happened makes [`Item`]s of it, the local cloud of its own tables, the tool of what it
//! followed. [`live`] is the page that asks for them, [`report`] the same with all of them inside.

mod mask;
mod model;
mod render;

pub use mask::Mask;
pub use model::{
    About, Action, Bar, Deployment, Item, LifecycleEvent, Line, Operation, Phase, Release, Role, Second,
    Source, Task, TaskSet, Use, Why, document,
};
pub use render::{Asset, LIVE_POLICY, asset, live, report};
