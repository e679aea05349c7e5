//! What the machine says of the runtime's process: its memory and its descriptors. Linux only; elsewhere it is not known.

/// How a process stands.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    /// Memory that is its own and resident, in bytes.
    pub memory: u64,
    pub descriptors: u64,
}

/// How a process stands now; `None` where that cannot be read.
pub fn standing(pid: u32) -> Option<Standing> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("RssAnon:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    let descriptors = std::fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count() as u64;
    Some(Standing { memory: kib * 1_024, descriptors })
}

/// How many descriptors a process may have.
pub fn descriptor_limit(pid: u32) -> Option<u64> {
    let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).ok()?;
    let line = limits.lines().find(|line| line.starts_with("Max open files"))?;
    line.split_whitespace().nth(3)?.parse().ok()
}
