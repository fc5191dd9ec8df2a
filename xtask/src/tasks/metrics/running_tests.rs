use std::time::Duration;

use super::*;

fn seen(service: &str) -> Seen {
    Seen { stack: "shop".into(), service: service.into(), container: format!("shop-{service}-1"), ..Seen::default() }
}

fn checked(service: &str, health: Option<Health>) -> Seen {
    Seen { has_check: true, health, ..seen(service) }
}

#[test]
fn a_service_is_healthy_when_all_of_its_containers_are() {
    let all = [
        checked("a", Some(Health::Healthy)),
        checked("b", Some(Health::Healthy)),
        checked("b", Some(Health::Starting)),
        checked("gone", None),
        seen("unchecked"),
    ];
    let figure = healthy(&all);
    assert_eq!((figure.value, figure.met), (Some(33.3), Some(false)));
    assert_eq!(figure.parts, [Part::new("shop b", 0.0), Part::new("shop gone", 0.0)]);
    assert_eq!((healthy(&all[..1]).value, healthy(&all[..1]).met), (Some(100.0), Some(true)));
    assert_eq!(healthy(&all[4..]).not_measured.as_deref(), Some("no service that runs has a health check"));
}

#[test]
fn restarts_are_held_against_the_age_and_never_blown_up() {
    let one = |restarts, age_secs| Seen { restarts, age_secs: Some(age_secs), ..seen("a") };
    assert_eq!(restarts(&[one(5, 10 * 86_400), one(0, 60)]).value, Some(0.5));
    let young = restarts(&[one(3, 600)]);
    assert_eq!((young.value, young.met), (Some(3.0), Some(false)));
    assert_eq!(young.parts, [Part::new("shop-a-1", 3.0).noting("3 in all")]);
    assert_eq!(restarts(&[one(0, 600)]).met, Some(true));
    assert_eq!(restarts(&[]).value, None);
}

#[test]
fn p95_is_of_the_nearest_rank() {
    let hundred: Vec<f64> = (1..=100).rev().map(f64::from).collect();
    assert_eq!((p95(hundred), p95(vec![3.0, 1.0]), p95(Vec::new())), (Some(95.0), Some(3.0), None));
}

#[test]
fn a_slow_check_does_not_say_that_the_service_is_slow() {
    let took = |millis: u64, passed| Probe { took: Duration::from_millis(millis), passed };
    let quick = probes(&[Seen { probes: vec![took(40, true), took(60, true)], ..seen("a") }]);
    assert_eq!((quick.value, quick.met), (Some(60.0), Some(true)));
    let slow = probes(&[Seen { probes: vec![took(40, true), took(160, false)], ..seen("a") }]);
    assert_eq!((slow.value, slow.met), (Some(160.0), None));
    assert!(slow.how.ends_with("2 checks, 1 of them failed"), "{}", slow.how);
    assert_eq!(probes(&[seen("a")]).not_measured.as_deref(), Some("the engine has timed no health check"));
}

#[test]
fn images_count_once_and_pairs_are_of_two_images() {
    let sized = |stack: &str, production, id: &str, bytes| Sized {
        stack: stack.into(),
        service: "api".into(),
        production,
        image: format!("api:{id}"),
        id: id.into(),
        bytes,
    };
    let all = [sized("dev", Some(false), "big", 500), sized("prod", Some(true), "small", 200), sized("other", None, "big", 500)];
    let sizes = images(&all, vec!["shop gone".into()]);
    assert_eq!((sizes.value, sizes.parts.len(), sizes.without.len()), (Some(700.0), 2, 1));
    let less = reduction(&all);
    assert_eq!((less.value, less.met), (Some(60.0), Some(true)));
    let same = [sized("dev", Some(false), "one", 500), sized("prod", Some(true), "one", 500)];
    assert!(reduction(&same).not_measured.is_some() && images(&[], Vec::new()).not_measured.is_some());
}
