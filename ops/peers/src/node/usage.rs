//! What a process has used, from `/proc`.

use std::time::Duration;

use crate::error::PeerError;

/// Processor time and memory of a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// User and system time of all its threads so far.
    pub processor: Duration,
    /// Resident memory now, in octets.
    pub resident_bytes: u64,
    /// Most resident memory ever, in octets.
    pub peak_resident_bytes: u64,
}

impl Usage {
    /// Of the process `pid`.
    pub fn of(pid: u32) -> Result<Self, PeerError> {
        let read = |name: &str| {
            let path = format!("/proc/{pid}/{name}");
            std::fs::read_to_string(&path).map_err(|error| PeerError::io(path, error))
        };
        let status = read("status")?;
        Ok(Self {
            processor: processor(&read("stat")?).ok_or_else(|| PeerError::Process("/proc stat is odd".into()))?,
            resident_bytes: kilobytes(&status, "VmRSS:"),
            peak_resident_bytes: kilobytes(&status, "VmHWM:"),
        })
    }
}

/// Fields 14 and 15 of `/proc/PID/stat`, counted behind the name, which may hold blanks and brackets.
fn processor(stat: &str) -> Option<Duration> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    let hertz = rustix::param::clock_ticks_per_second().max(1);
    Some(Duration::from_millis((user + system) * 1000 / hertz))
}

fn kilobytes(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    number.unwrap_or_default().saturating_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_used_something() {
        let usage = Usage::of(std::process::id()).unwrap();
        assert!(usage.resident_bytes > 100_000 && usage.peak_resident_bytes >= usage.resident_bytes);
    }

    #[test]
    fn a_name_with_brackets_shifts_nothing() {
        let stat = "7 (a) b) (c) S 1 7 7 0 -1 4194560 100 0 0 0 150 50 0 0 20 0 1 0";
        let hertz = rustix::param::clock_ticks_per_second();
        assert_eq!(processor(stat), Some(Duration::from_millis(200 * 1000 / hertz)));
        assert_eq!(processor("nonsense"), None);
    }
}
