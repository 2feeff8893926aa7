//! The command line.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// Measure insertion and verification on a throw-away server.
///
/// Without options, everything is measured on tables small enough for a few minutes: enough to see what a change does.
/// --full builds a million entries and takes most of an hour; docs/performance.md shows what it writes.
/// Times depend on the machine and on its mood; ratios of one run are what may be quoted.
#[derive(Debug, Parser)]
#[command(name = "bench", verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// The sizes that docs/performance.md shows: 1,000,000 entries, 200,000 rows and messages
    #[arg(long)]
    pub(crate) full: bool,
    /// What to measure, instead of everything
    #[arg(long, value_delimiter = ',', value_name = "NAME,…")]
    pub(crate) only: Vec<Measurement>,
    /// Rows in a bulk insertion, and messages [default: 20000; with --full 200000]
    #[arg(long, value_parser = clap::value_parser!(i32).range(1_000..))]
    pub(crate) rows: Option<i32>,
    /// Entries in the ledger to verify, of 100 tenants [default: 100000; with --full 1000000]
    #[arg(long, value_parser = clap::value_parser!(i32).range(10_000..))]
    pub(crate) entries: Option<i32>,
    /// How often each measurement is repeated
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(3..))]
    pub(crate) rounds: u32,
    /// The largest ledger of the growth curve [default: as --entries]
    #[arg(long, value_parser = clap::value_parser!(i32).range(10_000..))]
    pub(crate) growth_to: Option<i32>,
    /// Seconds that sessions insert for each point [default: 2; with --full 15]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) seconds: Option<u32>,
    /// Where results.md, results.json and the plots go
    #[arg(long, default_value = "target/bench", value_name = "DIRECTORY")]
    pub(crate) out: PathBuf,
}

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Measurement {
    /// Bulk insertion: the ledger, the same table without triggers, a chain in PL/pgSQL
    Insertion,
    /// Both verifiers, a chain's in PL/pgSQL, and the bare limits of the machine
    Verification,
    /// Verification from outside with several sessions, and the same rows only read
    Outside,
    /// Messages: their check, and both verifiers
    Messages,
    /// Insertion and both verifiers over ledgers of growing size, and their memory
    Growth,
    /// Both verifiers over entries from 100 bytes to a megabyte, from a cold cache
    Size,
    /// Insertion one row a transaction, by 1, 8 and 32 sessions
    Sessions,
    /// A backup made, verified, restored and proven, beside pg_dump and pg_restore alone
    Backup,
}

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scale {
    pub(crate) rows: i32,
    pub(crate) entries: i32,
    pub(crate) rounds: u32,
    pub(crate) growth_to: i32,
    pub(crate) seconds: u32,
}

impl Measurement {
    /// As `--only` takes it.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

impl Arguments {
    pub(crate) fn wants(&self, measurement: Measurement) -> bool {
        self.only.is_empty() || self.only.contains(&measurement)
    }

    pub(crate) fn scale(&self) -> Scale {
        let (rows, entries) = if self.full { (200_000, 1_000_000) } else { (20_000, 100_000) };
        let entries = self.entries.unwrap_or(entries);
        Scale {
            rows: self.rows.unwrap_or(rows),
            entries,
            rounds: self.rounds,
            growth_to: self.growth_to.unwrap_or(entries),
            seconds: self.seconds.unwrap_or(if self.full { 15 } else { 2 }),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
        let arguments =
            Arguments::parse_from(["bench", "--full", "--only", "messages,insertion", "--rows", "5000"]);
        assert!(arguments.wants(Measurement::Messages) && !arguments.wants(Measurement::Verification));
        let scale = arguments.scale();
        assert_eq!((scale.rows, scale.entries, scale.growth_to), (5000, 1_000_000, 1_000_000));
    }
}
