//! Figures as they are printed.

/// The value below which so many of a thousand lie.
fn at(sorted: &[u64], per_mille: usize) -> u64 {
    let rank = (sorted.len() * per_mille).div_ceil(1_000).saturating_sub(1);
    sorted.get(rank).copied().unwrap_or_default()
}

fn sorted(samples: &[u64]) -> Vec<u64> {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable();
    sorted
}

/// A distribution of microseconds in one line.
pub(crate) fn line(name: &str, samples: &[u64]) -> String {
    let sorted = sorted(samples);
    format!(
        "  {name:<26} median {:>7} us   p99 {:>7} us   longest {:>7} us",
        at(&sorted, 500),
        at(&sorted, 990),
        at(&sorted, 1_000)
    )
}

/// How many times as long, in hundredths cut off, at the median and at 99 of 100.
pub(crate) fn ratio(samples: &[u64], bare: &[u64]) -> String {
    let (samples, bare) = (sorted(samples), sorted(bare));
    let times = |per_mille| {
        let hundredths = at(&samples, per_mille) * 100 / at(&bare, per_mille).max(1);
        format!("{}.{:02}", hundredths / 100, hundredths % 100)
    };
    format!("median {}, p99 {}", times(500), times(990))
}

/// What the machine was doing meanwhile.
pub(crate) fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace()
        .next()
        .unwrap_or("unknown")
        .to_owned()
}
