//! Phase 1 by the shipped binary, on many small projects: one behaviour each.

mod support;

mod security_fix {
    mod carriers;
    mod files;
    mod guards;
    mod naming;
    mod reaching;
    mod selection;
    mod shapes;
    mod tracked;
    mod values;
}
