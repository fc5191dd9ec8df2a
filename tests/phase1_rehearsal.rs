//! Phase 1 with a rehearsal: the live stack is not touched by it, and what fails in it is refused.

mod engine_support;
mod phase1;
#[allow(dead_code)]
#[path = "crash/snapshot.rs"]
mod snapshot;

use engine_support::sandbox;
use phase1::{SHOP, Shop, same};

#[test]
fn a_rehearsal_passes_beside_the_live_stacks() {
    let Some(sandbox) = sandbox("beside") else { return };
    let shop = Shop::of(sandbox, SHOP);
    shop.up_and_well();
    let serving = shop.serving();
    shop.migrate(&["--rehearse"]).expect(0, &["rehearse data, apps"]);
    assert_eq!(shop.serving(), serving);
    shop.nothing_remains();
}

#[test]
fn what_fails_in_rehearsal_is_refused() {
    let Some(sandbox) = sandbox("refused") else { return };
    // It lives on what its live volume holds; a rehearsal has an empty one.
    let yaml = "  box:
    image: redis:7
    init: true
    entrypoint: [sh, -c]
    command: ['test -e /state/ready || exit 9; exec sleep 3600']
    environment: {API_PASSWORD: canary-own-Wd93nVb6Ls}
    volumes: [state:/state]
volumes:
  state:
";
    let shop = Shop::of_one(sandbox, yaml);
    shop.in_volume("state", "touch /state/ready");
    shop.up_and_well();
    let (before, serving) = (shop.tree(), shop.serving());
    shop.migrate(&["--rehearse", "--recreate"]).expect(3, &["nothing was touched", "exited with code 9"]);
    same(&before, &shop.tree());
    assert_eq!(shop.serving(), serving);
    shop.nothing_remains();
    shop.run(&["recover"]).expect(0, &["no run is open"]);
}

#[test]
fn a_bound_data_folder_stays_as_it_is_and_who_is_off_is_left_out() {
    let Some(sandbox) = sandbox("bound") else { return };
    let data = include_str!("phase1/data.yml").replace("db_data:/var", "./pgdata:/var").replace("\nvolumes:\n  db_data:\n", "");
    let data = data.replace("    command: redis-server", "    labels: {xtask.rehearse: 'off'}\n    command: redis-server");
    let shop = Shop::of_file(sandbox, &data);
    std::fs::write(shop.root().join(".gitignore"), ".env\npgdata/\n").unwrap();
    shop.up_and_well();
    Shop::docker(&["stop", &format!("{}-db-1", shop.sandbox.project)]);
    let (before, serving) = (snapshot::files(&shop.root().join("pgdata")), shop.serving());
    assert!(before.len() > 500, "{} files", before.len());
    shop.migrate(&["--rehearse", "--allow-dirty"]).expect(0, &["rehearsal of cache in shop", "xtask.rehearse is off"]);
    same(&before, &snapshot::files(&shop.root().join("pgdata")));
    assert_eq!(shop.serving(), serving);
    shop.nothing_remains();
}
