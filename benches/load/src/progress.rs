//! A bar on standard error, when that is a terminal.

use std::io::{IsTerminal as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use mmsc_ports::{Ports, Task};

const WIDTH: usize = 30;
const STEP: Duration = Duration::from_millis(200);

/// What is being waited for.
#[derive(Clone, Copy, Debug)]
pub enum Goal {
    /// A time.
    Time(Duration),
    /// A count.
    Count(u64),
}

/// A bar that draws itself until it is dropped.
pub struct Progress(Option<Task>);

impl Progress {
    /// Starts to draw: `done` counts messages.
    #[must_use]
    pub fn start(ports: &Ports, label: &'static str, goal: Goal, done: Arc<AtomicU64>) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self(None);
        }
        let clock = Arc::clone(&ports.clock);
        let draw = async move {
            let started = clock.monotonic();
            let first = done.load(Ordering::Relaxed);
            loop {
                let elapsed = clock.monotonic().saturating_sub(started);
                let count = done.load(Ordering::Relaxed).saturating_sub(first);
                eprint!("\r{}", line(label, goal, elapsed, count));
                let _shown = std::io::stderr().flush();
                clock.sleep(STEP).await;
            }
        };
        Self(Some(ports.spawn.task("progress", Box::pin(draw))))
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(task) = &self.0 {
            task.abort();
            eprint!("\r{}\r", " ".repeat(WIDTH + 60));
        }
    }
}

#[allow(clippy::cast_precision_loss, reason = "a picture")]
fn line(label: &str, goal: Goal, elapsed: Duration, count: u64) -> String {
    let part = match goal {
        Goal::Time(time) => elapsed.as_secs_f64() / time.as_secs_f64().max(0.001),
        Goal::Count(wanted) => count as f64 / wanted.max(1) as f64,
    };
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and WIDTH"
    )]
    let filled = (part.clamp(0.0, 1.0) * WIDTH as f64) as usize;
    let rate = count as f64 / elapsed.as_secs_f64().max(0.001);
    let bar: String = (0..WIDTH).map(|at| if at < filled { '#' } else { '.' }).collect();
    format!(
        "{label:10} [{bar}] {:3.0} %  {count} messages, {rate:.0}/s ",
        part.clamp(0.0, 1.0) * 100.0
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_shows_how_far_it_is() {
        let half = line("submit", Goal::Count(200), Duration::from_secs(1), 100);
        assert!(half.contains("50 %") && half.contains("100/s"), "{half}");
        assert_eq!(half.matches('#').count(), WIDTH / 2);
        let over = line("submit", Goal::Time(Duration::from_secs(1)), Duration::from_secs(3), 0);
        assert_eq!(over.matches('.').count(), 0, "{over}");
    }
}
