//! What is secret is shown as `***`, as CodeBuild's logs show it.

use serde_json::Value;

/// Shorter values are in every text: who masks `1` masks half of a page. CodeBuild masks from three characters on;
/// values that short are no secrets.
const SHORTEST: usize = 4;

/// The values that are not to be shown.
#[derive(Debug, Clone, Default)]
pub struct Mask {
    /// The longest first: one may be part of another.
    values: Vec<String>,
}

impl Mask {
    /// Of secrets as they are kept: of a JSON object each member counts, too, and of a text of many lines each line.
    pub fn of(secrets: impl IntoIterator<Item = String>) -> Self {
        let mut values = Vec::new();
        for secret in secrets {
            if let Ok(Value::Object(members)) = serde_json::from_str(&secret) {
                values.extend(members.into_iter().filter(|(name, _)| is_secret(name)).filter_map(
                    |(_, member)| match member {
                        Value::String(text) => Some(text),
                        _ => None,
                    },
                ));
            }
            values.extend(secret.lines().map(str::to_owned));
            values.push(secret);
        }
        values.retain(|value| value.trim().len() >= SHORTEST);
        // As it stands in a text that is JSON itself.
        let escaped: Vec<String> = values.iter().map(|value| escaped(value)).collect();
        values.extend(escaped);
        values.sort_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
        values.dedup();
        Self { values }
    }

    pub fn text(&self, text: &str) -> String {
        let found = self.values.iter().filter(|value| text.contains(value.as_str()));
        found.fold(text.to_owned(), |text, value| text.replace(value.as_str(), "***"))
    }

    /// Every string in it; names of members are ours.
    pub fn value(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.text(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.value(item)),
            Value::Object(members) => members.values_mut().for_each(|member| self.value(member)),
            _ => {}
        }
    }
}

/// What RDS keeps beside a password is in every address.
fn is_secret(name: &str) -> bool {
    !matches!(name, "username" | "engine" | "host" | "port" | "dbname" | "dbInstanceIdentifier")
}

fn escaped(value: &str) -> String {
    let quoted = Value::String(value.to_owned()).to_string();
    quoted.trim_start_matches('"').strip_suffix('"').unwrap_or(&quoted).to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_member_of_a_secret_is_masked_wherever_it_stands() {
        let mask =
            Mask::of(["plain-value".to_owned(), r#"{"username":"app","password":"p\"w-x"}"#.to_owned()]);
        let mut value =
            json!({"a": ["is plain-value here", {"b": "postgres://app:p\"w-x@host/app"}], "n": 1});

        mask.value(&mut value);

        assert_eq!(value, json!({"a": ["is *** here", {"b": "postgres://app:***@host/app"}], "n": 1}));
        assert_eq!(mask.text(r#"{"password":"p\"w-x"}"#), r#"{"password":"***"}"#);
    }

    #[test]
    fn a_secret_that_is_part_of_another_leaves_nothing_of_it() {
        let mask = Mask::of(["abcd".to_owned(), "abcdefgh".to_owned(), "x".to_owned()]);

        assert_eq!(mask.text("abcdefgh abcd x"), "*** *** x");
    }
}
