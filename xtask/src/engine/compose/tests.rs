use super::*;

fn words(args: &[OsString]) -> Vec<&str> {
    args.iter().map(|word| word.to_str().unwrap()).collect()
}

#[test]
fn a_bare_call_names_the_files_alone() {
    let call = ComposeCall { files: vec!["a.yml".into(), "b.yml".into()], ..ComposeCall::default() };
    assert_eq!(words(&call_args(&call)), ["--ansi", "never", "--progress", "quiet", "--file", "a.yml", "--file", "b.yml"]);
}

#[test]
fn everything_declared_is_said() {
    let call = ComposeCall {
        files: vec!["/p/a.yml".into()],
        env_files: Some(vec!["/p/.env".into(), "/p/.env.prod".into()]),
        profiles: vec!["full".into()],
        project_name: Some("live".into()),
        ..ComposeCall::default()
    };
    let expected =
        "--ansi never --progress quiet --project-name live --env-file /p/.env --env-file /p/.env.prod --profile full --file /p/a.yml";
    assert_eq!(words(&call_args(&call)).join(" "), expected);
}

#[test]
fn no_env_file_at_all_is_not_the_default() {
    let call = ComposeCall { files: vec!["-".into()], env_files: Some(Vec::new()), ..ComposeCall::default() };
    assert_eq!(words(&call_args(&call))[4..6], ["--env-file", "/dev/null"]);
}

#[test]
fn up_never_pulls_builds_answers_or_removes_orphans() {
    let base = ["up", "--detach", "--no-build", "--pull", "never", "--remove-orphans=false"];
    assert_eq!(up_args(&Up::default()), base);
    let up = Up { services: vec!["db".into()], force_recreate: true, no_deps: true, ..Up::default() };
    assert_eq!(up_args(&up)[6..], ["--force-recreate", "--no-deps", "db"]);
}

#[test]
fn more_containers_are_made_beside_those_that_are_there() {
    let up = Up {
        services: vec!["web".into()],
        no_deps: true,
        no_start: true,
        no_recreate: true,
        scale: Some(("web".into(), 4)),
        ..Up::default()
    };
    let expected = "up --no-start --no-build --pull never --remove-orphans=false --no-deps --no-recreate --scale web=4 web";
    assert_eq!(up_args(&up).join(" "), expected);
}

#[test]
fn versions_of_every_packager_are_read() {
    let version = |text| Version::parse(text).map(|version| version.to_string());
    for text in ["2.40.3-3", "v2.40.3\n", "2.40.3+ds1", "2.40.3-desktop.1"] {
        assert_eq!(version(text).as_deref(), Some("2.40.3"));
    }
    assert_eq!(version("1.29.2").as_deref(), Some("1.29.2"));
    assert_eq!(version("docker-compose"), None);
    assert!(Version::parse("2.9.0").unwrap() < find::OLDEST);
}

#[test]
fn hashes_are_read_by_service() {
    let expected = BTreeMap::from([("db".to_string(), "7a6d".to_string()), ("web".to_string(), "c4c5".to_string())]);
    assert_eq!(hashes("db 7a6d\nweb c4c5\n"), expected);
}

#[test]
fn the_variables_of_a_call_reach_the_child_and_no_argument() {
    let version = Version::parse("2.40.3").unwrap();
    let compose = Compose { program: ["sh", "-c", "printf %s \"$TAG\"", "sh"].map(OsString::from).to_vec(), version };
    let call = ComposeCall { env: vec![("TAG".into(), "v1.4.2".into())], ..ComposeCall::default() };
    let program = compose.program(&call, &["config"]);
    assert!(!program.argv().iter().any(|word| word.to_string_lossy().contains("v1.4.2")));
    assert_eq!(program.run(&Masker::default(), &Cancel::default()).unwrap().text(), "v1.4.2");
}
