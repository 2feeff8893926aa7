//! Checkpoints are made: chains are verified, and what was verified is signed.

use std::collections::BTreeMap;

use af_core::chain::Anchor;
use af_core::checkpoint::{Checkpoint, Origin, Subject};
use af_core::digest::Digest;
use af_core::merkle::{Tree, Wanted};
use postgres::Client;
use serde::Serialize;
use uuid::Uuid;

use super::verify::{self, Chain, Options, Status, Trees, Verification};
use crate::checkpoint::{Held, Identity, Leaf, Log, Signed, State, StateError, Store, StoreError};
use crate::connection::Connection;
use crate::sign::{SigningKey, VerifyingKey};
use crate::watch::Watch;

/// What is to be signed, and how.
pub struct Request<'a> {
    /// These chains; all of them if there is none.
    pub tenants: Vec<Uuid>,
    /// With this key.
    pub key: &'a SigningKey,
    /// Which incarnation of the ledger it is.
    pub incarnation: u32,
    /// Read every entry again, instead of those since the last checkpoint.
    pub is_full: bool,
    /// How many findings are kept.
    pub max_findings: usize,
}

/// Why nothing was signed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The chains could not be verified.
    #[error(transparent)]
    Verify(#[from] verify::Error),
    /// The checkpoints could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What is kept in that place is of another ledger, or another incarnation.
    #[error("the checkpoints there are of {kept}, this is {own}")]
    OtherLedger {
        /// Of what they are.
        kept: String,
        /// What was to be signed.
        own: String,
    },
    /// What is to be signed has no place in the log of all chains.
    #[error("the server did not say which ledger it is")]
    NoIdentity,
}

impl Error {
    /// What can be done about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Verify(error) => error.hint(),
            Self::Store(error) => error.hint(),
            Self::OtherLedger { .. } => Some(
                "If this is the same ledger after a restore or under another name, begin anew in another place, with --incarnation."
                    .to_owned(),
            ),
            Self::NoIdentity => None,
        }
    }
}

/// What became of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Made {
    /// Its checkpoint was signed.
    Signed,
    /// Its last checkpoint is of all that there is.
    Unchanged,
    /// It was not signed, for it is not intact, or could not be checked.
    Refused,
    /// It has no entries.
    Empty,
}

/// A chain, and the checkpoint over it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChainCheckpoint {
    /// Whose chain it is.
    pub tenant_id: Uuid,
    /// The tenant's name, if it can be seen.
    pub tenant: Option<String>,
    /// What became of it.
    pub made: Made,
    /// How many entries the checkpoint is of.
    pub size: Option<u64>,
    /// How many the last one was of.
    pub previous_size: Option<u64>,
    /// The root over them, in hexadecimal.
    pub root: Option<String>,
    /// The hash of the last of them, in hexadecimal.
    pub head_hash: Option<String>,
    /// Of what it is.
    pub origin: Option<String>,
    /// The key for it as other programs want it.
    pub verifier_key: Option<String>,
    /// The checkpoint itself.
    pub note: Option<String>,
    /// Where it is.
    pub path: String,
}

/// The checkpoint over all chains.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LedgerCheckpoint {
    /// How many checkpoints of chains it vouches for.
    pub size: u64,
    /// The root over them, in hexadecimal.
    pub root: String,
    /// Of what it is.
    pub origin: String,
    /// The key for it as other programs want it.
    pub verifier_key: String,
    /// The checkpoint itself.
    pub note: String,
    /// Where it is.
    pub path: String,
    /// Whether it is a new one.
    pub is_new: bool,
}

/// What was signed, and what was verified before.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Checkpoints {
    /// Each chain.
    pub chains: Vec<ChainCheckpoint>,
    /// All of them; not where only one chain is kept in a file.
    pub ledger: Option<LedgerCheckpoint>,
    /// States that could not be gone on from, so that those chains were read from their beginning.
    pub restarted: Vec<String>,
    /// The verification.
    pub verification: Verification,
}

