//! The places in an env file and in a comment that can hold a credential: one line sets one key.

use std::borrow::Cow;

use super::evidence::Form;
use super::inside::{config_line, inner_sites};
use super::interpolation::has_variable;
use super::site::{EnvSource, Site, Way};
use crate::catalogue::{KeyShape, is_example_file, key_shape};
use crate::dotenv::Quoting;
use crate::yaml::Origin;

pub(super) fn env_file_sites<'a>(source: &'a EnvSource<'a>) -> Vec<Site<'a>> {
    let example = is_example_file(source.path);
    let mut sites = Vec::new();
    for entry in source.entries.iter().filter(|entry| entry.quoting != Quoting::Inherited) {
        let written = entry.value_span.slice(source.text);
        let inner = match entry.quoting {
            Quoting::Single | Quoting::Double if written.len() > 1 => &written[1..written.len() - 1],
            _ => written,
        };
        let verbatim = source.raw || entry.quoting == Quoting::Single || !has_variable(inner);
        let text: &str = if verbatim { &entry.value } else { inner };
        let main = Site {
            key: Cow::Borrowed(&entry.key),
            shape: key_shape(&entry.key),
            form: Form::EnvFile,
            place: Way::start(&entry.key),
            services: source.services.iter().map(String::as_str).collect(),
            scalar: Origin { file: source.file, span: entry.value_span },
            text,
            value: 0..text.len(),
            in_shell: false,
            verbatim,
            example,
            connection: None,
        };
        sites.extend(inner_sites(&main));
        sites.push(main);
    }
    sites
}

/// What a comment would set if it were none: the text behind its `#`, whose ranges are of the whole comment.
pub(super) fn comment_sites(comment: &str, scalar: Origin) -> Vec<Site<'_>> {
    let whole = Site {
        key: Cow::Borrowed(""),
        shape: KeyShape::Neutral,
        form: Form::Other,
        place: Way::start(""),
        services: Vec::new(),
        scalar,
        text: comment,
        value: 0..comment.len(),
        in_shell: false,
        verbatim: false,
        example: false,
        connection: None,
    };
    let mut sites = inner_sites(&whole);
    let body = comment.trim_start_matches(['#', ' ', '\t', '-']);
    if let Some((key, value)) = config_line(body) {
        let start = comment.len() - body.len();
        let (shape, value) = (key_shape(key), start + value.start..start + value.end);
        sites.push(Site { key: Cow::Borrowed(key), shape, value, ..whole.clone() });
    }
    sites.push(whole);
    sites
}
