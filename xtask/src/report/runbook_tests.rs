use super::*;

fn runbook() -> Runbook {
    let service = Service {
        name: "api".into(),
        image: "shop/api".into(),
        how: Replacing::Rolling,
        health_secs: Some(14),
        restart: "unless-stopped".into(),
        ports: vec!["8080->80/tcp".into()],
        needs: vec!["db".into()],
    };
    Runbook {
        stack: "shop/prod".into(),
        project: "shop".into(),
        files: vec!["compose.prod.yaml".into()],
        profiles: Vec::new(),
        tag: Some("TAG".into()),
        rehearses: true,
        settle_secs: 10,
        keep: 5,
        services: vec![Service { name: "db|x".into(), health_secs: None, ..service.clone() }, service],
        data: vec![Place { kind: "volume", name: "shop_data".into(), external: false, services: vec!["db".into()] }],
        external_networks: vec!["edge".into()],
        hooks: vec![("pre-deploy".into(), "./backup.sh".into())],
        probes: vec!["localhost:80 accepts a connection".into()],
    }
}

#[test]
fn it_has_the_stack_s_own_commands_and_every_chapter() {
    let text = markdown(&runbook(), &[(0, "done"), (5, "a person is needed")]);
    for line in [
        "cargo xtask prod-up shop/prod --tag v1.4.2 ",
        "cargo xtask rollback --release shop/prod ",
        "cargo xtask history --releases shop/prod ",
        "cargo xtask logs -f shop/prod --since 10m ",
        "cargo xtask recover ",
        "| `api` | `shop/api` | rolling | 14 s | unless-stopped | `8080->80/tcp` | `db` |",
        "| `db\\|x` |",
        "no check in the files: runs 10 s undisturbed",
        "| volume `shop_data` | `db` | the first deploy |",
        "must be there first: `edge`",
        "- pre-deploy: ./backup.sh",
        "| 5 | a person is needed |",
        "## What a way back does not undo",
        "`$XTASK_STATE`",
    ] {
        assert!(text.contains(line), "no {line} in\n{text}");
    }
    assert_eq!(text, markdown(&runbook(), &[(0, "done"), (5, "a person is needed")]));
    assert!(!markdown(&Runbook { tag: None, ..runbook() }, &[]).contains("--tag"));
}

#[test]
fn a_stack_is_one_word_of_the_shell() {
    assert_eq!(word("tools/compose/db"), "tools/compose/db");
    assert_eq!(word("my shop"), "'my shop'");
    assert_eq!(word("a'b```\n"), "'a'\\''b'");
}
