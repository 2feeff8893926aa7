//! How a new row is given its place in its tenant's chain.
//!
//! There is no list of heads and no cached head: the table itself says where a chain ends. For each row, `head` takes the
//! chain's lock (`lock`; `held` knows those that this transaction has) and reads the chain's last row through the index
//! that also makes a fork impossible to store. What is remembered is only where to look first. So whatever happens to
//! rows before (rolled back with a savepoint, dropped by ON CONFLICT or by another trigger), the next one follows what
//! is stored. `release` lets the locks go as soon as others see the commit.

mod head;
mod held;
mod lock;
mod release;
mod trigger;

pub(crate) use release::register;
