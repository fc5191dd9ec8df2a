use super::{Check, Reference, Rule};
use crate::finding::{Category, FixKind, Priority};

pub static RULE: Rule = Rule {
    name: "tracked-env-file-secret",
    title: "an env file that git tracks holds a credential",
    doc: "An env file keeps credentials out of compose files, but in git it is as public as they are. Let the tracked \
        file name the variable, `KEY=${KEY:?set KEY in .env}`, and keep the value in an `.env` that git ignores.",
    // It speaks for the other rules when they find something in such a file.
    category: Category::SecretsManagement,
    priority: Priority::P0,
    references: &[Reference::Owasp(12), Reference::Spec("services.env_file")],
    fix: FixKind::Report,
    check: Check::Elsewhere,
};

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::{EnvSource, Evidence, EvidenceKind, credentials_in_env_file};
    use crate::dotenv;

    fn of(path: &str, text: &str, tracked: bool) -> Vec<Evidence> {
        let entries = dotenv::parse(text, &|_| Some("set".into())).unwrap();
        let services = ["web".to_string()];
        let source = EnvSource { path: Path::new(path), file: 7, text, entries: &entries, raw: false, tracked, services: &services };
        credentials_in_env_file(&source)
    }

    const TEXT: &str = "# c\nA=1\nexport WEBHOOK_SECRET=\"one two\" # why\nB_PASSWORD='Gb$k#x'\nC_PASSWORD=${C:?set}\n\
        D_URL=postgres://u:pw@db/x\nTOKEN_CACHE_ENABLED=true\nE_PASSWORD=${E:-four}\nF_PASSWORD=\n";

    #[test]
    fn finds_values_of_tracked_files_only() {
        let found = of("config/docker.env", TEXT, true);
        let shown: Vec<_> = found.iter().map(|e| (e.key.as_str(), e.secret.expose(), e.kind)).collect();
        let expected = [
            ("WEBHOOK_SECRET", "one two", EvidenceKind::Literal),
            ("B_PASSWORD", "Gb$k#x", EvidenceKind::Literal),
            ("D_URL", "pw", EvidenceKind::Url),
            ("E_PASSWORD", "four", EvidenceKind::Default),
        ];
        assert_eq!(shown, expected);
        assert!(found.iter().all(|e| e.finding.rule == "tracked-env-file-secret" && e.services == ["web"] && e.scalar.file == 7));
        assert_eq!(found[0].scalar.span.slice(TEXT), "\"one two\"");
        assert_eq!(found[1].source.slice(TEXT), "Gb$k#x");
        assert_eq!(found[2].source.slice(TEXT), "pw");
        assert_eq!(of("config/docker.env", TEXT, false), []);
    }

    #[test]
    fn examples_may_show_placeholders() {
        let text = "A_PASSWORD=replace-me\nB_PASSWORD=admin\nC_API_KEY=your-api-key-here\nD_TOKEN=\"<token>\"\n\
            E_PASSWORD=something\nG_SECRET=kZ8sW2qP0vX7yT5mN3bL\n";
        let keys: Vec<_> = of(".env.example", text, true).into_iter().map(|e| e.key).collect();
        assert_eq!(keys, ["G_SECRET"], "only what looks like a real one");
    }
}
