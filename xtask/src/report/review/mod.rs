//! A review, as a document that people read.

mod document;
mod html;
mod markdown;

use serde_json::{Value, json};

pub use html::html;
pub use markdown::markdown;

use crate::tasks::review::Review;

/// The review's own data, and its audit.
pub fn json(review: &Review) -> Value {
    let mut value = json!(review);
    value["audit"] = json!(super::audit::Json(&review.audit));
    value
}
