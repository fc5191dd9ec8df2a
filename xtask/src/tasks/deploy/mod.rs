//! Deploys: a stack goes into production whole and proven, or what ran before goes on serving.

mod guards;
mod images;
mod look;
mod request;

pub use request::Request;
