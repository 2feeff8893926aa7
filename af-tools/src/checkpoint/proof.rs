//! Proofs are checked: offline, with nothing but the file, and the keys that are trusted.

use af_core::checkpoint::{Origin, Subject};
use af_core::receipt::{Consistency, ConsistencyError, Receipt, ReceiptError};
use af_core::record::RecordText;
use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{OpenError, Policy, Signed, Witnessed};
use crate::sign::VerifyingKey;

/// Whose signatures count.
#[derive(Clone, Copy)]
pub struct Trust<'a> {
    /// Of those who keep logs.
    pub keys: &'a [VerifyingKey],
    /// Of those who watch them.
    pub policy: &'a Policy,
}

/// Why a file is not checked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// It is no proof.
    #[error(
        "it is neither a receipt, which begins with c2sp.org/tlog-proof@v1, nor a proof of consistency, which begins with \"old\""
    )]
    Other,
    /// It is one that this build does not know.
    #[error("{0}")]
    Version(ReceiptError),
    /// What it continues is to be given.
    #[error("it is a proof of consistency, and the checkpoint that it begins with is missing")]
    NoBeginning,
}

impl ProofError {
    /// What can be done about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Other => None,
            Self::Version(_) => Some("A newer af-tools may know it."),
            Self::NoBeginning => Some("--from FILE gives it: the older checkpoint, or a receipt under it."),
        }
    }
}

/// What speaks against a proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Flaw {
    /// Its kind.
    pub finding: &'static str,
    /// The same for people.
    pub detail: String,
    /// Whether it only leaves something unproven.
    pub is_unproven: bool,
}

impl Flaw {
    fn new(finding: &'static str, detail: impl ToString) -> Self {
        Self { finding, detail: detail.to_string(), is_unproven: false }
    }
}

/// A checkpoint, and who vouches for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VouchedFor {
    /// Which log.
    pub origin: String,
    /// The cluster's system identifier.
    pub system: u64,
    /// The database.
    pub database: String,
    /// The schema.
    pub schema: String,
    /// Whose chain it is of; null if it is of all.
    pub tenant_id: Option<Uuid>,
    /// Which incarnation of the ledger.
    pub incarnation: u32,
    /// How many entries it is of.
    pub size: u64,
    /// The root over them, in hexadecimal.
    pub root: String,
    /// The ids of the given keys that have signed it: SHA-256 of the public key.
    pub signed_by: Vec<String>,
    /// What the witnesses say.
    pub witnessed: Witnessed,
}

/// The entry of a receipt.
#[derive(Debug, Clone, Serialize)]
pub struct ProvenEntry {
    /// Its position.
    pub seq: u64,
    /// Its hash, in hexadecimal.
    pub hash: String,
    /// The hash of the entry before, in hexadecimal.
    pub prev_hash: Option<String>,
    /// Its record, as it was hashed; null if it cannot be read.
    pub record: Option<Box<RawValue>>,
}

/// What a proof is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// That an entry is among those of a checkpoint.
    Receipt,
    /// That a checkpoint continues an older one.
    Consistency,
    /// Nothing: a checkpoint that a proof begins with.
    Checkpoint,
}

/// What became of a proof.
#[derive(Debug, Clone, Serialize)]
pub struct Checked {
    /// What it is of.
    pub kind: Kind,
    /// Whether it holds, and as many witnesses have cosigned as are required.
    pub holds: bool,
    /// What speaks against it.
    pub flaws: Vec<Flaw>,
    /// The entry, where it is a receipt.
    pub entry: Option<ProvenEntry>,
    /// The checkpoint; null if there is none that could be read.
    pub checkpoint: Option<VouchedFor>,
    /// The older one, where it is a proof of consistency, or one of a receipt was given to begin with.
    pub from: Option<Box<Checked>>,
}

impl Checked {
    fn new(kind: Kind) -> Self {
        Self { kind, holds: false, flaws: Vec::new(), entry: None, checkpoint: None, from: None }
    }

    fn concluded(mut self) -> Self {
        self.holds = self.flaws.is_empty() && self.from.as_ref().is_none_or(|from| from.holds);
        self
    }

    /// What speaks against it and against what it begins with.
    pub fn all_flaws(&self) -> impl Iterator<Item = &Flaw> {
        self.flaws.iter().chain(self.from.iter().flat_map(|from| &from.flaws))
    }
}

/// Checks a receipt or a proof of consistency. `from` is what the latter begins with: the older checkpoint, or a receipt under
/// it.
pub fn check(text: &str, from: Option<&str>, trust: Trust<'_>) -> Result<Checked, ProofError> {
    match text.parse::<Receipt>() {
        Ok(receipt) => return Ok(check_receipt(&receipt, trust)),
        Err(ReceiptError::Damaged(why)) => return Ok(damaged(Kind::Receipt, why)),
        Err(error @ ReceiptError::Version(_)) => return Err(ProofError::Version(error)),
        Err(ReceiptError::Other) => {}
    }
    match text.parse::<Consistency>() {
        Ok(proof) => check_consistency(&proof, from.ok_or(ProofError::NoBeginning)?, trust),
        Err(ConsistencyError::Damaged(why)) => Ok(damaged(Kind::Consistency, why)),
        Err(ConsistencyError::Other) => Err(ProofError::Other),
    }
}

