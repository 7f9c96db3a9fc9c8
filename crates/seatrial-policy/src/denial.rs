//! Denials in AWS's words (AWS: Troubleshoot access denied error messages).

use crate::decision::{Decision, Verdict};
use crate::kind::Layer;
use crate::request::Request;

impl Decision<'_> {
    /// What AWS answers; none for what is allowed. Where several types of policies deny, AWS names one of them.
    pub fn denial(&self, request: &Request<'_>) -> Option<String> {
        let (who, action) = (request.principal.name(), request.action);
        let because = match self.verdict {
            Verdict::Allowed(_) => return None,
            Verdict::Denied(by) => format!("with an explicit deny in {}", explicit(by.layer)),
            Verdict::NotAllowed(layer) => {
                format!("because no {} allows the {action} action", implicit(layer))
            }
        };
        Some(format!(
            "User: {who} is not authorized to perform: {action} on resource: {} {because}",
            request.resource
        ))
    }
}

fn explicit(layer: Layer) -> &'static str {
    match layer {
        Layer::Identity => "an identity-based policy",
        Layer::Boundary => "a permissions boundary",
        Layer::Session => "a session policy",
        Layer::Resource => "a resource-based policy",
        Layer::Trust => "the role trust policy",
    }
}

/// Of trust policies the page has "because the role trust policy allows the sts:AssumeRole action", which lacks its
/// "no"; the words here are those of the page's other types.
fn implicit(layer: Layer) -> &'static str {
    match layer {
        Layer::Identity => "identity-based policy",
        Layer::Boundary => "permissions boundary",
        Layer::Session => "session policy",
        Layer::Resource => "resource-based policy",
        Layer::Trust => "role trust policy",
    }
}