/// What was signed before, and where verification goes on.
struct Previous {
    signed: BTreeMap<Uuid, Signed>,
    ledger: Option<Signed>,
    log: Log,
    options: Options,
    restarted: Vec<String>,
}

/// Verifies chains, from their last checkpoints on, and signs those that are intact; `store` is where checkpoints are.
///
/// A chain that is not, or that its last checkpoint does not hold for, is not signed; the others are.
pub fn make(
    client: &mut Client,
    jobs: Vec<Connection>,
    store: &Store,
    request: &Request<'_>,
    watch: &mut dyn Watch,
) -> Result<Checkpoints, Error> {
    let keys = [request.key.verifying_key()];
    let mut previous = Previous::read(store, request, &keys)?;
    let verification = verify::verify(client, jobs, &previous.options, watch)?;
    let identity = verification.identity.as_ref().ok_or(Error::NoIdentity)?;
    previous.must_be_of(identity, request.incarnation)?;

    let mut chains = Vec::new();
    for chain in &verification.chains {
        let Some(tenant_id) = chain.tenant_id else { continue };
        let signed = previous.signed.get(&tenant_id);
        let tree = verification.trees.get(&tenant_id);
        let (made, signed) = match sealable(chain, tree, identity) {
            None if chain.status == Status::Empty => (Made::Empty, signed.cloned()),
            None => (Made::Refused, signed.cloned()),
            Some((state, root)) => {
                let origin = identity.origin(Subject::Tenant(tenant_id), request.incarnation);
                let (made, signed) = sign_chain(&state, root, origin, signed, request.key);
                store.put(tenant_id, &signed, &state)?;
                (made, Some(signed))
            }
        };
        chains.push(ChainCheckpoint {
            tenant_id,
            tenant: chain.tenant.clone(),
            made,
            size: signed.as_ref().map(|signed| signed.checkpoint.size),
            previous_size: previous.signed.get(&tenant_id).map(|signed| signed.checkpoint.size),
            root: signed.as_ref().map(|signed| signed.checkpoint.root.to_string()),
            head_hash: chain.head_hash.clone().filter(|_| matches!(made, Made::Signed | Made::Unchanged)),
            origin: signed.as_ref().map(|signed| signed.checkpoint.origin.clone()),
            verifier_key: signed.as_ref().map(|signed| signed.verifier_key(&keys[0]).to_string()),
            note: signed.as_ref().map(|signed| signed.note.to_string()),
            path: store.path_of(tenant_id).display().to_string(),
        });
        if let Some(signed) = signed {
            previous.signed.insert(tenant_id, signed);
        }
    }
    let ledger = sign_ledger(store, request, identity, &mut previous)?;
    Ok(Checkpoints { chains, ledger, restarted: previous.restarted, verification })
}

/// What can be signed of a chain: all of it, or nothing.
fn sealable(chain: &Chain, tree: Option<&Tree>, identity: &Identity) -> Option<(State, Digest)> {
    let is_intact = chain.status == Status::Ok && chain.findings == 0;
    let tree = tree.filter(|_| is_intact)?;
    State::of(tree, identity.standpoint).zip(tree.root())
}

/// Signs a chain, unless that was done before.
fn sign_chain(
    state: &State,
    root: Digest,
    origin: Origin,
    last: Option<&Signed>,
    key: &SigningKey,
) -> (Made, Signed) {
    let size = state.size();
    match last.filter(|last| (last.checkpoint.size, last.checkpoint.root) == (size, root)) {
        Some(last) => (Made::Unchanged, last.clone()),
        None => {
            let checkpoint = Checkpoint { origin: origin.to_string(), size, root, extensions: Vec::new() };
            (Made::Signed, Signed::sign(checkpoint, origin, key))
        }
    }
}

