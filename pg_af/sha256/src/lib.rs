//! SHA-256 (FIPS 180-4) block by block, on one message or on two that have nothing to do with each other.
//!
//! One message is the `sha2` crate's. Two in step take little longer than one where the processor has instructions for
//! SHA-256, since those of one message have to wait for each other; elsewhere two are hashed one after the other. This
//! crate is apart from `af-core` because of its one line of unsafe code: the call of a function that only some processors
//! can run.

#[cfg(target_arch = "x86_64")]
mod x86;

use sha2::block_api::compress256;

/// What is hashed at a time.
pub type Block = [u8; 64];

/// What a message has been hashed to so far.
pub type State = [u32; 8];

/// The state before the first block (section 5.3.3).
pub const INITIAL: State =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// Takes blocks of a message into its state.
pub fn compress(state: &mut State, blocks: &[Block]) {
    compress256(state, blocks);
}

/// Takes blocks of two messages into their states.
pub fn compress_two(states: [&mut State; 2], blocks: [&[Block]; 2]) {
    let [one, other] = states;
    let in_step = compress_in_step([one, other], blocks);
    compress(one, &blocks[0][in_step..]);
    compress(other, &blocks[1][in_step..]);
}

/// Takes as many blocks as both have, if this processor can do so faster than one message after the other; returns how many
/// it took of each.
#[cfg(target_arch = "x86_64")]
fn compress_in_step(states: [&mut State; 2], blocks: [&[Block]; 2]) -> usize {
    if !x86::is_available() {
        return 0;
    }
    // SAFETY: the processor has the instructions that the function is compiled to, as has just been asked. It does
    // nothing else that is unsafe.
    unsafe { x86::compress_two(states, blocks) };
    blocks[0].len().min(blocks[1].len())
}

/// Other processors' instructions are left to `sha2`.
#[cfg(not(target_arch = "x86_64"))]
fn compress_in_step(_states: [&mut State; 2], _blocks: [&[Block]; 2]) -> usize {
    0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// FIPS 180-4's example of one block, "abc" with its padding, and of two.
    #[test]
    fn official_examples() {
        let mut abc = [0; 64];
        abc[..4].copy_from_slice(b"abc\x80");
        abc[63] = 24;
        let mut long = [[0; 64]; 2];
        long[0][..56].copy_from_slice(b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq");
        long[0][56] = 0x80;
        long[1][62..].copy_from_slice(&448_u16.to_be_bytes());
        let [mut one, mut other] = [INITIAL; 2];
        compress_two([&mut one, &mut other], [&[abc], &long]);
        let wanted = [
            [
                0xba78_16bf,
                0x8f01_cfea,
                0x4141_40de,
                0x5dae_2223,
                0xb003_61a3,
                0x9617_7a9c,
                0xb410_ff61,
                0xf200_15ad,
            ],
            [
                0x248d_6a61,
                0xd206_38b8,
                0xe5c0_2693,
                0x0c3e_6039,
                0xa33c_e459,
                0x64ff_2167,
                0xf6ec_edd4,
                0x19db_06c1,
            ],
        ];
        assert_eq!([one, other], wanted);
    }

    fn blocks() -> impl Strategy<Value = Vec<Block>> {
        prop::collection::vec(prop::array::uniform32(any::<[u8; 2]>()), 0..6)
            .prop_map(|blocks| blocks.iter().map(|block| block.as_flattened().try_into().unwrap()).collect())
    }

    proptest! {
        /// Two in step come to what each does by itself, from whatever state and of however many blocks.
        #[test]
        fn two_are_each_as_one(states: [State; 2], one in blocks(), other in blocks()) {
            let mut wanted = states;
            compress(&mut wanted[0], &one);
            compress(&mut wanted[1], &other);
            let [mut first, mut second] = states;
            compress_two([&mut first, &mut second], [&one, &other]);
            prop_assert_eq!([first, second], wanted);
        }
    }
}
