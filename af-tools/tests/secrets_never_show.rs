//! Whatever is done with a secret, and whatever goes wrong, no log, error or `Debug` form tells anything of it: neither the
//! value, nor how it begins, nor how long it is. So it must be all the same for any two values.
#![cfg(unix)]

use std::ffi::OsString;
use std::fmt::{self, Debug, Write};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::time::Duration;

use af_tools::connection::{Environment, Settings, Source};
use af_tools::secrets::{
    Access, Chain, DirectoryProvider, EnvironmentProvider, Error, FileProvider, Key, Options, Recorded,
    Recorder, Rules, Secret, SecretsProvider, Step, Version, Watched, rotate,
};
use proptest::prelude::*;
use tracing::field::{Field, Visit};
use tracing::span;
use zeroize::Zeroizing;

/// Everything that is logged, by whatever thread and at whatever level.
static LOG: Mutex<String> = Mutex::new(String::new());

/// Held by a test, so that the log is its own.
static ALONE: Mutex<()> = Mutex::new(());

struct Log;

impl tracing::Subscriber for Log {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        struct Fields<'a>(&'a mut String);

        impl Visit for Fields<'_> {
            fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
                writeln!(self.0, "{field}={value:?}").unwrap();
            }
        }

        if event.metadata().target().starts_with("af_tools") {
            event.record(&mut Fields(&mut LOG.lock().unwrap()));
        }
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// Logs what would be kept.
struct Kept;

impl Recorder for Kept {
    fn record(&mut self, access: &Access<'_>) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        writeln!(LOG.lock().unwrap(), "{access:?}").unwrap();
        Ok(())
    }
}

/// What is told of one value.
#[derive(Default)]
struct Transcript(String);

impl Transcript {
    fn add(&mut self, what: impl Debug) {
        writeln!(self.0, "{what:?} {what:#?}").unwrap();
    }

    fn outcome<T: Debug>(&mut self, outcome: Result<T, Error>) {
        if let Err(error) = &outcome {
            writeln!(self.0, "{error} {} {:?}", error.kind(), error.hint()).unwrap();
            let mut source = std::error::Error::source(error);
            while let Some(cause) = source {
                writeln!(self.0, "{cause}").unwrap();
                source = cause.source();
            }
        }
        self.add(outcome);
    }

    /// Everything that can be done with a provider.
    fn exercise(&mut self, provider: &dyn SecretsProvider, value: &Secret) {
        let key: Key = "db".parse().unwrap();
        let other: Key = "other".parse().unwrap();
        self.add(provider.describe());
        self.add(provider.directories());
        let steps = [Step::Stage(value), Step::Promote, Step::Discard, Step::RollBack];
        for key in [&key, &other] {
            for version in Version::ALL {
                self.outcome(provider.get(key, version));
            }
            self.outcome(provider.set(key, value));
            for step in steps.into_iter().chain(steps) {
                self.add(step);
                self.outcome(provider.rotate(key, step));
                self.outcome(provider.get(key, Version::Pending));
            }
            self.outcome(provider.rotate(key, Step::Stage(value)));
            self.outcome(provider.rotate(key, Step::Stage(&Secret::new("another".to_owned()))));
            self.outcome(provider.rotate(key, Step::Discard));
            self.outcome(rotate(provider, key, value, &mut |_| Err("refused".to_owned())));
            self.outcome(rotate(provider, key, value, &mut |_| Ok(())));
        }
        self.outcome(provider.list());
        self.outcome(provider.delete(&other));
        self.outcome(provider.delete(&other));
    }
}

