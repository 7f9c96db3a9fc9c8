//! `STACK.LOGICAL_ID`: how one resource is named on the command line.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use super::graph::Graph;

/// A resource of one stack of the environment. A logical ID alone names none: several stacks may have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ResourceName {
    /// The short name; empty where only a logical ID was typed.
    pub stack: String,
    pub logical_id: String,
}

impl FromStr for ResourceName {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let (stack, logical_id) = text.split_once('.').unwrap_or(("", text));
        Ok(Self { stack: stack.to_owned(), logical_id: logical_id.to_owned() })
    }
}

impl fmt::Display for ResourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.stack.is_empty() {
            true => f.write_str(&self.logical_id),
            false => write!(f, "{}.{}", self.stack, self.logical_id),
        }
    }
}

/// `STACK.LOGICAL_ID=NAME`, as it is typed.
#[derive(Debug, Clone)]
pub(crate) struct Import {
    pub resource: ResourceName,
    /// By what the resource is known to CloudFormation: a name, an ARN, or `Property=value,Property=value`.
    pub name: String,
}

impl Import {
    /// The properties that were typed with their values; none where it is a bare name.
    pub(crate) fn pairs(&self) -> BTreeMap<String, String> {
        let pairs = self.name.split(',').map(|pair| pair.split_once('='));
        let pairs = pairs.map(|pair| pair.map(|(name, value)| (name.to_owned(), value.to_owned())));
        pairs.collect::<Option<_>>().unwrap_or_default()
    }

    /// Whether a resource with this physical ID is the one that was typed: its ID is the name, or made of the values of
    /// its properties.
    pub(crate) fn is_of(&self, physical_id: &str) -> bool {
        let pairs = self.pairs();
        let is_typed = |part: &str| pairs.values().any(|value| value == part);
        physical_id == self.name || physical_id.split('|').all(is_typed)
    }
}

impl FromStr for Import {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (resource, name) = text
            .split_once('=')
            .filter(|(_, name)| !name.is_empty())
            .ok_or("expected STACK.LOGICAL_ID=NAME")?;
        let Ok(resource) = resource.parse();
        Ok(Self { resource, name: name.to_owned() })
    }
}

impl ResourceName {
    /// Whether this is that resource of that stack.
    pub(crate) fn is(&self, stack: &str, logical_id: &str) -> bool {
        self.stack == stack && self.logical_id == logical_id
    }

    /// Why this names no resource, if it does not, with the right spelling where the templates tell it. What a stack
    /// holds that its template has no more only AWS knows: it is not asked here.
    pub(crate) fn fault(&self, flag: &str, graph: &Graph) -> Option<String> {
        if self.stack.is_empty() {
            let holders = graph.stacks().filter(|stack| stack.has_logical_id(&self.logical_id));
            let spelled: Vec<String> =
                holders.map(|stack| format!("`{flag} {}.{}`", stack.name, self.logical_id)).collect();
            let right = match spelled.is_empty() {
                true => format!("`{flag} STACK.{}`", self.logical_id),
                false => spelled.join(" or "),
            };
            return Some(format!("`{flag} {self}` must name the stack, too: {right}"));
        }
        if graph.template(&self.stack).is_some() {
            return None;
        }
        let stacks: Vec<&str> = graph.stacks().map(|stack| stack.name.as_str()).collect();
        Some(format!("`{flag} {self}` must name a stack: {}", stacks.join(", ")))
    }
}

/// The logical IDs that are named of a stack.
pub(crate) fn named_of(names: &[ResourceName], stack: &str) -> Vec<String> {
    names.iter().filter(|name| name.stack == stack).map(|name| name.logical_id.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_imported_is_named_behind_its_resource() {
        let import: Import = "registry.Repository=shop=2".parse().unwrap();
        assert!(import.resource.is("registry", "Repository") && import.name == "shop=2");
        for wrong in ["registry.Repository", "registry.Repository="] {
            assert_eq!(wrong.parse::<Import>().unwrap_err(), "expected STACK.LOGICAL_ID=NAME");
        }
    }

    #[test]
    fn what_is_known_by_several_properties_is_typed_with_all_of_them() {
        let import: Import = "network.Route=RouteTableId=rtb-1,CidrBlock=0.0.0.0/0".parse().unwrap();
        assert_eq!(import.pairs().values().collect::<Vec<_>>(), ["0.0.0.0/0", "rtb-1"]);
        assert!(import.is_of("rtb-1|0.0.0.0/0") && !import.is_of("rtb-2|0.0.0.0/0"));
        let bare: Import = "registry.Repository=shop".parse().unwrap();
        assert!(bare.pairs().is_empty() && bare.is_of("shop") && !bare.is_of("other"));
    }

    #[test]
    fn a_resource_is_named_by_its_stack_and_its_logical_id() {
        let name: ResourceName = "database.Instance".parse().unwrap();
        assert!(name.is("database", "Instance"));
        assert_eq!(name.to_string(), "database.Instance");
        let bare: ResourceName = "Instance".parse().unwrap();
        assert!(!bare.is("database", "Instance"));
        assert_eq!(bare.to_string(), "Instance");
        assert_eq!(named_of(&[name, bare], "database"), ["Instance"]);
    }
}
