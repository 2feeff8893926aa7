// This file was generated with `cornucopia`. Do not modify.

pub(crate) mod sync;
pub use sync::*;
