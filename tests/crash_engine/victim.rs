//! What is crashed: phase 1 with the library.

use std::path::Path;
use std::process::ExitCode;
use std::rc::Rc;

use crate::killer::{Killer, When};
use xtask::cancel::Cancel;
use xtask::error::Result;
use xtask::event::Silent;
use xtask::tasks::security_fix::{self, Options};
use xtask::tasks::{Context, Doors, Overrides};

/// `ROOT CALL before|after LOG`: carries phase 1 out in ROOT and dies at that call, counted from 1; with
/// 0 it lives. The names of all calls go to LOG, one a line.
pub fn main(args: &[String]) -> ExitCode {
    let [root, call, when, log] = args else { return ExitCode::from(2) };
    match carry_out(Path::new(root), call.parse().unwrap(), When::of(when), Path::new(log)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(6)
        }
    }
}

fn carry_out(root: &Path, at: usize, when: When, log: &Path) -> Result<()> {
    let (cancel, yes) = (Cancel::default(), |_: &str| Ok(true));
    let mut cx = Context::open(root, &Silent, &cancel, false, &yes)?;
    let killer = Killer::new(at, when, log)?;
    cx.doors = Doors { engine: Some(Rc::new(killer)), ..Doors::open(&cancel)? };
    let options = Options { rehearse: true, recreate: true, ..Options::default() };
    security_fix::run(&cx, &options, &Overrides::default()).map(|_| ())
}
