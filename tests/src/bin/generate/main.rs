//! `generate [--check]`: writes what is checked in although it follows from the migrations and from sql/queries. With
//! `--check` it writes nothing, names what differs, and fails.
//!
//! - [`queries`]: the crate af-queries, from sql/queries
//! - [`diagram`]: the diagram in docs/schema.md
//! - [`schema`]: the dump in sql/schema.sql
//!
//! A further file is a further function in [`GENERATORS`].

#![forbid(unsafe_code)]

mod diagram;
mod queries;
mod schema;

use std::env;
use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

use af_tests::database::{migrate, options};
use af_tests::generated::Files;
use af_tools::throwaway::Server;

/// Adds files to what there should be, given the URL of a database that has all migrations.
type Generator = fn(&str, &mut Files) -> Result<(), Box<dyn Error>>;

const GENERATORS: [Generator; 3] = [queries::generate, diagram::generate, schema::generate];

#[expect(clippy::print_stderr, reason = "a program's own messages")]
fn main() -> ExitCode {
    match run() {
        Ok(stale) if stale.is_empty() => ExitCode::SUCCESS,
        Ok(stale) => {
            for path in stale {
                eprintln!("generate: {path} is not what would be generated");
            }
            eprintln!("generate: `make generate` writes it");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("generate: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Returns the paths that are stale and stay so, because this is a check.
fn run() -> Result<Vec<String>, Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let is_check = match arguments.as_slice() {
        [] => false,
        [option] if option == "--check" => true,
        _ => return Err("usage: generate [--check]".into()),
    };
    // All paths are those of the source tree, in messages too.
    env::set_current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))?;

    let server = Server::start(&options())?;
    server.create_database("generate")?;
    let url = server.url("generate");
    migrate(&url);
    let mut files = Files::default();
    for generate in GENERATORS {
        generate(&url, &mut files)?;
    }
    if is_check {
        return Ok(files.stale()?.iter().map(|path| path.display().to_string()).collect());
    }
    files.write()?;
    Ok(Vec::new())
}