/// Adds what was signed to the log of all chains, and signs that. What a crash kept from getting there does so now.
fn sign_ledger(
    store: &Store,
    request: &Request<'_>,
    identity: &Identity,
    previous: &mut Previous,
) -> Result<Option<LedgerCheckpoint>, Error> {
    let Some(path) = store.ledger_path() else { return Ok(None) };
    let log = &mut previous.log;
    let before = log.size();
    for signed in previous.signed.values() {
        let Some(leaf) = Leaf::of(&signed.origin, &signed.checkpoint) else { continue };
        if log.last_of(leaf.tenant_id) != Some(&leaf) {
            log.append(leaf);
        }
    }
    if log.size() == 0 {
        return Ok(None);
    }
    let is_new = log.size() > before;
    let signed = match previous.ledger.take().filter(|_| !is_new) {
        Some(last) => last,
        None => {
            let origin = identity.origin(Subject::Ledger, request.incarnation);
            let (size, root) = (log.size(), log.root());
            let checkpoint = Checkpoint { origin: origin.to_string(), size, root, extensions: Vec::new() };
            let signed = Signed::sign(checkpoint, origin, request.key);
            store.put_ledger(&signed, log)?;
            signed
        }
    };
    Ok(Some(LedgerCheckpoint {
        size: signed.checkpoint.size,
        root: signed.checkpoint.root.to_string(),
        origin: signed.checkpoint.origin.clone(),
        verifier_key: signed.verifier_key(&request.key.verifying_key()).to_string(),
        note: signed.note.to_string(),
        path: path.display().to_string(),
        is_new,
    }))
}

impl Previous {
    fn read(store: &Store, request: &Request<'_>, keys: &[VerifyingKey]) -> Result<Self, Error> {
        let only = match request.tenants[..] {
            [tenant_id] => Some(tenant_id),
            _ => None,
        };
        let is_one = store.ledger_path().is_none();
        let signed: BTreeMap<Uuid, Signed> =
            store.chains(only.filter(|_| is_one), keys)?.into_iter().collect();
        let (ledger, log) = match store.ledger(keys)? {
            Some((ledger, log)) => (Some(ledger), log),
            None => (None, Log::default()),
        };
        let wanted = Wanted { all: true, ..Wanted::default() };
        let trees = Trees { wanted, kept: BTreeMap::new() };
        let tenants = request.tenants.clone();
        let options = Options { tenants, trees, max_findings: request.max_findings, ..Options::new() };
        let mut previous = Self { signed, ledger, log, options, restarted: Vec::new() };
        previous.add_starts(store, request);
        Ok(previous)
    }

    /// Where each chain is read from, and what it is compared with.
    fn add_starts(&mut self, store: &Store, request: &Request<'_>) {
        for (tenant_id, signed) in &self.signed {
            if !request.tenants.is_empty() && !request.tenants.contains(tenant_id) {
                continue;
            }
            let size = signed.checkpoint.size;
            self.options.trees.wanted.sizes.insert(*tenant_id, vec![size]);
            let state = store.state(*tenant_id, signed);
            let standpoint = state.as_ref().ok().map(|state| state.standpoint);
            self.options.checkpoints.push(Held {
                origin: signed.origin.clone(),
                size,
                root: signed.checkpoint.root,
                source: store.path_of(*tenant_id).display().to_string(),
                standpoint,
            });
            if request.is_full {
                continue;
            }
            match (state, i64::try_from(size)) {
                (Ok(state), Ok(seq)) => {
                    self.options.since.push(Anchor { tenant_id: *tenant_id, seq, hash: state.head });
                    self.options.trees.kept.insert(*tenant_id, state.before);
                }
                (Err(error), _) => self.restarted.push(why(&error)),
                (Ok(_), Err(_)) => {}
            }
        }
    }

    /// Fails unless what was signed before is of the same ledger and incarnation.
    fn must_be_of(&self, identity: &Identity, incarnation: u32) -> Result<(), Error> {
        let own = identity.origin(Subject::Ledger, incarnation);
        let origins = self.signed.values().chain(&self.ledger).map(|signed| &signed.origin);
        for kept in origins {
            if kept.about(Subject::Ledger) != own {
                return Err(Error::OtherLedger { kept: kept.to_string(), own: own.to_string() });
            }
        }
        Ok(())
    }
}

fn why(error: &StateError) -> String {
    let source = std::error::Error::source(error).map(|source| format!(": {source}")).unwrap_or_default();
    format!("{error}{source}")
}
