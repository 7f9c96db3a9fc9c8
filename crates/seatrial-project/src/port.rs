//! A port: as project.yml holds it, and as templates and rendered files do.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Where the application listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AppPort(pub u16);

impl<'de> Deserialize<'de> for AppPort {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AppPortVisitor)
    }
}

struct AppPortVisitor;

impl de::Visitor<'_> for AppPortVisitor {
    type Value = AppPort;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number from 1 to 65535")
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<AppPort, E> {
        of_number(number)
            .map(AppPort)
            .ok_or_else(|| E::invalid_value(de::Unexpected::Unsigned(number), &self))
    }
}

/// 1 to 65535.
fn of_number(number: u64) -> Option<u16> {
    u16::try_from(number).ok().filter(|port| *port != 0)
}

/// A port, or in a template the placeholder that becomes one. APIs take a number where a template can only have
/// text; so text that is a number is read as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Port {
    /// 1 to 65535.
    Number(u16),
    /// `${NAME}`, as written.
    Placeholder(String),
}

impl Port {
    /// The number, once there is one.
    pub fn number(&self) -> Option<u16> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Placeholder(_) => None,
        }
    }
}

impl Serialize for Port {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Number(number) => serializer.serialize_u16(*number),
            Self::Placeholder(text) => serializer.serialize_str(text),
        }
    }
}

impl<'de> Deserialize<'de> for Port {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PortVisitor)
    }
}

struct PortVisitor;

impl de::Visitor<'_> for PortVisitor {
    type Value = Port;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a port from 1 to 65535 or a placeholder such as `${APP_PORT}`")
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Port, E> {
        of_number(number)
            .map(Port::Number)
            .ok_or_else(|| E::invalid_value(de::Unexpected::Unsigned(number), &self))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Port, E> {
        if text.starts_with("${") && text.ends_with('}') {
            return Ok(Port::Placeholder(text.to_owned()));
        }
        match text.parse() {
            Ok(number) => self.visit_u64(number),
            Err(_) => Err(E::invalid_value(de::Unexpected::Str(text), &self)),
        }
    }
}
