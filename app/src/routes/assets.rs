//! The style sheet and the icon, compiled in.

use axum::Router;
use axum::extract::{Query, State};
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use serde::Deserialize;

use crate::state::AppState;

const STYLE: &str = include_str!("../../assets/style.css");
const ICON: &str = include_str!("../../assets/favicon.svg");

pub(crate) fn router() -> Router<AppState> {
    Router::new()
        .route("/assets/style.css", get(|state, wanted| asset(state, wanted, "text/css", STYLE)))
        .route("/favicon.svg", get(|state, wanted| asset(state, wanted, "image/svg+xml", ICON)))
}

#[derive(Debug, Deserialize)]
struct Wanted {
    /// The commit of the page that names the asset.
    v: Option<String>,
}

/// While two versions share the traffic, a page of one may get the other's asset: the path is the same in both, so it
/// is never missing. But only what has the page's own version may be kept for good: else a browser would
/// show the new page in the old style for a year. A commit that is not known tells nothing.
async fn asset(
    State(state): State<AppState>,
    Query(wanted): Query<Wanted>,
    kind: &'static str,
    text: &'static str,
) -> impl IntoResponse {
    let own = state.identity.short_commit();
    let cache = match wanted.v.as_deref() {
        Some(version) if version == own && state.identity.is_built() => "public, max-age=31536000, immutable",
        _ => "no-cache",
    };
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, cache)], text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance of the colour variable `name`, by WCAG 2.2.
    fn luminance(scheme: &str, name: &str) -> f64 {
        let (_, colour) = scheme.split_once(&format!("--{name}: #")).unwrap();
        let channel = |at: usize| {
            let value = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(0) + 0.7152 * channel(2) + 0.0722 * channel(4)
    }

    #[test]
    fn text_and_the_edges_of_fields_stand_out_in_light_and_dark() {
        let (light, dark) = STYLE.split_once("@media (prefers-color-scheme: dark)").unwrap();
        let pages = ["ground", "card"];
        let text = ["ink", "soft", "accent", "warn", "feature", "fix", "change", "note"];
        let pairs = text.iter().flat_map(|text| pages.map(|page| (*text, page, 4.5)));
        let more = [("accent-ink", "accent", 4.5), ("danger-ink", "warn", 4.5), ("warn", "warn-ground", 4.5)];
        let fields = pages.map(|page| ("field", page, 3.0));
        for (front, back, least) in pairs.chain(more).chain(fields) {
            for (scheme, colours) in [("light", light), ("dark", dark)] {
                let (one, other) = (luminance(colours, front), luminance(colours, back));
                let contrast = (one.max(other) + 0.05) / (one.min(other) + 0.05);
                assert!(contrast >= least, "{front} on {back}, {scheme}: {contrast:.2}, at least {least}");
            }
        }
    }
}
