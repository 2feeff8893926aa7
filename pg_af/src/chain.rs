//! How a new row is given its place in its tenant's chain.
//!
//! There is no list of heads and no cached head: the table itself says where a chain ends. For
//! each row, `head` takes the chain's lock and reads the chain's last row through the index that
//! also makes a fork impossible to store. What it remembers is only where to look first. So whatever happens to rows before (rolled back with a
//! savepoint, dropped by ON CONFLICT or by another trigger), the next one follows what is stored.

mod head;
mod trigger;
