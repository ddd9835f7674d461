//! What a process has used, as the kernel tells it, and the clock of the bench.

use std::time::Duration;

use watchkeeper::core::time::{Mono, Now, Span, Wall};

/// Used so far.
pub(crate) struct Usage {
    cpu: f64,
    kernel: f64,
    at: Duration,
    pub(crate) rss_mb: f64,
}

/// Used in between, in seconds.
pub(crate) struct Cost {
    pub(crate) cpu: f64,
    /// Of that, within the kernel.
    pub(crate) kernel: f64,
    pub(crate) wall: f64,
}

impl Usage {
    pub(crate) fn of(process: u32) -> Usage {
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("the process lives");
        let after = stat.rsplit_once(')').map_or("", |(_, after)| after);
        let ticks = |n: usize| after.split_whitespace().nth(n).and_then(|text| text.parse::<f64>().ok());
        let kernel = ticks(12).unwrap_or(0.0) / 100.0;
        let cpu = ticks(11).unwrap_or(0.0) / 100.0 + kernel;
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("the process lives");
        let rss = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse::<f64>().ok());
        Usage { cpu, kernel, at: boot(), rss_mb: rss.unwrap_or(0.0) / 1_024.0 }
    }

    pub(crate) fn since(&self, before: &Usage) -> Cost {
        Cost {
            cpu: self.cpu - before.cpu,
            kernel: self.kernel - before.kernel,
            wall: (self.at - before.at).as_secs_f64(),
        }
    }
}

fn boot() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

pub(crate) fn now() -> Now {
    let mono = Mono::after_boot(Span::micros(u64::try_from(boot().as_micros()).unwrap_or(0)));
    Now { mono, wall: Wall::micros(0) }
}

/// As many descriptors as this process may have.
pub(crate) fn raise_descriptors() {
    let mut limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    limit.current = limit.maximum;
    rustix::process::setrlimit(rustix::process::Resource::Nofile, limit)
        .expect("a limit may be raised to its maximum");
}
