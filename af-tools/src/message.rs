//! Messages seen from outside: each is hashed again, to be verified ([`verify`]) or passed on ([`replay`]).

pub mod replay;
pub mod verify;

mod columns;
mod scan;

pub use scan::{Error, Finding, Selection};
