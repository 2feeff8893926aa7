//! What chaining costs an insertion, and how fast entries are verified, beside what else could be used and what the machine
//! can do at most.
//!
//! - [`arguments`]: the command line
//! - [`context`]: the server, a database for each measurement; [`content`]: what is stored in it
//! - [`rounds`]: repetition in changing order; [`figure`]: what a measurement gives
//! - [`insertion`], [`verification`], [`outside`], [`messages`], [`growth`], [`size`], [`sessions`], [`backup`]: the measurements;
//!   [`memory`]: what a process holds
//! - [`machine`]: what was measured on
//! - [`pgcrypto`]: the chain that a user would write; [`limits`]: what the machine can do
//! - [`report`]: tables, JSON and plots; [`number`]: numbers for people

#![forbid(unsafe_code)]

mod arguments;
mod backup;
mod content;
mod context;
mod figure;
mod growth;
mod insertion;
mod limits;
mod machine;
mod memory;
mod messages;
mod number;
mod outside;
mod pgcrypto;
mod report;
mod rounds;
mod sessions;
mod size;
mod verification;

use clap::Parser;

use arguments::{Arguments, Measurement};
use context::Context;
use figure::Figure;
use machine::Machine;
use report::Report;

type Error = Box<dyn std::error::Error>;

/// What a module that measures offers.
type Measure = fn(&mut Context) -> Result<Vec<Figure>, Error>;

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "this program's result and its failure")]
fn main() -> std::process::ExitCode {
    match run(&Arguments::parse()) {
        Ok(report) => {
            print!("{report}");
            std::process::ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("bench: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stderr, reason = "it takes long: how far it is")]
fn run(arguments: &Arguments) -> Result<String, Error> {
    let mut context = Context::new(arguments.scale())?;
    let mut report = Report { machine: Machine::look(&context)?, figures: Vec::new() };
    let earlier = Report::read(&arguments.out);
    let measurements: [(Measurement, Measure); 8] = [
        (Measurement::Insertion, insertion::measure),
        (Measurement::Verification, verification::measure),
        (Measurement::Outside, outside::measure),
        (Measurement::Messages, messages::measure),
        (Measurement::Growth, growth::measure),
        (Measurement::Size, size::measure),
        (Measurement::Sessions, sessions::measure),
        (Measurement::Backup, backup::measure),
    ];
    for (measurement, measure) in measurements {
        if arguments.wants(measurement) {
            eprintln!("bench: {}", measurement.name());
            report.figures.extend(measure(&mut context)?);
            // At once: what follows may take long, and fail.
            report.completed_from(earlier.as_ref()).write(&arguments.out)?;
        }
    }
    Ok(report.text())
}
