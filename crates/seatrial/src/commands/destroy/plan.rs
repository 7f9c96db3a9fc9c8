//! What a destroy would delete and empty, told before anything is done.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;

use serde::{Serialize, Serializer};

use super::bucket::bucket_to_empty;
use super::database::{Database, databases};
use super::unmade::unmade_stacks;
use crate::aws::Stack;
use crate::commands::deployed::Deployed;
use crate::commands::learned::Learned;
use crate::context::Ctx;
use crate::exit::Refused;
use crate::output::{After, Expected, Whole};
use crate::plan::critical_path::critical_path;

#[derive(Debug, Serialize)]
pub(crate) struct DestroyPlan {
    environment: String,
    /// Short names of stacks; those of one wave do not need each other.
    pub(super) waves: Vec<Vec<String>>,
    /// Stacks that hold nothing: their creation was never executed.
    #[serde(rename = "never_made", serialize_with = "names")]
    pub(super) unmade: Vec<Stack>,
    /// Those whose template is gone, by their names in AWS.
    orphans: Vec<String>,
    /// Those with termination protection, which is lifted.
    protected: Vec<String>,
    /// What is emptied, so that its stack can be deleted.
    empties: Vec<Bucket>,
    /// What becomes of the data.
    pub(super) databases: Vec<Database>,
    /// Where the local cloud's data is, in environment `local`: it goes with its stacks.
    pub(super) data_dir: Option<PathBuf>,
}

/// A bucket with something in it.
#[derive(Debug, Serialize)]
struct Bucket {
    name: String,
    /// Objects, versions and delete markers on the first page of a list.
    objects: usize,
    /// There are more pages.
    more: bool,
}

impl DestroyPlan {
    /// Reads what there is to delete.
    pub(super) async fn make(ctx: &Ctx, deployed: &Deployed, delete_data: bool) -> anyhow::Result<Self> {
        let mut empties = Vec::new();
        for (short, stack) in &deployed.stacks {
            let Some(name) = bucket_to_empty(ctx, short, stack).await? else { continue };
            let found = ctx.reading(ctx.aws.first_objects(&name, "")).await?;
            if found.len() > 0 {
                empties.push(Bucket { name, objects: found.len(), more: found.more });
            }
        }
        Ok(Self {
            environment: ctx.environment.name.clone(),
            waves: waves(&deployed.stacks),
            orphans: deployed.without_template(&ctx.root),
            protected: protected(deployed),
            unmade: unmade_stacks(ctx, deployed).await?,
            empties,
            databases: databases(ctx, deployed, delete_data).await?,
            data_dir: ctx.local.as_ref().map(|local| local.data_dir.clone()),
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waves.is_empty() && self.unmade.is_empty() && self.data_dir.is_none()
    }

    /// A stack waits for all of the wave before.
    pub(super) fn after(&self) -> After {
        let pairs = self.waves.iter().zip(self.waves.iter().skip(1));
        let stack = |before: &Vec<String>, name: &String| (name.clone(), before.iter().cloned().collect());
        pairs.flat_map(|(before, wave)| wave.iter().map(move |name| stack(before, name))).collect()
    }

    /// All that is deleted, and how long that took before: here no template tells resources, the stacks' own deletions
    /// do.
    pub(super) fn whole(&self, ctx: &Ctx) -> Whole {
        let learned = Learned::of(ctx);
        let names: Vec<&String> = self.waves.iter().flatten().collect();
        let known = |name: &String| learned.stack(name, "DELETE");
        let takes = names.iter().map(|name| ((*name).clone(), known(name).unwrap_or_default())).collect();
        let (duration, path) = critical_path(&takes, &self.after());
        let is_complete = names.iter().all(|name| known(name).is_some());
        let expected = (!duration.is_zero()).then_some(Expected { duration, is_complete, path });
        Whole { prefix: ctx.environment.stack_name(""), count: names.len(), expected }
    }
}

fn names<S: Serializer>(stacks: &[Stack], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(stacks.iter().map(|stack| &stack.name))
}

fn protected(deployed: &Deployed) -> Vec<String> {
    let protected = deployed.stacks.values().filter(|stack| stack.is_protected);
    protected.map(|stack| stack.name.clone()).collect()
}

/// Whoever protected a stack from being deleted meant it: nothing is begun.
pub(super) fn refuse_protected<'a>(
    ctx: &Ctx,
    stacks: impl IntoIterator<Item = &'a Stack>,
) -> Result<(), Refused> {
    if ctx.environment.protected {
        return Ok(());
    }
    let protected: Vec<&str> =
        stacks.into_iter().filter(|stack| stack.is_protected).map(|stack| stack.name.as_str()).collect();
    let Some(first) = protected.first() else { return Ok(()) };
    let names = protected.join("`, `");
    let lifts = "aws cloudformation update-termination-protection --no-enable-termination-protection";
    Err(Refused::new(format!("termination protection is enabled: `{names}`"))
        .hint(format!("if it may be deleted: `{lifts} --stack-name {first}`")))
}

/// A stack is deleted after every stack that takes one of its outputs.
fn waves(stacks: &BTreeMap<String, Stack>) -> Vec<Vec<String>> {
    let mut left: BTreeMap<&String, &Stack> = stacks.iter().collect();
    let mut waves = Vec::new();
    while !left.is_empty() {
        let needed: BTreeSet<&String> = left
            .iter()
            .filter(|(name, stack)| {
                left.iter().any(|(other, user)| other != *name && takes_output(user, stack))
            })
            .map(|(name, _)| *name)
            .collect();
        let mut wave: Vec<String> =
            left.keys().filter(|name| !needed.contains(**name)).map(|n| (*n).clone()).collect();
        if wave.is_empty() {
            // Stacks that take each other's outputs cannot have been made by us: delete them together.
            wave = left.keys().map(|name| (*name).clone()).collect();
        }
        left.retain(|name, _| !wave.contains(name));
        waves.push(wave);
    }
    waves
}

fn takes_output(user: &Stack, stack: &Stack) -> bool {
    stack.outputs.iter().any(|(name, value)| user.parameters.get(name) == Some(value))
}

impl fmt::Display for DestroyPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return write!(f, "nothing of environment `{}` is there", self.environment);
        }
        writeln!(f, "to be deleted of environment `{}`, in this order:", self.environment)?;
        for wave in &self.waves {
            writeln!(f, "  {}", wave.join(", "))?;
        }
        for stack in &self.protected {
            writeln!(f, "  with the termination protection of {stack}, which is lifted")?;
        }
        for orphan in &self.orphans {
            writeln!(f, "  with {orphan}, which has no template any more")?;
        }
        for stack in &self.unmade {
            writeln!(f, "  {}, which was never made", stack.name)?;
        }
        for Bucket { name, objects, more } in &self.empties {
            let more = if *more { " and more" } else { "" };
            writeln!(f, "  with all that is in bucket {name}: {objects}{more} versions of objects")?;
        }
        self.databases.iter().try_for_each(|database| database.fmt(f))?;
        match &self.data_dir {
            Some(path) => writeln!(f, "  the local cloud and its data under `{}`", path.display()),
            None => Ok(()),
        }
    }
}
