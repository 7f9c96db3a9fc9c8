//! Random passwords by the rules of `GetRandomPassword` and of `GenerateSecretString`.

use rand::RngExt;
use rand::seq::SliceRandom as _;
use serde::{Deserialize, Serialize};

use crate::error::ServiceError;

const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const DIGITS: &str = "0123456789";
const PUNCTUATION: &str = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

/// What a password is made of; the members are those of AWS's model.
#[derive(Deserialize, Default, Clone, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Password {
    /// 32 unless told otherwise, at most 4096.
    pub password_length: Option<i64>,
    pub exclude_characters: Option<String>,
    pub exclude_lowercase: Option<bool>,
    pub exclude_uppercase: Option<bool>,
    pub exclude_numbers: Option<bool>,
    pub exclude_punctuation: Option<bool>,
    pub include_space: Option<bool>,
    /// True unless told otherwise: at least one character of each kind.
    pub require_each_included_type: Option<bool>,
}

impl Password {
    /// A password from the thread's cryptographic generator.
    pub(crate) fn generate(&self) -> Result<String, ServiceError> {
        let length = self.password_length.unwrap_or(32);
        let length = usize::try_from(length).ok().filter(|length| (1..=4096).contains(length));
        let length = length.ok_or_else(|| invalid("PasswordLength must be from 1 to 4096."))?;
        let kinds = self.kinds();
        let all: Vec<char> = kinds.concat();
        if all.is_empty() {
            return Err(invalid("The password has no characters to be made of."));
        }
        let mut random = rand::rng();
        let mut password: Vec<char> = Vec::with_capacity(length);
        if self.require_each_included_type != Some(false) {
            if length < kinds.len() {
                return Err(invalid("The password length is too short for the required character types."));
            }
            password.extend(kinds.iter().map(|kind| kind[random.random_range(0..kind.len())]));
        }
        while password.len() < length {
            password.push(all[random.random_range(0..all.len())]);
        }
        password.shuffle(&mut random);
        Ok(password.into_iter().collect())
    }

    /// The characters of each kind that may be used, without kinds of which none is left.
    fn kinds(&self) -> Vec<Vec<char>> {
        let on = |flag: Option<bool>| flag == Some(true);
        let excluded = self.exclude_characters.as_deref().unwrap_or_default();
        let kinds = [
            (LOWER, !on(self.exclude_lowercase)),
            (UPPER, !on(self.exclude_uppercase)),
            (DIGITS, !on(self.exclude_numbers)),
            (PUNCTUATION, !on(self.exclude_punctuation)),
            (" ", on(self.include_space)),
        ];
        let used = kinds.into_iter().filter(|(_, used)| *used);
        let left = used.map(|(kind, _)| kind.chars().filter(|c| !excluded.contains(*c)).collect::<Vec<_>>());
        left.filter(|kind| !kind.is_empty()).collect()
    }
}

fn invalid(message: &str) -> ServiceError {
    ServiceError::new("InvalidParameterException", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_has_its_length_and_none_of_the_excluded_characters() {
        let rules = Password {
            password_length: Some(40),
            exclude_characters: Some("aA0".to_owned()),
            exclude_punctuation: Some(true),
            ..Password::default()
        };

        let (one, other) = (rules.generate().unwrap(), rules.generate().unwrap());

        assert_eq!(one.chars().count(), 40);
        assert_ne!(one, other);
        assert!(one.chars().all(|c| c.is_ascii_alphanumeric() && !"aA0".contains(c)));
        assert!(one.chars().any(|c| c.is_ascii_digit()) && one.chars().any(|c| c.is_ascii_uppercase()));
    }
}
