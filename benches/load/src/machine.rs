//! How busy the whole machine was, from `/proc/stat`.

/// Ticks of all processors since the start of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Machine {
    busy: u64,
    all: u64,
}

impl Machine {
    /// Now.
    #[must_use]
    pub fn now() -> Self {
        Self::parse(&std::fs::read_to_string("/proc/stat").unwrap_or_default())
    }

    fn parse(stat: &str) -> Self {
        let line = stat.lines().next().unwrap_or_default();
        let ticks: Vec<u64> = line
            .split_whitespace()
            .skip(1)
            .filter_map(|field| field.parse().ok())
            .collect();
        // user nice system idle iowait irq softirq steal; what follows is contained in user.
        let all: u64 = ticks.iter().take(8).sum();
        let idle: u64 = ticks.iter().skip(3).take(2).sum();
        Self { busy: all - idle, all }
    }

    /// The part of all processors' time that was busy since `earlier`, 0 to 1.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "a ratio")]
    pub fn busy_since(self, earlier: Self) -> f64 {
        let all = self.all.saturating_sub(earlier.all);
        if all == 0 {
            return 0.0;
        }
        self.busy.saturating_sub(earlier.busy) as f64 / all as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_and_waiting_for_the_disk_is_not_busy() {
        let before = Machine::parse("cpu  0 0 0 0 0 0 0 0 0 0\n");
        let after = Machine::parse("cpu  30 0 20 40 10 0 0 0 5 0\ncpu0 1 1 1 1\n");
        assert!((after.busy_since(before) - 0.5).abs() < 1e-9);
        assert!(Machine::now().all > 0);
    }
}
