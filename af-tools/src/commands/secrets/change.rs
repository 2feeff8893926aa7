//! `af-tools secrets set`, `delete` and `rotate`.

use std::io::{self, Write};

use serde::Serialize;

use super::super::{Context, Failure};
use super::check::Check;
use super::input;
use crate::cli::secrets::{DeleteArgs, RotateArgs, SetArgs};
use crate::exit::Exit;
use crate::output::{Report, Verbosity};
use crate::secrets::{self, Key, SecretsProvider, Step};

/// What was done with a secret.
#[derive(Debug, Serialize)]
pub struct ChangeReport {
    /// Which one.
    pub key: Key,
    /// What was done: `set`, `deleted`, `staged`, `promoted`, `discarded`, `rolled_back`, `rotated`.
    pub done: &'static str,
    /// Whether the new value was tested before it counted.
    pub is_tested: bool,
    /// Who has it, or had it.
    pub provider: String,
}

impl Report for ChangeReport {
    fn write_text(&self, out: &mut dyn Write, _: Verbosity) -> io::Result<()> {
        let Self { key, done, is_tested, provider } = self;
        let tested = if *is_tested { ", tested" } else { "" };
        writeln!(out, "{key}: {}{tested}, in {provider}", done.replace('_', " "))
    }
}

pub(super) fn set(
    args: &SetArgs,
    provider: &dyn SecretsProvider,
    context: &mut Context<'_>,
) -> Result<Exit, Failure> {
    let value = input::read(&args.key, context)?;
    let provider = provider.set(&args.key, &value)?;
    report(&args.key, "set", false, provider, context)
}

pub(super) fn delete(
    args: &DeleteArgs,
    provider: &dyn SecretsProvider,
    context: &mut Context<'_>,
) -> Result<Exit, Failure> {
    let provider = provider.delete(&args.key)?;
    report(&args.key, "deleted", false, provider, context)
}

pub(super) fn rotate(
    args: &RotateArgs,
    provider: &dyn SecretsProvider,
    context: &mut Context<'_>,
) -> Result<Exit, Failure> {
    let key = &args.key;
    let check = Check::new(args, context)?;
    let mut test = |value: &secrets::Secret| check.run(value);
    let new_value = |context: &Context<'_>| match args.generate {
        Some(length) => secrets::generate(usize::from(length)).map_err(Failure::from),
        None => input::read(key, context),
    };
    let (done, provider) = if args.stage {
        ("staged", provider.rotate(key, Step::Stage(&new_value(context)?))?)
    } else if args.promote {
        ("promoted", secrets::promote(provider, key, &mut test)?)
    } else if args.discard {
        ("discarded", provider.rotate(key, Step::Discard)?)
    } else if args.roll_back {
        ("rolled_back", provider.rotate(key, Step::RollBack)?)
    } else {
        ("rotated", secrets::rotate(provider, key, &new_value(context)?, &mut test)?)
    };
    report(key, done, check.is_some(), provider, context)
}

fn report(
    key: &Key,
    done: &'static str,
    is_tested: bool,
    provider: String,
    context: &mut Context<'_>,
) -> Result<Exit, Failure> {
    context.report(Exit::DONE, &ChangeReport { key: key.clone(), done, is_tested, provider }, None)
}
