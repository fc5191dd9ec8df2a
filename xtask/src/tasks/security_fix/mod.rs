//! Phase 1: credentials out of compose files, into `.env`, with nothing that renders changed.

mod equal;
mod group;
mod lines;
mod name;
mod spot;
