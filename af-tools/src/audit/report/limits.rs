//! What a verification does not prove: said as plainly as what it does.

use crate::audit::verify::{Method, Status, Verification};
use crate::numbers::counted;

/// What is not proven by this run.
pub(super) fn of(verification: &Verification, is_compared: bool, are_guards_known: bool) -> Vec<String> {
    let mut limits = Vec::new();
    let chains = verification.chains.iter().filter(|chain| chain.status != Status::Empty);
    let without = chains.clone().filter(|chain| chain.proven_seq.is_none()).count() as u64;
    if !is_compared {
        limits.push(
            "That nothing was cut off at the end of a chain, that no chain was written anew as a whole, and that no older state \
             has taken the ledger's place: no checkpoint was given to compare with."
                .to_owned(),
        );
    } else if without > 0 {
        limits.push(format!(
            "That nothing was cut off or written anew in {}: no checkpoint holds for them.",
            counted(without, "chain", "chains")
        ));
    }
    let behind = chains.clone().filter_map(|chain| {
        let head = u64::try_from(chain.head_seq?).ok()?;
        Some(head.saturating_sub(chain.proven_seq?))
    });
    let behind: u64 = behind.sum();
    if behind > 0 {
        limits.push(format!(
            "That none of the entries behind the last checkpoints was cut off again; {} stand there now.",
            counted(behind, "entry", "entries")
        ));
    }
    let shortened = chains.clone().filter(|chain| chain.after.is_some()).count() as u64;
    if shortened > 0 {
        limits.push(format!(
            "Anything about the older entries of {}: only what came since a recorded entry was read.",
            counted(shortened, "chain", "chains")
        ));
    }
    if verification.may_hide_rows {
        limits.push(
            "That these are all entries: row-level security may hide some from the role that looked."
                .to_owned(),
        );
    }
    for chain in chains.filter(|chain| chain.status == Status::Partial) {
        if let Some(note) = &chain.note {
            let tenant = chain.tenant_id.map_or_else(|| "without tenant".to_owned(), |id| id.to_string());
            limits.push(format!("That the chain of {tenant} is intact: {note}."));
        }
    }
    if verification.method == Method::InDatabase {
        limits.push("That the server computed honestly: it verified itself.".to_owned());
    }
    limits.push(
        "That what entries say is true, and that their times are: both are as whoever wrote them said. A chain shows that \
         nothing was changed since."
            .to_owned(),
    );
    limits.push("That everything was recorded: what nobody wrote down, no ledger can show.".to_owned());
    let guards = if are_guards_known {
        "That the server's catalog, which says what guards the ledger, is honest: whoever owns the server can make it lie."
    } else {
        "That anything guards the ledger: that was not compared."
    };
    limits.push(guards.to_owned());
    limits
}
