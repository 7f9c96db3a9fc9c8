//! Reading a serde type out of a [`Node`], so that every error names place, key, value and rule.

use std::fmt::{self, Display};

use serde::{
    Deserializer,
    de::{
        self, DeserializeSeed, EnumAccess, Expected, IntoDeserializer, MapAccess, SeqAccess, Unexpected,
        VariantAccess, Visitor, value::StrDeserializer,
    },
};

use crate::{Entry, Node, Resolved, Span, Value};

/// The name of a newtype that takes several kinds of values and wants scalars as they were written: its visitor
/// gets the text `1.10`, not the number 1.1.
pub const AS_WRITTEN: &str = "$seatrial_template::as_written";

/// A value that breaks a rule of the type it is read into.
///
/// A rule of a `try_from` type is its error's text, worded to follow the key: "must be at most 30
/// characters". `serde(flatten)` and `serde(untagged)` read values through a buffer without places: types
/// that use them get the place of the enclosing mapping only.
#[derive(Debug, Clone, PartialEq)]
pub struct Error {
    problem: Box<Problem>,
    /// Innermost first; an index is written with its brackets.
    keys: Vec<String>,
    span: Option<Span>,
    found: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
enum Problem {
    Expected(String),
    Unknown { what: &'static str, name: String, known: &'static [&'static str] },
    Missing(&'static str),
    Rule(String),
}

impl Error {
    /// Where the value stands, once the error has passed the node it is about.
    pub fn span(&self) -> Option<Span> {
        self.span
    }

    /// The path of keys from the top of the document: `environments.production.tasks.min`.
    pub fn key_path(&self) -> String {
        let mut path = String::new();
        for key in self.keys.iter().rev() {
            if !path.is_empty() && !key.starts_with('[') {
                path.push('.');
            }
            path.push_str(key);
        }
        path
    }

    fn new(problem: Problem) -> Self {
        Self { problem: Box::new(problem), keys: Vec::new(), span: None, found: None }
    }

    /// The innermost node an error passes is the one it is about.
    fn at(mut self, node: &Node) -> Self {
        if self.span.is_none() {
            self.span = Some(node.span);
            self.found = Some(node.shown());
        }
        self
    }

    fn under(mut self, key: String) -> Self {
        self.keys.push(key);
        self
    }
}

impl Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.key_path();
        let subject = if path.is_empty() { "the document".to_owned() } else { format!("`{path}`") };
        let found = self.found.as_deref().unwrap_or("nothing");
        match &*self.problem {
            Problem::Expected(expected) => write!(f, "{subject} must be {expected}, found {found}"),
            Problem::Rule(rule) => write!(f, "{subject} {rule}, found {found}"),
            Problem::Missing(key) if path.is_empty() => write!(f, "key `{key}` is missing"),
            Problem::Missing(key) => write!(f, "key `{path}.{key}` is missing"),
            Problem::Unknown { what, name, known } => {
                let place = if path.is_empty() { String::new() } else { format!(" in `{path}`") };
                write!(f, "unknown {what} `{}`{place}, expected ", name.escape_debug())?;
                match known {
                    [] => write!(f, "none"),
                    [one] => write!(f, "`{one}`"),
                    many => write!(f, "one of `{}`", many.join("`, `")),
                }
            }
        }
    }
}

impl std::error::Error for Error {}

impl de::Error for Error {
    fn custom<T: Display>(message: T) -> Self {
        Self::new(Problem::Rule(message.to_string()))
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(Problem::Expected(expected.to_string()))
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(Problem::Expected(expected.to_string()))
    }

    fn unknown_field(field: &str, known: &'static [&'static str]) -> Self {
        Self::new(Problem::Unknown { what: "key", name: field.to_owned(), known })
    }

    fn unknown_variant(variant: &str, known: &'static [&'static str]) -> Self {
        Self::new(Problem::Unknown { what: "value", name: variant.to_owned(), known })
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(Problem::Missing(field))
    }
}

fn expected<T>(node: &Node, what: impl Into<String>) -> Result<T, Error> {
    Err(Error::new(Problem::Expected(what.into())).at(node))
}

macro_rules! whole_numbers {
    ($($method:ident $visit:ident $number:ty),*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            let number: Option<$number> = match resolve(self) {
                Some(Resolved::Unsigned(value)) => value.try_into().ok(),
                Some(Resolved::Negative(value)) => value.try_into().ok(),
                _ => None,
            };
            match number {
                Some(number) => visitor.$visit(number).map_err(|error: Error| error.at(self)),
                None => expected(self, format!("a whole number from {} to {}", <$number>::MIN, <$number>::MAX)),
            }
        }
    )*};
}

