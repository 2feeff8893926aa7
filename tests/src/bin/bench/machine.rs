//! What was measured on: figures mean little without it.

use std::fs;
use std::thread;

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::context::Context;

/// The settings that matter most to what is measured.
const SETTINGS: [&str; 13] = [
    "fsync",
    "synchronous_commit",
    "full_page_writes",
    "shared_buffers",
    "work_mem",
    "max_wal_size",
    "checkpoint_timeout",
    "autovacuum",
    "wal_compression",
    "jit",
    "max_parallel_workers_per_gather",
    "max_parallel_workers",
    "pg_af.early_release",
];

/// Hardware, versions and settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) processor: String,
    pub(crate) cores: usize,
    pub(crate) has_sha_instructions: bool,
    pub(crate) memory_gb: u64,
    pub(crate) system: String,
    pub(crate) file_system: String,
    pub(crate) postgresql: String,
    pub(crate) pg_af: String,
    pub(crate) settings: Vec<(String, String)>,
}

impl Machine {
    pub(crate) fn look(context: &Context) -> Result<Self, Error> {
        let mut ledger = context.ledger("machine", 1)?;
        let client = &mut ledger.client;
        let postgresql = client.query_one("SHOW server_version", &[])?.get(0);
        let pg_af = client.query_one("SELECT af_version()", &[])?.get(0);
        let mut settings = Vec::new();
        for name in SETTINGS {
            settings.push((name.to_owned(), client.query_one(&format!("SHOW {name}"), &[])?.get(0)));
        }
        context.drop_ledger(ledger, "machine")?;
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let cpuinfo = read("/proc/cpuinfo");
        let memory_kb: u64 = value(&read("/proc/meminfo"), "MemTotal")
            .and_then(|value| value.trim_end_matches(" kB").parse().ok())
            .unwrap_or(0);
        let data = context.server.data_dir();
        Ok(Self {
            processor: value(&cpuinfo, "model name").unwrap_or("unknown").to_owned(),
            cores: thread::available_parallelism()?.get(),
            // As x86 and Arm call them.
            has_sha_instructions: ["flags", "Features"].iter().any(|name| {
                let flags = value(&cpuinfo, name).unwrap_or_default();
                flags.split_whitespace().any(|flag| matches!(flag, "sha_ni" | "sha2"))
            }),
            memory_gb: (memory_kb * 1024).div_ceil(1_000_000_000),
            system: format!("Linux {}", read("/proc/sys/kernel/osrelease").trim()),
            file_system: file_system(&read("/proc/mounts"), &data.to_string_lossy()),
            postgresql,
            pg_af,
            settings,
        })
    }
}

/// The value of a line `name : value`.
fn value<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        (found.trim() == name).then(|| value.trim())
    })
}

/// The type of the file system that a path is on: of what is mounted above it, the nearest.
fn file_system(mounts: &str, path: &str) -> String {
    let mounts = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(1);
        Some((fields.next()?, fields.next()?))
    });
    let above = mounts.filter(|(at, _)| {
        path.strip_prefix(at.trim_end_matches('/')).is_some_and(|rest| rest.starts_with('/'))
    });
    above.max_by_key(|(at, _)| at.len()).map_or("unknown", |(_, kind)| kind).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_mount_counts() {
        let mounts = "/dev/a / ext4 rw 0 0\n/dev/b /data xfs rw 0 0\ntmpfs /data/tmp tmpfs rw 0 0\n";
        assert_eq!(file_system(mounts, "/data/pg/base"), "xfs");
        assert_eq!(file_system(mounts, "/data/tmp/pg"), "tmpfs");
        assert_eq!(file_system(mounts, "/database/pg"), "ext4");
        assert_eq!(file_system("", "/x"), "unknown");
        assert_eq!(value("a\t: 1\nb : 2 kB\n", "b"), Some("2 kB"));
    }
}
