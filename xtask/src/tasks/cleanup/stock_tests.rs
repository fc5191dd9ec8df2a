use super::*;

const DAY: u64 = 86_400_000;

fn thing(kind: Kind, name: &str, project: &str) -> Thing {
    let labels = [(PROJECT, project)].into_iter().filter(|(_, project)| !project.is_empty());
    Thing {
        kind,
        id: format!("id-{name}"),
        name: name.to_string(),
        tags: Vec::new(),
        labels: labels.map(|(label, value)| (label.to_string(), value.to_string())).collect(),
        bytes: Some(1),
        made_ms: Some(100 * DAY),
        made: String::new(),
        used_by: Vec::new(),
        served: None,
    }
}

fn labelled(mut thing: Thing, label: &str, value: &str) -> Thing {
    thing.labels.insert(label.to_string(), value.to_string());
    thing
}

fn scope() -> Scope {
    Scope { projects: ["shop".to_string()].into(), now_ms: 110 * DAY, ..Scope::default() }
}

fn said(thing: Thing, claims: &Claims, scope: &Scope) -> Judgement {
    judge(&[thing], claims, scope).remove(0)
}

fn is_unused(thing: Thing, scope: &Scope) -> bool {
    matches!(said(thing, &Claims::default(), scope), Judgement::Unused(_))
}

fn kept(thing: Thing, claims: &Claims, scope: &Scope, word: &str) {
    let said = said(thing, claims, scope);
    assert!(matches!(&said, Judgement::Kept(why) if why.contains(word)), "{word}: {said:?}");
}

#[test]
fn only_what_is_ours_or_has_no_name_is_looked_at() {
    let none = Claims::default();
    let host = Scope { host: true, ..scope() };
    for kind in [Kind::Volume, Kind::Network] {
        assert!(is_unused(thing(kind, "a", "shop"), &scope()));
        for project in ["", "other"] {
            assert_eq!(said(thing(kind, "a", project), &none, &scope()), Judgement::Outside);
            assert!(is_unused(thing(kind, "a", project), &host));
        }
    }
    assert!(is_unused(thing(Kind::Image, "a", ""), &scope()));
    assert_eq!(said(thing(Kind::Image, "a", "other"), &none, &scope()), Judgement::Outside);
    assert_eq!(said(thing(Kind::Image, "a", ""), &none, &Scope { only_labelled: true, ..scope() }), Judgement::Outside);
    let tagged = Thing { tags: vec!["a:1".into()], ..thing(Kind::Image, "a", "") };
    assert_eq!(said(tagged.clone(), &none, &scope()), Judgement::Outside);
    assert!(is_unused(tagged, &host));
    assert_eq!(said(thing(Kind::Container, "a", "shop"), &none, &scope()), Judgement::Outside);
    assert!(is_unused(thing(Kind::Container, "a", "shop"), &Scope { containers: true, ..scope() }));
    assert_eq!(said(thing(Kind::Cache, "a", ""), &none, &scope()), Judgement::Outside);
    assert!(is_unused(thing(Kind::Cache, "a", ""), &host));
}

