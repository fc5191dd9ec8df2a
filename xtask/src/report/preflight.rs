//! The eight points, each with its answer and what to do.

use super::{Look, Style};
use crate::tasks::deploy::preflight::{Answer, Point, Preflight};

pub fn text(preflight: &Preflight, look: Look) -> String {
    let mut text: String = preflight.points.iter().map(|point| one(point, look)).collect();
    let count = |answer| preflight.points.iter().filter(|point| point.answer == answer).count();
    let (ok, wrong, not_tried) = (count(Answer::Ok), count(Answer::NotOk), count(Answer::NotTried));
    let (style, word) = shown(preflight.answer());
    let sum = format!("of {} points of {}: {ok} ok, {wrong} not ok, {not_tried} not tried", preflight.points.len(), preflight.stack);
    text.push_str(&look.line(style, word, &sum));
    text
}

fn one(point: &Point, look: Look) -> String {
    let (style, word) = shown(point.answer);
    let mut lines = vec![format!("{} {}", point.number, point.title)];
    match point.answer {
        Answer::Ok => lines[0].push_str(&format!(": {}", point.good.join("; "))),
        _ => {
            lines.extend(point.wrong.iter().cloned());
            lines.extend(point.not_tried.iter().map(|why| format!("not tried: {why}")));
            if look.verbose {
                lines.extend(point.good.iter().map(|good| format!("ok: {good}")));
            }
            if !point.help.is_empty() {
                lines.push(format!("to do: {}", point.help));
            }
        }
    }
    look.line(style, word, &lines.join("\n"))
}

fn shown(answer: Answer) -> (Style, &'static str) {
    match answer {
        Answer::Ok => (Style::Good, "Ok"),
        Answer::NotOk => (Style::Bad, "Not ok"),
        Answer::NotTried => (Style::Warn, "Not tried"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_point_has_its_answer_and_a_remedy_where_it_needs_one() {
        let plain = Look { colour: false, live: false, quiet: false, verbose: false };
        let point = |number, answer| Point {
            number,
            name: "n",
            title: "limits fit",
            answer,
            good: vec!["1 MiB".into()],
            wrong: if answer == Answer::NotOk { vec!["too much".into()] } else { Vec::new() },
            not_tried: if answer == Answer::NotTried { vec!["no engine".into()] } else { Vec::new() },
            help: "lower them".into(),
        };
        let points = vec![point(1, Answer::Ok), point(2, Answer::NotOk), point(3, Answer::NotTried)];
        let preflight = Preflight { stack: "shop".into(), project: "shop".into(), points };
        assert_eq!(
            text(&preflight, plain),
            "          Ok 1 limits fit: 1 MiB
      Not ok 2 limits fit
             too much
             to do: lower them
   Not tried 3 limits fit
             not tried: no engine
             to do: lower them
      Not ok of 3 points of shop: 1 ok, 1 not ok, 1 not tried
"
        );
    }
}
