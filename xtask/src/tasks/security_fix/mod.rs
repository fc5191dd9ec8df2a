//! Phase 1: credentials out of compose files, into `.env`, with nothing that renders changed.

mod group;
mod name;
mod spot;