#[test]
fn what_anybody_refers_to_stays_and_says_who() {
    let mut claims = Claims::default();
    claims.name(Kind::Volume, "shop_pg", "stack db declares it");
    claims.name(Kind::Volume, "shop_pg", "a later word");
    claims.key(Kind::Volume, "shop", "files", "stack web declares it");
    claims.name(Kind::Image, "redis:7", "stack db names it");
    claims.name(Kind::Image, "id-old", "release r1 ran it");
    kept(thing(Kind::Volume, "shop_pg", "shop"), &claims, &scope(), "stack db declares it");
    kept(labelled(thing(Kind::Volume, "odd", "shop"), "com.docker.compose.volume", "files"), &claims, &scope(), "stack web");
    assert!(matches!(said(thing(Kind::Network, "shop_pg", "shop"), &claims, &scope()), Judgement::Unused(_)));
    let host = Scope { host: true, ..scope() };
    kept(Thing { tags: vec!["x:1".into(), "redis:7".into()], ..thing(Kind::Image, "a", "") }, &claims, &host, "stack db names it");
    kept(thing(Kind::Image, "old", ""), &claims, &scope(), "release r1");
    kept(Thing { used_by: vec!["web-1".into()], ..thing(Kind::Volume, "a", "shop") }, &claims, &scope(), "web-1 has it");
    kept(labelled(thing(Kind::Volume, "a", "shop"), "xtask.keep", ""), &claims, &scope(), "xtask.keep");
    kept(labelled(thing(Kind::Volume, "a", "shop"), "xtask.run", "r"), &claims, &scope(), "a run of xtask");
    kept(Thing { tags: vec![format!("{HOLDS}a:r1")], ..thing(Kind::Image, "a", "shop") }, &claims, &scope(), "a release holds it");
    kept(thing(Kind::Network, "bridge", ""), &claims, &host, "the engine");
}

#[test]
fn a_service_that_is_declared_keeps_its_containers_but_not_those_of_run() {
    let mut claims = Claims::default();
    claims.key(Kind::Container, "shop", "web", "stack web declares its service");
    let scope = Scope { containers: true, ..scope() };
    let web = labelled(thing(Kind::Container, "a", "shop"), "com.docker.compose.service", "web");
    kept(web.clone(), &claims, &scope, "stack web");
    assert!(matches!(said(labelled(web, "com.docker.compose.oneoff", "True"), &claims, &scope), Judgement::Unused(_)));
}

#[test]
fn a_project_that_another_folder_has_too_is_left_alone() {
    let mut claims = Claims::default();
    claims.shared("shop", "/srv/other");
    kept(thing(Kind::Volume, "a", "shop"), &claims, &scope(), "/srv/other");
}

#[test]
fn what_has_content_is_archived_unless_a_registry_has_it() {
    let named = Thing { tags: vec!["a:1".into()], ..thing(Kind::Image, "a", "shop") };
    let served = Thing { served: Some("docker.io/library/a@sha256:1".into()), ..named.clone() };
    let fates = |thing: &Thing| (thing.comes_back(), thing.is_archived());
    assert_eq!((fates(&named), fates(&served)), ((true, true), (true, false)));
    assert_eq!(fates(&thing(Kind::Volume, "a", "shop")), (true, true));
    assert_eq!(fates(&thing(Kind::Network, "a", "shop")), (true, false));
    for kind in [Kind::Image, Kind::Container, Kind::Cache] {
        assert_eq!(fates(&thing(kind, "a", "shop")), (false, false));
    }
}

#[test]
fn settings_keep_what_is_young_and_the_newest_tags() {
    let young = Scope { younger_than_ms: 20 * DAY, ..scope() };
    kept(thing(Kind::Volume, "a", "shop"), &Claims::default(), &young, "too young");
    assert!(is_unused(thing(Kind::Volume, "a", "shop"), &Scope { younger_than_ms: 10 * DAY, ..scope() }));
    kept(Thing { made_ms: None, ..thing(Kind::Volume, "a", "shop") }, &Claims::default(), &young, "how old");
    assert!(is_unused(Thing { made_ms: None, ..thing(Kind::Volume, "a", "shop") }, &scope()));

    let tag = |name: &str, made: u64| Thing {
        tags: vec![format!("host:5000/app:{name}")],
        made_ms: Some(made),
        ..thing(Kind::Image, name, "shop")
    };
    let scope = Scope { keep_tags: 2, ..scope() };
    let judged = judge(&[tag("1", 1), tag("3", 3), tag("2", 2)], &Claims::default(), &scope);
    assert!(matches!(judged[0], Judgement::Unused(_)) && judged[1] == judged[2], "{judged:?}");
    assert_eq!(judged[1], Judgement::Kept("it is one of the newest 2 of host:5000/app".into()));
}
