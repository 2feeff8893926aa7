//! The lines that proofs are written in.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::digest::Digest;

/// More levels no tree has; C2SP tlog-witness allows as many lines.
const MAX_HASHES: usize = 63;

/// The number behind `name`, in the one way in which it can be written.
pub(super) fn number(line: &str, name: &str) -> Option<u64> {
    let digits = line.strip_prefix(name)?;
    digits.parse().ok().filter(|number: &u64| number.to_string() == digits)
}

/// The hash in Base64 on each line.
pub(super) fn hashes<'a>(lines: impl Iterator<Item = &'a str>) -> Option<Vec<Digest>> {
    let hashes: Option<Vec<Digest>> =
        lines.take(MAX_HASHES + 1).map(|line| Digest::from_slice(&BASE64.decode(line).ok()?)).collect();
    hashes.filter(|hashes| hashes.len() <= MAX_HASHES)
}

pub(super) fn write_hashes(hashes: &[Digest], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    hashes.iter().try_for_each(|hash| writeln!(f, "{}", BASE64.encode(hash.as_bytes())))
}

/// A hash in lower-case hexadecimal, or none on an empty line.
pub(super) fn prev_hash(line: &str) -> Option<Option<Digest>> {
    if line.is_empty() {
        return Some(None);
    }
    let hash: Digest = line.parse().ok()?;
    (hash.to_string() == line).then_some(Some(hash))
}
