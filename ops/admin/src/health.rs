//! Liveness and readiness, with reasons. *Alive* means that restarting the process would not help; *ready* means that
//! it takes work. What is degraded is told, and changes neither: a bind that is down does not make a node unready.

use std::sync::Arc;

/// How something stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// As it should be.
    Ok,
    /// Not as it should be, but the node takes work.
    Degraded(String),
    /// The node takes no work because of it.
    Failed(String),
}

/// One thing that liveness or readiness depends on. The node implements it over its parts.
pub trait Check: Send + Sync + 'static {
    /// Its name in reports: lower case, dotted (`store`, `smsc.main`).
    fn name(&self) -> String;
    /// How it stands now. Must not block.
    fn condition(&self) -> Condition;
}

/// A check from a name and a closure.
pub struct CheckFn<F>(pub String, pub F);

impl<F: Fn() -> Condition + Send + Sync + 'static> Check for CheckFn<F> {
    fn name(&self) -> String {
        self.0.clone()
    }

    fn condition(&self) -> Condition {
        (self.1)()
    }
}

/// What `/livez` and `/readyz` answer from.
#[derive(Clone, Default)]
pub struct Health {
    live: Vec<Arc<dyn Check>>,
    ready: Vec<Arc<dyn Check>>,
}

/// An answer: the verdict, and one line of JSON for each check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// No check failed.
    pub ok: bool,
    /// `{"check":…,"state":"ok"|"degraded"|"failed","reason":…}` lines, the verdict first.
    pub lines: String,
}

impl Health {
    /// With what liveness and what readiness depend on.
    #[must_use]
    pub fn new(live: Vec<Arc<dyn Check>>, ready: Vec<Arc<dyn Check>>) -> Self {
        Self { live, ready }
    }

    /// Whether the process is worth keeping.
    #[must_use]
    pub fn live(&self) -> Report {
        report("alive", &self.live)
    }

    /// Whether the node takes work.
    #[must_use]
    pub fn ready(&self) -> Report {
        report("ready", &self.ready)
    }
}

fn report(word: &str, checks: &[Arc<dyn Check>]) -> Report {
    let found: Vec<(String, Condition)> = checks.iter().map(|check| (check.name(), check.condition())).collect();
    let ok = !found
        .iter()
        .any(|(_, condition)| matches!(condition, Condition::Failed(_)));
    let mut lines = format!("{{\"{word}\":{ok}}}\n");
    for (name, condition) in found {
        let line = match condition {
            Condition::Ok => serde_json::json!({"check": name, "state": "ok"}),
            Condition::Degraded(reason) => serde_json::json!({"check": name, "state": "degraded", "reason": reason}),
            Condition::Failed(reason) => serde_json::json!({"check": name, "state": "failed", "reason": reason}),
        };
        lines.push_str(&line.to_string());
        lines.push('\n');
    }
    Report { ok, lines }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, condition: Condition) -> Arc<dyn Check> {
        Arc::new(CheckFn(name.to_owned(), move || condition.clone()))
    }

    #[test]
    fn degraded_is_told_and_stays_ready() {
        let health = Health::new(
            vec![],
            vec![
                check("store", Condition::Ok),
                check("smsc.main", Condition::Degraded("not bound".to_owned())),
            ],
        );
        let report = health.ready();
        assert!(report.ok);
        assert_eq!(
            report.lines,
            "{\"ready\":true}\n{\"check\":\"store\",\"state\":\"ok\"}\n\
             {\"check\":\"smsc.main\",\"reason\":\"not bound\",\"state\":\"degraded\"}\n"
        );
    }

    #[test]
    fn one_failure_decides() {
        let health = Health::new(
            vec![check("runtime", Condition::Ok)],
            vec![check("store", Condition::Failed("closed: \"sync\"".to_owned()))],
        );
        assert!(health.live().ok);
        let report = health.ready();
        assert!(!report.ok);
        assert!(report.lines.starts_with("{\"ready\":false}\n"));
        assert!(report.lines.contains("closed: \\\"sync\\\""));
    }
}
