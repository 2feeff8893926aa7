//! Proofs, and what is to be said of them: the form of `receipts.json`, as tests of several crates include it.

use af_tools::checkpoint::{Checked, Policy, Trust, check};
use af_tools::sign::VerifyingKey;
use serde::{Deserialize, Serialize};

/// Proofs under the same keys.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cases {
    /// Of whoever signs checkpoints, in PEM.
    pub(crate) public_key: String,
    /// The keys of witnesses.
    pub(crate) witnesses: Vec<String>,
    pub(crate) cases: Vec<Case>,
}

/// A proof, and what is to be said of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) proof: String,
    /// What a proof of consistency begins with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) from: Option<String>,
    /// How many witnesses are required, where they are asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) required: Option<usize>,
    /// `holds`, `flawed`, `unproven` or `no proof`.
    pub(crate) verdict: String,
    /// What is found, in af-tools' words; others may name it otherwise.
    pub(crate) findings: Vec<String>,
}

impl Case {
    /// A proof of which nothing is said yet.
    pub(crate) fn new(name: impl Into<String>, proof: impl Into<String>) -> Self {
        let (verdict, findings) = (String::new(), Vec::new());
        Self { name: name.into(), proof: proof.into(), from: None, required: None, verdict, findings }
    }

    /// The same with what af-tools says of it.
    pub(crate) fn judged(self, keys: &[VerifyingKey], witnesses: &Policy) -> Self {
        let none = Policy::default();
        let policy = if self.required.is_some() { witnesses } else { &none };
        let (verdict, findings) = match check(&self.proof, self.from.as_deref(), Trust { keys, policy }) {
            Ok(checked) => {
                (verdict(&checked), checked.all_flaws().map(|flaw| flaw.finding.to_owned()).collect())
            }
            Err(_) => ("no proof", Vec::new()),
        };
        Self { verdict: verdict.to_owned(), findings, ..self }
    }
}

fn verdict(checked: &Checked) -> &'static str {
    let mut flaws = checked.all_flaws().peekable();
    match (flaws.peek().is_none(), flaws.all(|flaw| flaw.is_unproven)) {
        (true, _) => "holds",
        (false, true) => "unproven",
        (false, false) => "flawed",
    }
}
