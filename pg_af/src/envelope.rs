//! Messages: the trigger that lets in only what its producer vouches for, and the envelope as SQL functions.

mod functions;
mod trigger;
