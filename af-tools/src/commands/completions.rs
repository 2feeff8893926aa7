//! `af-tools completions` and `af-tools man`.

use std::io::{self, Write};

use clap::CommandFactory;
use serde::Serialize;

use super::{Context, Failure, output_failed};
use crate::cli::Cli;
use crate::cli::completions::CompletionsArgs;
use crate::exit::Exit;
use crate::output::{Report, Verbosity};

/// A generated file.
#[derive(Serialize)]
struct Generated {
    text: String,
}

impl Report for Generated {
    fn write_text(&self, out: &mut dyn Write, _: Verbosity) -> io::Result<()> {
        out.write_all(self.text.as_bytes())
    }
}

pub(super) fn completions(args: &CompletionsArgs, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    let mut command = Cli::command();
    let name = command.get_name().to_owned();
    clap_complete::generate(args.shell, &mut command, name, &mut script);
    print(script, context)
}

/// The page of the program, then one of each command.
pub(super) fn man(context: &mut Context<'_>) -> Result<Exit, Failure> {
    let mut command = Cli::command();
    command.build();
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut page).map_err(output_failed)?;
    add_commands(&command, &mut page).map_err(output_failed)?;
    print(page, context)
}

fn add_commands(command: &clap::Command, page: &mut Vec<u8>) -> io::Result<()> {
    for subcommand in command.get_subcommands().filter(|subcommand| !subcommand.is_hide_set()) {
        if subcommand.has_subcommands() {
            add_commands(subcommand, page)?;
            continue;
        }
        let name = subcommand.get_bin_name().unwrap_or(subcommand.get_name());
        writeln!(page, ".SH \"{}\"", name.to_uppercase())?;
        let man = clap_mangen::Man::new(subcommand.clone());
        for part in [clap_mangen::Man::render_synopsis_section, clap_mangen::Man::render_description_section]
        {
            part(&man, page)?;
        }
        man.render_options_section(page)?;
    }
    Ok(())
}

fn print(text: Vec<u8>, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let text = String::from_utf8_lossy(&text).into_owned();
    context.report(Exit::DONE, &Generated { text }, None)
}
