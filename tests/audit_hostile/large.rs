//! Large inputs: bytes, and what they must come to.

use super::End;

const HEAD: &str = "services:\n  web:\n    image: nginx:1.22\n    privileged: true\n";

fn lines(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).map(line).collect()
}

pub fn compose() -> Vec<(&'static str, Vec<u8>, End)> {
    let one = End::Judged(1, 1);
    let with_head = |rest: String| format!("{HEAD}{rest}").into_bytes();
    // What an unoptimised build judges in some seconds.
    let (services, many) = if cfg!(debug_assertions) { (300, 5_000) } else { (10_000, 100_000) };
    vec![
        ("deep flow", with_head(format!("x-a: {}\n", "[".repeat(100_000))), End::Refused(5)),
        ("deep flow mappings", with_head(format!("x-a: {}\n", "{a: ".repeat(25_000))), End::Refused(5)),
        ("deep block", with_head(format!("x-a:\n{}", lines(1000, |n| format!("{}k:\n", " ".repeat(n + 1))))), End::Refused(133)),
        ("deep dashes", with_head(format!("x-a:\n  {}y\n", "- ".repeat(50_000))), End::Refused(6)),
        ("one long line", with_head(format!("    working_dir: /{}\n", "y".repeat(1 << 20))), one),
        ("one long comment", with_head(format!("# {}\n", "y".repeat(1 << 20))), one),
        ("a megabyte of comments", with_head("# nothing\n".repeat(100_000)), one),
        ("comments that suppress", with_head("# audit:ignore privileged-container for now\n".repeat(2_000)), one),
        ("many keys", with_head(format!("x-a:\n{}", lines(many, |n| format!("  k{n}: v\n")))), one),
        ("many items", with_head(format!("x-a:\n{}", lines(many, |n| format!("  - v{n}\n")))), one),
        ("many variables in one service", with_head(format!("    environment:\n{}", lines(many, |n| format!("      V{n}: x\n")))), one),
        ("ten thousand labels", with_head(format!("    labels:\n{}", lines(10_000, |n| format!("      - l{n}=x\n")))), one),
        ("nested variables", with_head(format!("    user: '{}{}'\n", "${A:-".repeat(5_000), "}".repeat(5_000))), End::Refused(5)),
        ("variables one after the other", with_head(format!("    command: '{}'\n", "${A:-x}".repeat(15_000))), one),
        ("many services", format!("services:\n{}", lines(services, service)).into_bytes(), End::Judged(services, services)),
        ("services of one anchor", aliases(services / 2).into_bytes(), End::Judged(services / 2, services / 2)),
    ]
}

fn service(n: usize) -> String {
    format!("  s{n}:\n    image: nginx:1.22\n    privileged: true\n    restart: always\n")
}

/// No fix of such a file can be made alone.
fn aliases(count: usize) -> String {
    format!("x-a: &a {{image: \"nginx:1.22\", privileged: true}}\nservices:\n{}", lines(count, |n| format!("  s{n}: *a\n")))
}

pub fn env() -> Vec<(&'static str, Vec<u8>, End)> {
    let one = End::Judged(1, 1);
    vec![
        (
            "a megabyte of variables",
            lines(if cfg!(debug_assertions) { 10_000 } else { 100_000 }, |n| format!("V{n}=xxx\n")).into_bytes(),
            one,
        ),
        ("one name again and again", "A=xxx\n".repeat(170_000).into_bytes(), one),
        ("a megabyte of comments", format!("A=1\n{}", "# nothing\n".repeat(100_000)).into_bytes(), one),
        ("one long value", format!("A={}\n", "y".repeat(1 << 20)).into_bytes(), one),
        ("an open quote", format!("B=1\nA='{}", "y\n".repeat(1 << 19)).into_bytes(), End::Refused(2)),
    ]
}
