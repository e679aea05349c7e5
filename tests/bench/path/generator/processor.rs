//! Processor time of a process, by the kernel's own count.

/// A clock tick of `/proc`, in milliseconds: fixed on Linux.
const TICK_MS: f64 = 10.0;

/// Milliseconds of all threads so far, in the program and in the kernel for it; 0 where there is no `/proc`.
pub(crate) fn used_ms(pid: u32) -> f64 {
    let Ok(text) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { return 0.0 };
    // The name, in parentheses, may hold spaces.
    let Some((_, rest)) = text.rsplit_once(") ") else { return 0.0 };
    let ticks = rest.split(' ').skip(11).take(2).filter_map(|field| field.parse::<f64>().ok());
    ticks.sum::<f64>() * TICK_MS
}
