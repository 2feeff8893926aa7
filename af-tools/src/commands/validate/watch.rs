//! `af-tools validate --watch`.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use super::super::{Context, Failure, output_failed};
use crate::cli::validate::ValidateArgs;
use crate::connection::Settings;
use crate::exit::Exit;
use crate::secrets::{Key, Options, Watched};

/// How long to wait before it is seen whether the user wants to stop.
const PATIENCE: Duration = Duration::from_millis(100);

pub(super) fn run(args: &ValidateArgs, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let mut settings = super::settings(args, context)?;
    let password = match &settings {
        Some(settings) => Password::watch(settings, context)?,
        None => None,
    };
    while !context.interrupt.is_set() {
        if let (Some(settings), Some(password)) = (&mut settings, &password) {
            password.put_into(settings);
        }
        let health = super::check(args, settings.clone(), context)?;
        let time = humantime::format_rfc3339_seconds(SystemTime::now());
        context.printer.line(format_args!("{time}")).map_err(output_failed)?;
        super::tell(args, health, context)?;
        let next = Instant::now() + args.interval;
        while Instant::now() < next && !context.interrupt.is_set() {
            thread::sleep(PATIENCE.min(next.saturating_duration_since(Instant::now())));
        }
    }
    Err(Failure::interrupted())
}

/// The database's password, as it is now.
struct Password {
    key: Key,
    watched: Watched,
}

impl Password {
    /// That of these settings, if it comes from a secret.
    fn watch(settings: &Settings, context: &Context<'_>) -> Result<Option<Self>, Failure> {
        let Some(key) = context.password_secret(settings)? else { return Ok(None) };
        let keys = [key.clone()];
        let watched = Watched::start(Arc::new(context.secrets()?), &keys, Options::default())?;
        Ok(Some(Self { key, watched }))
    }

    fn put_into(&self, settings: &mut Settings) {
        if let Some(value) = self.watched.value(&self.key) {
            settings.set_password(&value.secret);
        }
    }
}