fn write(path: &Path, bytes: &[u8], mode: u32) {
    // The modes of an earlier round would be in the way.
    let _ = fs::remove_file(path);
    fs::write(path, bytes).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn environment(variables: &[(&str, &str)]) -> EnvironmentProvider {
    let variables = variables.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
    EnvironmentProvider::new("T_", Rules::default(), variables)
}

/// From now on the log holds what is told, and nothing of before.
fn listen() {
    static LISTEN: Once = Once::new();
    LISTEN.call_once(|| tracing::subscriber::set_global_default(Log).unwrap());
    LOG.lock().unwrap().clear();
}

/// All that is told while a value goes through everything that can happen to it, in a directory that is empty.
fn transcript(value: &str, directory: &Path) -> String {
    listen();
    let mut transcript = Transcript::default();
    let secret = Secret::new(value.to_owned());
    transcript.add(&secret);
    for bytes in [
        value.as_bytes().to_vec(),
        [value.as_bytes(), b"\xff"].concat(),
        [value.as_bytes(), b"\n\n"].concat(),
    ] {
        transcript.outcome(Secret::from_input(Zeroizing::new(bytes)));
    }

    let path = directory.join("secrets.json");
    let file = || FileProvider::new(path.clone(), Rules::default());
    transcript.add(file());
    transcript.exercise(&file(), &secret);
    let quoted = serde_json::to_string(value).unwrap();
    for (content, mode) in [
        (value.to_owned(), 0o600),
        (quoted.clone(), 0o600),
        (format!("{{\"version\": 1, \"secrets\": {value}"), 0o600),
        (format!("{{\"version\": 1, \"secrets\": {quoted}}}"), 0o600),
        (format!("{{\"version\": 1, \"secrets\": {{{quoted}: 1}}}}"), 0o600),
        (format!("{{\"version\": 1, \"secrets\": {{\"db\": [{quoted}]}}}}"), 0o600),
        (format!("{{\"version\": 1, \"secrets\": {{\"db\": {{{quoted}: {quoted}}}}}}}"), 0o600),
        (format!("{{\"version\": 1, \"secrets\": {{\"db\": {quoted}, \"db\": {quoted}}}}}"), 0o600),
        (format!("{{\"version\": 1, \"secrets\": {{\"db\": {quoted}}}}}"), 0o644),
        (format!("{{\"version\": 1, \"secrets\": {{\"db\": {quoted}}}}}"), 0o600),
    ] {
        write(&path, content.as_bytes(), mode);
        transcript.exercise(&file(), &secret);
    }

    let mounted = directory.join("mounted");
    let directory_provider = || DirectoryProvider::new(mounted.clone(), Rules::default());
    transcript.exercise(&directory_provider(), &secret);
    for (content, mode) in
        [(&b""[..], 0o600), (value.as_bytes(), 0o640), (&[value.as_bytes(), b"\0"].concat(), 0o600)]
    {
        write(&mounted.join("db"), content, mode);
        transcript.exercise(&directory_provider(), &secret);
    }

    write(&directory.join("value"), value.as_bytes(), 0o600);
    let named = directory.join("value").display().to_string();
    for variables in [
        &[("T_DB", value)][..],
        &[("T_DB", value), ("T_DB_FILE", value)],
        // Somebody has mistaken one variable for the other.
        &[("T_DB_FILE", value)],
        &[("T_DB_FILE", &named)],
    ] {
        transcript.add(environment(variables));
        transcript.exercise(&environment(variables), &secret);
        let missing = DirectoryProvider::new(directory.join("missing/directory"), Rules::default());
        let chain = Chain::new(vec![Box::new(missing), Box::new(environment(variables)), Box::new(file())]);
        let chain = Recorded::new(chain, "ann".to_owned(), Some(Box::new(Kept)));
        transcript.exercise(&chain, &secret);
    }

    let url =
        format!("host=h user=u dbname=d password='{}'", value.replace('\\', r"\\").replace('\'', r"\'"));
    let settings =
        Settings::resolve(&Source { url: Some(url), schema: None }, &Environment::default()).unwrap();
    assert_eq!(settings.hosts[0].password.as_ref().map(Secret::reveal), Some(value));
    transcript.add(settings);
    let variables = [("PGPASSWORD".to_owned(), value.to_owned())].into();
    transcript.add(Environment { variables, ..Environment::default() });
    transcript.0.push_str(&LOG.lock().unwrap());
    transcript.0
}

/// What can be a secret: text that begins with a letter, so that it is no JSON but a word.
fn value() -> impl Strategy<Value = String> {
    "[a-z一-龥][^\\x00\\r\\n]{0,70}"
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, max_shrink_iters: 20, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_told_depends_on_the_value(one in value(), other in value()) {
        let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let told = [&one, &other].map(|value| {
            let scratch = tempfile::tempdir().unwrap();
            fs::set_permissions(scratch.path(), fs::Permissions::from_mode(0o700)).unwrap();
            // Where a mistaken path would lead.
            let told = transcript(value, scratch.path());
            told.replace(scratch.path().to_str().unwrap(), "/scratch")
        });
        for (one, other) in told[0].lines().zip(told[1].lines()) {
            prop_assert_eq!(one, other);
        }
        prop_assert_eq!(told[0].len(), told[1].len());
        // It did go through: every kind of outcome is there.
        for word in ["not_found", "permission_denied", "unavailable", "read_only", "ambiguous", "rotation_under_way",
                     "rejected", "invalid_value", "secret accessed", "degraded", "RollBack", "***"] {
            prop_assert!(told[0].contains(word), "{}", word);
        }
    }
}

/// The thread that watches tells no more than the rest.
#[test]
fn watching_does_not_tell_either() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    listen();
    // No message has these characters.
    const VALUES: [&str; 3] = ["ΨΩ一", "ΨΩ丁七", "ΨΩ"];
    let scratch = tempfile::tempdir().unwrap();
    fs::set_permissions(scratch.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let path = scratch.path().join("db");
    write(&path, VALUES[0].as_bytes(), 0o600);
    let key: Key = "db".parse().unwrap();
    let provider = Arc::new(DirectoryProvider::new(scratch.path().to_owned(), Rules::default()));
    let watched = Watched::start(provider, std::slice::from_ref(&key), Options::default()).unwrap();
    let mut subscription = watched.subscribe();
    let mut told = String::new();
    for (value, mode) in [(VALUES[1], 0o600), (VALUES[2], 0o644), (VALUES[2], 0o600)] {
        let new = scratch.path().join("new");
        write(&new, value.as_bytes(), mode);
        fs::rename(&new, &path).unwrap();
        let changes = subscription.next(Duration::from_secs(20));
        assert_eq!(changes.len(), 1, "{value} {mode:o}");
        write!(told, "{changes:?}").unwrap();
    }
    assert!(told.contains("Stale") && told.contains("Changed"));
    assert_eq!(watched.value(&key).unwrap().secret.reveal(), VALUES[2]);
    told.push_str(&LOG.lock().unwrap());
    assert!(!told.contains(['Ψ', 'Ω', '一', '丁', '七']), "{told}");
}
