//! Taking away what a run has put beside the live things, and nothing else: by the run's label.

use super::Engine;
use crate::error::Result;

/// Carried by every container, network and volume that a run creates and is to remove again.
pub const RUN_LABEL: &str = "xtask.run";

/// What was removed, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Removed {
    pub containers: Vec<String>,
    pub networks: Vec<String>,
    pub volumes: Vec<String>,
}

/// Removes everything that carries the run's label. What is gone already is fine, so this can be
/// called again and after any interruption.
///
/// # Errors
/// `Failed`: the engine does not answer, or something of it is still in use.
pub fn remove_run(engine: &dyn Engine, run: &str) -> Result<Removed> {
    let label = [(RUN_LABEL, run)];
    let mut removed = Removed::default();
    for container in engine.containers(&label)? {
        engine.remove_container(&container.id)?;
        removed.containers.push(container.name);
    }
    for network in engine.networks(&label)? {
        engine.remove_network(&network.id)?;
        removed.networks.push(network.name);
    }
    for volume in engine.volumes(&label)? {
        engine.remove_volume(&volume.name)?;
        removed.volumes.push(volume.name);
    }
    Ok(removed)
}
