//! The ledger seen from outside: entries go in by [`import`], [`verify`] checks what is there, or what has come since an
//! [`anchor`], [`checkpoint`] signs what was verified, [`prove`] makes proofs under what was signed, [`report`] shows it to
//! auditors, [`record`] and [`metrics`] leave it where others look.

pub mod anchor;
pub mod checkpoint;
pub mod import;
pub mod metrics;
pub mod prove;
pub mod record;
pub mod report;
pub mod verify;

mod columns;

#[cfg(test)]
pub(crate) use columns::AUDIT_COLUMNS;
