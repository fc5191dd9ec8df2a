//! Restores into new volumes beside the live ones: nothing live is touched.

use crate::actions::{Action, Laid, LayBeside, World};
use crate::backup::segment;
use crate::error::{Error, Kind, Result};
use crate::event::Event;
use crate::guards::Checked;
use crate::saga::{Plan, Proof, Step, Verdict};
use crate::tasks::backup::{place, read, verify};
use crate::tasks::deploy::look::Standing;
use crate::tasks::{Context, Ended, Overrides, Prepared, carry_out, hidden};

use super::look::{nothing_for, stack_of, volumes};
use super::{Request, TASK, servers};

/// What was made.
#[derive(Debug, Clone, PartialEq)]
pub struct Laying {
    pub ended: Ended,
    /// The names of the new volumes.
    pub volumes: Vec<String>,
}

/// Restores volumes and servers of a backup into new volumes, named after the live ones and the backup.
///
/// # Errors
/// `Refused`: one of the volumes is there already. `Failed`: something cannot be restored; nothing of it stays.
pub fn to_scratch(cx: &Context<'_>, request: &Request) -> Result<Laying> {
    let place = place::of(cx, request.to.as_deref())?;
    let _lock = if cx.dry_run { None } else { Some(place::lock(cx, &place)?) };
    let backup = read::find(&place::open(cx, &place)?, &request.backup)?;
    let mut names = Vec::new();
    let ended = carry_out(cx, TASK, &Overrides::default(), |_| {
        let name = &backup.summary.name;
        let manifest = place::open(cx, &place)?.content(name, false)?.manifest()?;
        nothing_for(&manifest, &request.services)?;
        let (standing, model) = Standing::of_files(cx, stack_of(cx, &backup)?)?;
        let engine = standing.live.engine.as_ref();
        let mut secrets = hidden::of_project(cx, std::iter::once(&model));
        secrets.extend(standing.containers.iter().flat_map(hidden::of_container));
        cx.masker.replace(hidden::masker(&secrets));
        let mut wrong = Vec::new();
        let mut lay = LayBeside { place: place.clone(), name: name.clone(), volumes: Vec::new(), servers: Vec::new() };
        for copied in volumes(&manifest, &request.services) {
            lay.volumes.push(Laid { volume: copied.volume.clone(), fresh: format!("{}-restored-{name}", copied.volume) });
        }
        for dump in servers::dumped(&manifest, &request.services) {
            let fresh = format!("{}_{}-dump-restored-{name}", manifest.project, segment(&dump.service).replace('%', "_"));
            let of = (dump.service.as_str(), dump.adapter.as_str(), dump.image.as_str(), dump.image_id.as_str());
            match servers::laid(&standing.containers, of, fresh) {
                Ok(server) => lay.servers.push(server),
                Err(why) => wrong.push(why),
            }
        }
        let mut taken = Vec::new();
        for fresh in lay.fresh() {
            if engine.volume(fresh)?.is_some() {
                taken.push(format!("there is a volume {fresh} already"));
            }
        }
        names = lay.fresh().map(String::from).collect();
        let mut plan = Plan::new(TASK, Vec::new());
        plan.stacks = vec![backup.summary.stack.clone()];
        let step = Action::LayBeside(lay);
        let line = step.label();
        plan.steps.push(step);
        Ok(Prepared {
            guards: vec![
                Checked::new("restorable", wrong, "load `backup show --dump SERVICE/WHAT` by hand"),
                Checked::new("new-volumes", taken, "remove it with `docker volume rm` when nobody needs it any more"),
            ],
            projects: Vec::new(),
            plan,
            contents: Vec::new(),
            preview: vec![Event::Planned { files: Vec::new(), other: vec![line] }],
            still: None,
            prove: Box::new(|world: &World| {
                let mut proof = Proof::default();
                verify::proven(cx, world, &mut proof);
                Ok(Verdict::Holds(proof))
            }),
        })
    });
    match ended {
        Ok(ended) => Ok(Laying { ended, volumes: names }),
        Err(error) if error.kind == Kind::RolledBack => {
            Err(Error { kind: Kind::Failed, what: "restore beside the live data: nothing of it stays".to_string(), ..error })
        }
        Err(error) => Err(error),
    }
}
