use super::*;
use crate::engine::{Healthcheck, Restart, State};

pub fn container(status: Status) -> Container {
    let state = State {
        status,
        pid: 0,
        started_at: "2026-11-21T22:00:00Z".into(),
        exit_code: 0,
        oom_killed: false,
        error: String::new(),
        health: None,
        checked: crate::secret::Secret::new(""),
    };
    Container {
        id: "id".into(),
        name: "name".into(),
        created: String::new(),
        image_id: String::new(),
        image: String::new(),
        state,
        restart_count: 0,
        restart: Restart::No,
        stop_grace: Duration::from_secs(10),
        healthcheck: None,
        env: BTreeMap::new(),
        command: Vec::new(),
        argv: Vec::new(),
        labels: BTreeMap::new(),
        networks: BTreeMap::new(),
        mounts: Vec::new(),
        published: Vec::new(),
        network_mode: String::new(),
    }
}

fn judged(container: &Container, engine_now: &str) -> Judgement {
    judge(container, &Seen::first(container, engine_now), SETTLE)
}

#[test]
fn one_that_ran_long_enough_needs_no_second_look() {
    let running = container(Status::Running);
    assert_eq!(judged(&running, "2026-11-21T22:00:16Z"), Judgement::Well(Well::Running));
    assert!(matches!(judged(&running, "2026-11-21T22:00:10Z"), Judgement::NotYet(_)));
    // A clock that cannot be read proves nothing.
    assert!(matches!(judged(&running, ""), Judgement::NotYet(_)));
}

#[test]
fn a_start_in_between_begins_anew_and_three_are_a_loop() {
    let mut looping = container(Status::Running);
    looping.restart = Restart::UnlessStopped;
    let mut seen = Seen::first(&looping, "2026-11-21T23:00:00Z");
    looping.restart_count = 1;
    seen.look(&looping);
    assert!(matches!(judge(&looping, &seen, SETTLE), Judgement::NotYet(_)));
    looping.state.exit_code = 3;
    looping.state.status = Status::Restarting;
    for count in 2..4 {
        looping.restart_count = count;
        seen.look(&looping);
    }
    assert_eq!(judge(&looping, &seen, SETTLE), Judgement::Unwell("is started again and again; it last exited with code 3".into()));
    looping.state.status = Status::Running;
    looping.state.exit_code = 0;
    assert_eq!(judge(&looping, &seen, SETTLE), Judgement::Unwell("is started again and again".into()));
}

#[test]
fn what_the_check_of_an_unhealthy_one_printed_last_is_told_masked() {
    let masker = Masker::new(["s3cr3t-value"]);
    let mut ill = container(Status::Running);
    ill.state.checked = crate::secret::Secret::new("Traceback:\n  HTTP 500 for s3cr3t-value\n\n");
    assert_eq!(check_said(&ill, &masker), "");
    ill.state.health = Some(Health::Unhealthy);
    assert_eq!(check_said(&ill, &masker), "; its health check said: HTTP 500 for ********");
    ill.state.checked = crate::secret::Secret::new("x".repeat(CHECK_OUTPUT_CUT));
    assert_eq!(check_said(&ill, &masker), "");
    assert!(!format!("{:?}", ill.state).contains("xxx"));
}

#[test]
fn an_end_is_good_only_where_it_is_meant() {
    let mut ended = container(Status::Exited);
    assert_eq!(judged(&ended, ""), Judgement::Well(Well::Done));
    ended.restart = Restart::UnlessStopped;
    assert!(matches!(judged(&ended, ""), Judgement::NotYet(_)), "`true` that is always started again is a loop, not a one-shot");
    ended.restart = Restart::No;
    ended.state.exit_code = 137;
    ended.state.oom_killed = true;
    assert_eq!(judged(&ended, ""), Judgement::Unwell("exited with code 137, out of memory".into()));
    let mut never = container(Status::Created);
    never.state.error = "no such device".into();
    assert_eq!(judged(&never, ""), Judgement::Unwell("cannot be started: no such device".into()));
}

#[test]
fn a_check_decides_where_there_is_one() {
    let mut checked = container(Status::Running);
    checked.healthcheck = Some(Healthcheck { interval: SETTLE, timeout: SETTLE, start_period: SETTLE, retries: 1 });
    let now = "2026-11-21T23:00:00Z";
    assert_eq!(judged(&checked, now), Judgement::NotYet("still starting".into()));
    checked.state.health = Some(Health::Unhealthy);
    assert_eq!(judged(&checked, now), Judgement::NotYet("unhealthy".into()));
    checked.state.health = Some(Health::Healthy);
    assert_eq!(judged(&checked, now), Judgement::Well(Well::Healthy));
}

#[test]
fn who_was_stopped_or_is_done_sleeps_and_who_failed_does_not() {
    let exited = |restart: Restart, exit_code: i64| {
        let mut container = container(Status::Exited);
        (container.restart, container.state.exit_code) = (restart, exit_code);
        container
    };
    assert!(exited(Restart::No, 0).is_asleep() && exited(Restart::No, 143).is_asleep());
    assert!(!exited(Restart::No, 1).is_asleep() && !exited(Restart::OnFailure, 1).is_asleep());
    assert!(exited(Restart::UnlessStopped, 1).is_asleep());
    assert!(!container(Status::Running).is_asleep() && container(Status::Created).is_asleep());
    let mut killed = exited(Restart::No, 137);
    killed.state.oom_killed = true;
    assert!(!killed.is_asleep());
}
