//! Stand-ins for the services a test does not test.

/// An operation that a test answers by itself, over a part of its own.
macro_rules! stand_in {
    ($name:ident, $service:literal, $part:ty, |$input:ident, $held:ident| $body:expr) => {
        #[derive(serde::Deserialize)]
        pub(crate) struct $name(serde_json::Value);

        impl crate::operation::Operation for $name {
            type Output = serde_json::Value;
            const SERVICE: &'static str = $service;
            const NAME: &'static str = stringify!($name);

            async fn handle(
                self,
                call: &crate::operation::Call,
            ) -> Result<serde_json::Value, crate::error::ServiceError> {
                let ($input, $held) = (self.0, call.cloud.part::<$part>());
                $body
            }
        }
    };
}
pub(crate) use stand_in;
