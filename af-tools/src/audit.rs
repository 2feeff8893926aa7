//! The ledger seen from outside: entries go in by [`import`], [`verify`] checks what is there, or what has come since an
//! [`anchor`], and [`checkpoint`] signs what was verified.

pub mod anchor;
pub mod checkpoint;
pub mod import;
pub mod verify;

mod columns;

#[cfg(test)]
pub(crate) use columns::AUDIT_COLUMNS;