fn resolve(node: &Node) -> Option<Resolved<'_>> {
    node.as_scalar().map(|scalar| scalar.resolve())
}

impl<'de> Deserializer<'de> for &'de Node {
    type Error = Error;

    whole_numbers!(
        deserialize_u8 visit_u8 u8, deserialize_u16 visit_u16 u16,
        deserialize_u32 visit_u32 u32, deserialize_u64 visit_u64 u64,
        deserialize_i8 visit_i8 i8, deserialize_i16 visit_i16 i16,
        deserialize_i32 visit_i32 i32, deserialize_i64 visit_i64 i64
    );

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.tag.is_some() {
            return expected(self, "a value without a tag");
        }
        match &self.value {
            Value::Sequence(items) => visitor.visit_seq(Items { items: items.iter(), index: 0 }),
            Value::Mapping(mapping) => {
                visitor.visit_map(Entries { entries: mapping.entries.iter(), value: None })
            }
            Value::Scalar(scalar) => match scalar.resolve() {
                Resolved::Null => visitor.visit_unit(),
                Resolved::Bool(value) => visitor.visit_bool(value),
                Resolved::Unsigned(value) => visitor.visit_u64(value),
                Resolved::Negative(value) => visitor.visit_i64(value),
                Resolved::Float(value) => visitor.visit_f64(value),
                Resolved::Text(text) => visitor.visit_borrowed_str(text),
            },
        }
        .map_err(|error: Error| error.at(self))
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match resolve(self) {
            Some(Resolved::Bool(value)) => visitor.visit_bool(value).map_err(|error: Error| error.at(self)),
            _ => expected(self, "true or false"),
        }
    }

    /// Any scalar but null is a string where one is asked for: `branch: 1.10` is the branch `1.10`.
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.as_text() {
            Some(text) => visitor.visit_borrowed_str(text).map_err(|error: Error| error.at(self)),
            None => expected(self, "a string"),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
            .map_err(|error: Error| error.at(self))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        if name == AS_WRITTEN {
            return match self.as_text() {
                Some(text) => visitor.visit_borrowed_str(text).map_err(|error: Error| error.at(self)),
                None => self.deserialize_any(visitor),
            };
        }
        visitor.visit_newtype_struct(self).map_err(|error: Error| error.at(self))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        known: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.as_text() {
            Some(name) => visitor.visit_enum(Variant { name }).map_err(|error: Error| error.at(self)),
            None => expected(self, format!("one of `{}`", known.join("`, `"))),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.as_sequence().is_some() { self.deserialize_any(visitor) } else { expected(self, "a list") }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.as_mapping().is_some() { self.deserialize_any(visitor) } else { expected(self, "a mapping") }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_map(visitor)
    }

    serde::forward_to_deserialize_any! {
        i128 u128 f32 f64 char bytes byte_buf unit unit_struct tuple tuple_struct identifier ignored_any
    }
}

struct Items<'de> {
    items: std::slice::Iter<'de, Node>,
    index: usize,
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        let Some(item) = self.items.next() else { return Ok(None) };
        let index = self.index;
        self.index += 1;
        seed.deserialize(item).map(Some).map_err(|error| error.at(item).under(format!("[{index}]")))
    }
}

struct Entries<'de> {
    entries: std::slice::Iter<'de, Entry>,
    value: Option<&'de Entry>,
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        let Some(entry) = self.entries.next() else { return Ok(None) };
        self.value = Some(entry);
        let key: StrDeserializer<'de, Error> = entry.key.as_str().into_deserializer();
        seed.deserialize(key).map(Some).map_err(|mut error| {
            error.span = Some(entry.key_span);
            error.found = Some(format!("`{}`", entry.key.escape_debug()));
            // A key that breaks its own type's rule is what the message is about; an unknown one is named in it.
            if matches!(*error.problem, Problem::Unknown { .. }) {
                error
            } else {
                error.under(entry.key.clone())
            }
        })
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        let Some(entry) = self.value.take() else {
            return Err(de::Error::custom("has a value without a key"));
        };
        seed.deserialize(&entry.value).map_err(|error| error.at(&entry.value).under(entry.key.clone()))
    }
}

