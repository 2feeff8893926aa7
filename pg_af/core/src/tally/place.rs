//! What a place in a chain counts.

use siphasher::sip128::SipHasher24;

use crate::digest::Digest;

/// The secret of one verification: 16 bytes that nobody could know when the entries were written.
#[derive(Clone, Copy)]
pub struct Key(SipHasher24);

impl Key {
    /// A key of random bytes.
    pub fn new(bytes: &[u8; 16]) -> Self {
        Self(SipHasher24::new_with_key(bytes))
    }

    /// What a place in a chain counts: the position, and the hash that the entry before it has.
    pub(super) fn place(&self, seq: u64, hash: Option<&Digest>) -> u128 {
        // Position 1 alone has nothing before it, so that no hash can be mistaken for that.
        let mut text = [0; 40];
        text[..8].copy_from_slice(&seq.to_le_bytes());
        if let Some(hash) = hash {
            text[8..].copy_from_slice(hash.as_bytes());
        }
        self.0.hash(&text).as_u128()
    }
}
