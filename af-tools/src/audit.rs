//! The ledger seen from outside: entries go in by [`import`], and [`verify`] checks what is there, or what has come since
//! an [`anchor`].

pub mod anchor;
pub mod import;
pub mod verify;

mod columns;

#[cfg(test)]
pub(crate) use columns::AUDIT_COLUMNS;
