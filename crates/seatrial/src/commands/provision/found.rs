//! A stack that is there, with its template, which is asked for once.

use std::ops::Deref;

use serde_json::Value;
use tokio::sync::OnceCell;

use crate::aws::Stack;
use crate::context::Ctx;

#[derive(Debug, Default)]
pub(super) struct Found {
    pub stack: Stack,
    template: OnceCell<String>,
}

impl Found {
    pub(super) fn new(stack: Stack) -> Self {
        Self { stack, template: OnceCell::new() }
    }

    /// The template as it was sent.
    pub(super) async fn template(&self, ctx: &Ctx) -> anyhow::Result<&str> {
        let ask = || ctx.reading(ctx.aws.get_template(&self.stack.id));
        self.template.get_or_try_init(ask).await.map(String::as_str)
    }

    /// The same with long forms; one that cannot be read says nothing.
    pub(super) async fn template_json(&self, ctx: &Ctx) -> anyhow::Result<Value> {
        let text = self.template(ctx).await?;
        let parsed = seatrial_template::parse("the deployed template", text.as_bytes());
        Ok(parsed.map(|document| document.to_json()).unwrap_or_default())
    }
}

impl Deref for Found {
    type Target = Stack;

    fn deref(&self) -> &Stack {
        &self.stack
    }
}
