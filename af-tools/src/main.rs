//! The command line of pg_af. Everything is in the library, where tests can reach it.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    af_tools::run(std::env::args_os()).into()
}
