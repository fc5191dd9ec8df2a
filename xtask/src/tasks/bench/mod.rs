//! How fast `audit` is, beside its peers on the same files, and beside only parsing them; and how long a
//! service is away while a release goes out.

pub mod backup;
pub mod deploy;
mod inputs;
mod parsing;
mod peers;
mod rounds;

use std::path::PathBuf;

use serde::Serialize;

use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::event::Sink;
use crate::process::Program;

use inputs::{Inputs, Scratch};

/// What is to be measured.
#[derive(Debug, Clone)]
pub struct Options {
    /// How often the files are copied.
    pub copies: usize,
    /// How often everything is measured; what is told is the median.
    pub rounds: usize,
    /// A folder whose files are taken; none: the example stacks.
    pub files: Option<PathBuf>,
    /// Whether other linters run beside.
    pub peers: bool,
}

/// Everything that was measured.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Measured {
    pub version: &'static str,
    /// Whether the program was compiled with optimisation.
    pub optimised: bool,
    pub cores: usize,
    pub files: usize,
    pub bytes: usize,
    pub rounds: usize,
    pub programs: Vec<Run>,
    /// `audit` of one tiny file, from the start of the process to its end.
    pub start_seconds: f64,
    pub growth: Vec<Growth>,
    pub targets: Vec<Target>,
}

/// One program on all the files.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Run {
    pub name: String,
    pub version: String,
    pub command: String,
    /// How often it was run.
    pub rounds: usize,
    pub seconds: f64,
    pub files_per_second: f64,
    /// Of all its threads and children.
    pub cpu_seconds: f64,
    /// It was stopped after these seconds.
    pub stopped: bool,
}

/// How a cost grows with the input.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Growth {
    pub what: &'static str,
    pub unit: &'static str,
    /// Pairs of size and cost, smallest first.
    pub points: Vec<(usize, f64)>,
}

impl Growth {
    /// The cost of the largest input as a multiple of the smallest one's.
    pub fn factor(&self) -> f64 {
        match (self.points.first(), self.points.last()) {
            (Some(first), Some(last)) if first.1 > 0.0 => last.1 / first.1,
            _ => 0.0,
        }
    }
}

/// A figure that is to be reached.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Target {
    pub what: &'static str,
    pub measured: f64,
    /// As in `at least 100`, `at most 3`.
    pub bound: &'static str,
    pub wanted: f64,
    pub met: bool,
}

const AT_LEAST: &str = "at least";
const AT_MOST: &str = "at most";

impl Target {
    fn at_least(wanted: f64, what: &'static str, measured: f64) -> Target {
        Target { what, measured, bound: AT_LEAST, wanted, met: measured >= wanted }
    }

    fn at_most(wanted: f64, what: &'static str, measured: f64) -> Target {
        Target { what, measured, bound: AT_MOST, wanted, met: measured <= wanted }
    }
}

/// Measures the program that is running, started anew for every figure.
pub fn audit(options: &Options, events: &dyn Sink, cancel: &Cancel) -> Result<Measured> {
    let own = std::env::current_exe().map_err(|error| Error::failed("find the own program").why(error.to_string()))?;
    let inputs = match &options.files {
        Some(folder) => Inputs::of_folder(folder)?,
        None => Inputs::built_in(),
    };
    let scratch = Scratch::new()?;
    rounds::measure(options, &Program::new(own), &inputs, &scratch, events, cancel)
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}