fn damaged(kind: Kind, why: &str) -> Checked {
    let flaws = vec![Flaw::new("damaged", why)];
    Checked { flaws, ..Checked::new(kind) }
}

fn check_receipt(receipt: &Receipt, trust: Trust<'_>) -> Checked {
    let mut checked = Checked::new(Kind::Receipt);
    let is_readable = RecordText::parse(&receipt.record).is_ok();
    let record = is_readable.then(|| RawValue::from_string(receipt.record.clone()).ok()).flatten();
    checked.entry = Some(ProvenEntry {
        seq: receipt.seq(),
        hash: receipt.entry_hash().to_string(),
        prev_hash: receipt.prev_hash.map(|hash| hash.to_string()),
        record,
    });
    if let Some(signed) = checked.open(&receipt.checkpoint, trust) {
        for fault in receipt.faults(&signed.checkpoint, &signed.origin) {
            let is_unproven = !fault.is_finding();
            checked.flaws.push(Flaw { is_unproven, ..Flaw::new(fault.as_str(), &fault) });
        }
    }
    checked.concluded()
}

fn check_consistency(proof: &Consistency, from: &str, trust: Trust<'_>) -> Result<Checked, ProofError> {
    let (beginning, old) = check_beginning(from, trust)?;
    let mut checked = Checked::new(Kind::Consistency);
    let new = checked.open(&proof.checkpoint, trust);
    if let (Some(old), Some(new)) = (old, new)
        && let Some(fault) = proof.fault(&old.checkpoint, &new.checkpoint)
    {
        checked.flaws.push(Flaw::new(fault.as_str(), fault));
    }
    checked.from = Some(Box::new(beginning));
    Ok(checked.concluded())
}

/// Checks what a proof of consistency begins with.
fn check_beginning(from: &str, trust: Trust<'_>) -> Result<(Checked, Option<Signed>), ProofError> {
    // Witnesses are to have seen the newer one: when the older one was published, there may have been none.
    let policy = Policy::default();
    let trust = Trust { policy: &policy, ..trust };
    match from.parse::<Receipt>() {
        Ok(receipt) => Ok((check_receipt(&receipt, trust), Signed::parse(&receipt.checkpoint).ok())),
        Err(ReceiptError::Damaged(why)) => Ok((damaged(Kind::Receipt, why), None)),
        Err(error @ ReceiptError::Version(_)) => Err(ProofError::Version(error)),
        Err(ReceiptError::Other) => {
            let mut checked = Checked::new(Kind::Checkpoint);
            let signed = checked.open(from, trust);
            Ok((checked.concluded(), signed))
        }
    }
}

impl Checked {
    /// Reads the checkpoint, and asks who vouches for it.
    fn open(&mut self, text: &str, Trust { keys, policy }: Trust<'_>) -> Option<Signed> {
        let signed = match Signed::parse(text) {
            Ok(signed) => signed,
            Err(error) => {
                self.flaws.push(flaw_of(&error));
                return None;
            }
        };
        let signers = signed.signers(keys).unwrap_or_else(|error| {
            self.flaws.push(flaw_of(&error));
            Vec::new()
        });
        let witnessed = policy.check(&signed.note);
        if let Some(fault) = witnessed.fault() {
            let is_unproven = witnessed.forged.is_empty();
            let finding = if is_unproven { "not_witnessed" } else { "forged_cosignature" };
            self.flaws.push(Flaw { is_unproven, ..Flaw::new(finding, fault) });
        }
        let Origin { system, database, schema, subject, incarnation } = signed.origin.clone();
        self.checkpoint = Some(VouchedFor {
            origin: signed.checkpoint.origin.clone(),
            system,
            database,
            schema,
            tenant_id: match subject {
                Subject::Tenant(tenant_id) => Some(tenant_id),
                Subject::Ledger => None,
            },
            incarnation,
            size: signed.checkpoint.size,
            root: signed.checkpoint.root.to_string(),
            signed_by: signers.iter().map(|key| key.id()).collect(),
            witnessed,
        });
        Some(signed)
    }
}

fn flaw_of(error: &OpenError) -> Flaw {
    let finding = match error {
        OpenError::Note(_) | OpenError::Checkpoint(_) => "damaged",
        OpenError::Origin { .. } => "foreign",
        OpenError::OtherKey(_) => "other_key",
        OpenError::Forged => "forged",
    };
    Flaw::new(finding, error)
}