/// A variant is written as its bare name; variants that hold something have no form here.
struct Variant<'de> {
    name: &'de str,
}

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Error> {
        let name: StrDeserializer<'de, Error> = self.name.into_deserializer();
        Ok((seed.deserialize(name)?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'de> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, _: S) -> Result<S::Value, Error> {
        Err(Error::new(Problem::Expected("a variant without content".to_owned())))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Error> {
        Err(Error::new(Problem::Expected("a variant without content".to_owned())))
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], _: V) -> Result<V::Value, Error> {
        Err(Error::new(Problem::Expected("a variant without content".to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use crate::parse;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Settings {
        name: Name,
        #[serde(default)]
        app: App,
        #[serde(default)]
        zones: Vec<String>,
        #[serde(default)]
        extra: BTreeMap<String, String>,
        domain: Option<String>,
    }

    #[derive(Debug, Default, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields, default)]
    struct App {
        port: u16,
        multi: bool,
        builder: Builder,
    }

    #[derive(Debug, Default, Deserialize, PartialEq)]
    #[serde(rename_all = "lowercase")]
    enum Builder {
        #[default]
        Cargo,
        Docker,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(try_from = "String")]
    struct Name(String);

    impl TryFrom<String> for Name {
        type Error = String;
        fn try_from(text: String) -> Result<Self, String> {
            if text.len() < 5 { Ok(Self(text)) } else { Err("must be shorter than 5 characters".to_owned()) }
        }
    }

    fn read(text: &str) -> Result<Settings, String> {
        parse("p.yml", text.as_bytes()).unwrap().deserialize().map_err(|diagnostic| diagnostic.to_string())
    }

    fn error(text: &str) -> String {
        read(text).unwrap_err()
    }

    #[test]
    fn a_document_becomes_the_type() {
        let text = "name: ab\napp: {port: 80, multi: true, builder: docker}\nzones: [1, \"2\"]\nextra: {A: 010}\ndomain: ~";
        let settings = read(text).unwrap();
        assert_eq!(settings.app, App { port: 80, multi: true, builder: Builder::Docker });
        assert_eq!(settings.zones, ["1", "2"]);
        assert_eq!(settings.extra["A"], "010");
        assert_eq!(settings.domain, None);
    }

    #[derive(Debug, PartialEq)]
    struct Written(String);

    impl<'de> Deserialize<'de> for Written {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Text;
            impl<'de> serde::de::Visitor<'de> for Text {
                type Value = Written;
                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("a value")
                }
                fn visit_str<E>(self, text: &str) -> Result<Written, E> {
                    Ok(Written(text.to_owned()))
                }
                fn visit_seq<A: serde::de::SeqAccess<'de>>(self, _: A) -> Result<Written, A::Error> {
                    Ok(Written("a list".to_owned()))
                }
            }
            deserializer.deserialize_newtype_struct(super::AS_WRITTEN, Text)
        }
    }

    #[test]
    fn a_scalar_wanted_as_written_is_never_a_number() {
        for text in ["1.10", "010", "-0.50", "True", "1.5e3"] {
            let read: Written = parse("p.yml", text.as_bytes()).unwrap().deserialize().unwrap();
            assert_eq!(read, Written(text.to_owned()));
        }
        let read: Written = parse("p.yml", b"[1]").unwrap().deserialize().unwrap();
        assert_eq!(read, Written("a list".to_owned()));
        let nothing = parse("p.yml", b"~").unwrap().deserialize::<Written>().unwrap_err().to_string();
        assert_eq!(nothing, "p.yml:1:1: the document must be a value, found `null`");
    }

    #[test]
    fn every_error_names_place_key_value_and_rule() {
        let cases = [
            ("name: abcdef", "p.yml:1:7: `name` must be shorter than 5 characters, found `abcdef`"),
            (
                "name: a\napp:\n  port: \"80\"",
                "p.yml:3:9: `app.port` must be a whole number from 0 to 65535, found `\"80\"`",
            ),
            (
                "name: a\napp: {port: 70000}",
                "p.yml:2:13: `app.port` must be a whole number from 0 to 65535, found `70000`",
            ),
            ("name: a\napp: {multi: 1}", "p.yml:2:14: `app.multi` must be true or false, found `1`"),
            (
                "name: a\napp: {prot: 1}",
                "p.yml:2:7: unknown key `prot` in `app`, expected one of `port`, `multi`, `builder`",
            ),
            (
                "name: a\napp: {builder: kaniko}",
                "p.yml:2:16: unknown value `kaniko` in `app.builder`, expected one of `cargo`, `docker`",
            ),
            ("name: a\nzones: [a, [b]]", "p.yml:2:12: `zones[1]` must be a string, found a list"),
            ("name: a\nextra: {A: !Ref B}", "p.yml:2:12: `extra.A` must be a string, found `!Ref`"),
            ("name: a\napp: 1", "p.yml:2:6: `app` must be a mapping, found `1`"),
            ("app: {}", "p.yml:1:1: key `name` is missing"),
            ("name:", "p.yml:1:5: `name` must be a string, found `null`"),
            ("- a", "p.yml:1:1: the document must be a mapping, found a list"),
        ];
        for (text, message) in cases {
            assert_eq!(error(text), message);
        }
    }
}
