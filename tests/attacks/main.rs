//! What attackers of stated rights can do to a ledger, and who sees it: the verifier in the database, `af-tools audit verify`,
//! and the same with a checkpoint that was kept elsewhere.
//!
//! The results are the table in docs/attacks.md, which must say what was seen. `AF_ACCEPT=1` writes it anew.

mod catalogue;
mod page;
mod scene;

use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::thread;

use catalogue::ATTACKS;
use scene::{Seen, Stage};

/// So many at a time: most of the time is spent waiting for the server.
const THREADS: usize = 4;

#[test]
fn every_attack_is_seen_as_documented() {
    let stage = Stage::new();
    let next = Mutex::new(0..ATTACKS.len());
    let seen: Mutex<Vec<Option<Seen>>> = Mutex::new(vec![None; ATTACKS.len()]);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let Some(number) = next.lock().unwrap().next() else { break };
                    let outcome = stage.play(&ATTACKS[number]);
                    seen.lock().unwrap()[number] = Some(outcome);
                }
            });
        }
    });
    let seen: Vec<Seen> = seen.into_inner().unwrap().into_iter().map(Option::unwrap).collect();
    let mistaken: Vec<String> = ATTACKS
        .iter()
        .zip(&seen)
        .filter(|(attack, seen)| attack.expected() != **seen)
        .map(|(attack, seen)| {
            format!("{}:\n  expected {:?}\n  seen     {seen:?}", attack.name, attack.expected())
        })
        .collect();
    assert!(mistaken.is_empty(), "{} of {}:\n{}", mistaken.len(), ATTACKS.len(), mistaken.join("\n"));

    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/attacks.md");
    let page = page::write(&seen);
    if std::env::var_os("AF_ACCEPT").is_some() {
        fs::write(&document, &page).unwrap();
    }
    let documented = fs::read_to_string(&document).unwrap_or_default();
    assert!(documented == page, "docs/attacks.md does not say what was seen; AF_ACCEPT=1 writes it anew");
}
