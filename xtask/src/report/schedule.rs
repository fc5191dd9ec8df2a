//! Backups of every night as a systemd service with its timer, and as a line for cron.

use std::path::Path;

use crate::tasks::backup::Schedule;

/// The hour is one at which people sleep; not every machine begins at once.
const HOUR: (u8, u8) = (2, 30);

pub fn text(schedule: &Schedule) -> String {
    let name = name(&schedule.root);
    let (root, calls) = (schedule.root.display(), calls(schedule));
    let mut service = format!(
        "# /etc/systemd/system/{name}.service\n[Unit]\nDescription=Back up {} and verify the backups\nAfter=docker.service\n\n\
         [Service]\nType=oneshot\nUser={}\n",
        root.to_string().replace('%', "%%"),
        schedule.user
    );
    if let Some(state) = &schedule.state {
        service.push_str(&format!("Environment={}\n", for_systemd(&format!("XTASK_STATE={}", state.display()))));
    }
    for variable in &schedule.engine {
        service.push_str(&format!("# {variable} is set here: give it to the service, too\n"));
    }
    for call in &calls {
        let words: Vec<String> = call.iter().map(|word| for_systemd(word)).collect();
        service.push_str(&format!("ExecStart={}\n", words.join(" ")));
    }
    service.push_str("Nice=10\nIOSchedulingClass=idle\n");
    let (hour, minute) = HOUR;
    let timer = format!(
        "# /etc/systemd/system/{name}.timer\n[Unit]\nDescription=Every night: {name}.service\n\n\
         [Timer]\nOnCalendar=*-*-* {hour:02}:{minute:02}:00\nRandomizedDelaySec=15m\nPersistent=true\n\n[Install]\nWantedBy=timers.target\n"
    );
    format!(
        "{service}\n{timer}\n# systemctl daemon-reload && systemctl enable --now {name}.timer\n\n# or, with crontab -e:\n{}",
        cron(schedule, &calls)
    )
}

/// What is run, a program and its arguments each, the next only when the one before was well.
fn calls(schedule: &Schedule) -> Vec<Vec<String>> {
    let call = |words: &[&str]| {
        let program =
            [schedule.program.display().to_string(), "-C".to_string(), schedule.root.display().to_string(), "--quiet".to_string()];
        program.into_iter().chain(words.iter().map(|word| word.to_string())).collect()
    };
    let mut calls = vec![call(&["backup", "--verify"])];
    if schedule.forgets {
        calls.push(call(&["--yes", "backup", "forget", "--prune"]));
    }
    calls
}

fn cron(schedule: &Schedule, calls: &[Vec<String>]) -> String {
    let state = schedule.state.iter().map(|state| format!("export XTASK_STATE={}; ", for_shell(&state.display().to_string())));
    let calls: Vec<String> = calls.iter().map(|call| call.iter().map(|word| for_shell(word)).collect::<Vec<_>>().join(" ")).collect();
    // Cron has a short PATH, and takes a percent sign for the end of the line.
    let command = format!("PATH=/usr/local/bin:/usr/bin:/bin; {}{}", state.collect::<String>(), calls.join(" && ")).replace('%', "\\%");
    let (hour, minute) = HOUR;
    format!("{minute} {hour} * * *  {command}\n")
}

/// `xtask-backup-shop`: of the folder's name, what names of units may have.
fn name(root: &Path) -> String {
    let folder = root.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let plain: String = folder.chars().map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' }).collect();
    format!("xtask-backup-{plain}")
}

/// One word of a unit file.
fn for_systemd(word: &str) -> String {
    let escaped = word.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%").replace('$', "$$");
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:%@+,".contains(c);
    if escaped.chars().all(plain) { escaped } else { format!("\"{escaped}\"") }
}

/// One word of a shell's line.
fn for_shell(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:@+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) { word.to_string() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(root: &str) -> Schedule {
        Schedule { program: "/opt/xtask".into(), root: root.into(), user: "ops".into(), state: None, forgets: false, engine: Vec::new() }
    }

    #[test]
    fn a_service_a_timer_and_a_line_for_cron_are_said() {
        let text = text(&Schedule { forgets: true, state: Some("/var/lib/x".into()), ..schedule("/srv/shop") });
        for line in [
            "# /etc/systemd/system/xtask-backup-shop.service",
            "User=ops",
            "Environment=XTASK_STATE=/var/lib/x",
            "ExecStart=/opt/xtask -C /srv/shop --quiet backup --verify",
            "ExecStart=/opt/xtask -C /srv/shop --quiet --yes backup forget --prune",
            "OnCalendar=*-*-* 02:30:00",
            "30 2 * * *  PATH=/usr/local/bin:/usr/bin:/bin; export XTASK_STATE=/var/lib/x; /opt/xtask -C /srv/shop --quiet backup --verify \
             && /opt/xtask -C /srv/shop --quiet --yes backup forget --prune",
        ] {
            assert!(text.lines().any(|has| has == line), "{line}: {text}");
        }
    }

    #[test]
    fn odd_folders_are_quoted_for_each() {
        let text = text(&schedule("/srv/it's 100%"));
        assert!(text.contains("ExecStart=/opt/xtask -C \"/srv/it's 100%%\" --quiet backup --verify\n"), "{text}");
        assert!(text.contains("/opt/xtask -C '/srv/it'\\''s 100\\%' --quiet backup --verify\n"), "{text}");
        assert!(text.contains("xtask-backup-it-s-100-.timer") && !text.contains("forget"), "{text}");
    }
}
