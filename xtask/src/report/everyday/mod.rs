//! What the commands of every day answer.

mod logs;
mod services;
mod status;

use serde_json::{Value, json};

use super::{Look, Style};
use crate::tasks::deploy::Status;
use crate::tasks::everyday::{Down, Ill, Restarted, Services, Up, UpStack};

pub use logs::Printer;

pub enum Everyday {
    Up(Up),
    Down(Down),
    Restarted(Restarted),
    Services(Services),
    Status(Status),
}

impl Everyday {
    pub fn text(&self, look: Look) -> String {
        match self {
            Everyday::Up(up) => up_text(up, look),
            Everyday::Down(down) => down_text(down, look),
            Everyday::Restarted(restarted) => restarted_text(restarted, look),
            Everyday::Services(shown) => services::table(shown, look),
            Everyday::Status(status) => status::text(status, look),
        }
    }

    pub fn json(&self) -> Value {
        match self {
            Everyday::Up(up) => json!(up),
            Everyday::Down(down) => json!(down),
            Everyday::Restarted(restarted) => json!(restarted),
            Everyday::Services(shown) => json!(shown),
            Everyday::Status(status) => status::json(status),
        }
    }
}

fn up_text(up: &Up, look: Look) -> String {
    let mut text: String = up.networks.iter().map(|network| look.line(Style::Good, "Created", &format!("network {network}"))).collect();
    let widths = up.stacks.iter().flat_map(|stack| &stack.services).map(|one| one.service.chars().count());
    let width = widths.max().unwrap_or_default();
    for stack in &up.stacks {
        text.push_str(&stack_text(stack, width, look));
    }
    for stack in &up.not_started {
        text.push_str(&look.line(Style::Warn, "Not started", stack));
    }
    text
}

fn stack_text(stack: &UpStack, width: usize, look: Look) -> String {
    let mut text = String::new();
    for one in &stack.services {
        let line = format!("{:<width$}  {}", one.service, one.addresses.join("  "));
        text.push_str(&look.line(Style::Good, capital(one.state), line.trim_end()));
    }
    text.push_str(&stack.ill.iter().map(|ill| ill_text(ill, look)).collect::<String>());
    match &stack.failed {
        Some(said) => {
            text.push_str(&look.line(Style::Bad, "Failed", &format!("{}: {said}", stack.stack)));
            text
        }
        None => text,
    }
}

fn ill_text(ill: &Ill, look: Look) -> String {
    let log = if ill.log.is_empty() { "; its log is empty".to_string() } else { format!("; the end of its log:\n{}", ill.log) };
    look.line(Style::Bad, "Not well", &format!("{}: {}{log}", ill.container, ill.why))
}

fn capital(state: &str) -> &str {
    match state {
        "healthy" => "Healthy",
        "running" => "Running",
        _ => "Done",
    }
}

fn down_text(down: &Down, look: Look) -> String {
    if down.stacks.is_empty() && !down.planned {
        return look.line(Style::Good, "Nothing", "of that runs");
    }
    let mut text: String = down.containers.iter().map(|container| look.line(Style::Good, "Removed", container)).collect();
    text.extend(down.volumes.iter().map(|volume| look.line(Style::Warn, "Deleted", &format!("volume {volume}"))));
    text
}

fn restarted_text(restarted: &Restarted, look: Look) -> String {
    restarted.ill.iter().map(|ill| ill_text(ill, look)).collect()
}
