//! `af-tools audit prove`, and what is done with proofs and checkpoints outside of the database.

use std::path::PathBuf;

use clap::{ArgGroup, Args};
use uuid::Uuid;

use super::audit::PassphraseArgs;

/// `af-tools audit prove`.
#[derive(Debug, Args)]
pub struct ProveArgs {
    /// Whose chain the entry is in
    #[arg(long, value_name = "UUID")]
    pub tenant: Uuid,
    /// Its position in the chain
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub seq: u64,
    /// The checkpoint of that chain, or the directory with its TENANT.checkpoint
    #[arg(long, value_name = "PATH")]
    pub checkpoint: PathBuf,
    /// Make sure that this Ed25519 public key (PEM) has signed the checkpoint; may be given several times
    #[arg(long = "public-key", value_name = "FILE")]
    pub public_keys: Vec<PathBuf>,
    /// Write the receipt into this file
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// `af-tools audit prove-consistency`.
#[derive(Debug, Args)]
pub struct ProveConsistencyArgs {
    /// The older checkpoint, or a receipt under it
    #[arg(long, value_name = "FILE")]
    pub from: PathBuf,
    /// The newer checkpoint of the same chain, or of all chains, with its leaves beside it
    #[arg(long, value_name = "FILE")]
    pub to: PathBuf,
    /// Make sure that this Ed25519 public key (PEM) has signed both; may be given several times
    #[arg(long = "public-key", value_name = "FILE")]
    pub public_keys: Vec<PathBuf>,
    /// Write the proof into this file
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Whose cosignatures are demanded.
#[derive(Debug, Args)]
pub struct WitnessArgs {
    /// A file with keys of witnesses, NAME+ID+KEY a line, as `audit vkey` writes them; may be given several times
    #[arg(long = "witness", value_name = "FILE")]
    pub witnesses: Vec<PathBuf>,
    /// Demand the cosignatures of so many of them; of all, if it is not given
    #[arg(long = "witnesses-required", value_name = "K", requires = "witnesses",
          value_parser = clap::value_parser!(u16).range(1..))]
    pub required: Option<u16>,
}

/// `af-tools audit check-proof`.
#[derive(Debug, Args)]
pub struct CheckProofArgs {
    /// A receipt or a proof of consistency, or - for standard input
    #[arg(value_name = "PROOF")]
    pub proof: PathBuf,
    /// The Ed25519 public key (PEM) of whoever signs checkpoints; may be given several times
    #[arg(long = "public-key", value_name = "FILE", required = true)]
    pub public_keys: Vec<PathBuf>,
    /// What a proof of consistency begins with: the older checkpoint, or a receipt under it
    #[arg(long, value_name = "FILE")]
    pub from: Option<PathBuf>,
    /// Whose cosignatures are demanded.
    #[command(flatten)]
    pub witnesses: WitnessArgs,
}

/// `af-tools audit cosign`.
#[derive(Debug, Args)]
pub struct CosignArgs {
    /// The checkpoint
    #[arg(value_name = "CHECKPOINT")]
    pub checkpoint: PathBuf,
    /// The witness's own Ed25519 key (PKCS#8 in PEM), as `audit keygen` makes it
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// How it is protected.
    #[command(flatten)]
    pub passphrase: PassphraseArgs,
    /// The witness's name, such as witness.example/w1
    #[arg(long, value_name = "NAME")]
    pub name: String,
    /// The Ed25519 public key (PEM) of whoever signs these checkpoints; may be given several times
    #[arg(long = "public-key", value_name = "FILE", required = true)]
    pub public_keys: Vec<PathBuf>,
    /// The directory where the witness remembers what it cosigned last for each log
    #[arg(long, value_name = "DIR")]
    pub state: PathBuf,
    /// The proof that the checkpoint continues the one that was cosigned last
    #[arg(long, value_name = "FILE")]
    pub proof: Option<PathBuf>,
    /// Write the cosigned checkpoint into this file, which may be the one that was read
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// `af-tools audit vkey`.
#[derive(Debug, Args)]
pub struct VkeyArgs {
    /// The public key of the witness (PEM), as `audit keygen` writes it beside the secret one
    #[arg(value_name = "FILE")]
    pub public_key: PathBuf,
    /// The witness's name
    #[arg(long, value_name = "NAME")]
    pub name: String,
}

/// `af-tools audit timestamp`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("token").args(["tsa_url", "reply", "verify"]))]
pub struct TimestampArgs {
    /// The checkpoint, with all its signatures: whatever is added later is not stamped
    #[arg(value_name = "CHECKPOINT")]
    pub checkpoint: PathBuf,
    /// Ask this authority over the network
    #[arg(long, value_name = "URL")]
    pub tsa_url: Option<String>,
    /// Attach this reply, which was fetched in another way
    #[arg(long, value_name = "FILE")]
    pub reply: Option<PathBuf>,
    /// Verify the token that is attached
    #[arg(long)]
    pub verify: bool,
    /// Have OpenSSL verify that the token is by an authority that one of these certificates (PEM) vouches for
    #[arg(long, value_name = "FILE", requires = "token")]
    pub tsa_ca: Option<PathBuf>,
}
