//! The processor's own SHA-256 instructions (Intel SDM, SHA extensions), on two messages in step.
//!
//! A round needs what the round before it made, and takes longer than until the next could be begun: on one message, the
//! unit that does rounds waits half of the time. A second message, which needs nothing of the first, fills that half.

use std::arch::x86_64::{
    __m128i, _mm_add_epi32, _mm_alignr_epi8, _mm_blend_epi16, _mm_extract_epi32, _mm_set_epi32,
    _mm_set_epi64x, _mm_sha256msg1_epu32, _mm_sha256msg2_epu32, _mm_sha256rnds2_epu32, _mm_shuffle_epi8,
    _mm_shuffle_epi32,
};

use crate::{Block, State};

/// The constants of FIPS 180-4 section 4.2.2, four rounds a row.
const ROUNDS: [[u32; 4]; 16] = [
    [0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5],
    [0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5],
    [0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3],
    [0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174],
    [0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc],
    [0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da],
    [0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7],
    [0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967],
    [0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13],
    [0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85],
    [0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3],
    [0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070],
    [0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5],
    [0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3],
    [0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208],
    [0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2],
];

/// Whether this processor can run [`compress_two`].
pub(crate) fn is_available() -> bool {
    is_x86_feature_detected!("sha") && is_x86_feature_detected!("ssse3") && is_x86_feature_detected!("sse4.1")
}

/// One message on its way: its state in the order that the instructions want, and the last words of its schedule.
#[derive(Clone, Copy)]
struct Lane {
    abef: __m128i,
    cdgh: __m128i,
    schedule: [__m128i; 4],
}

/// Takes as many blocks of two messages into their states as both have.
#[target_feature(enable = "sha,ssse3,sse4.1")]
pub(crate) fn compress_two(states: [&mut State; 2], blocks: [&[Block]; 2]) {
    let [one, other] = states;
    let (mut a, mut b) = (load(one), load(other));
    for (block_a, block_b) in blocks[0].iter().zip(blocks[1]) {
        let begun = [a, b];
        a.schedule = words(block_a);
        b.schedule = words(block_b);
        for (row, constants) in ROUNDS[..4].iter().enumerate() {
            a = four_rounds(a, a.schedule[row], *constants);
            b = four_rounds(b, b.schedule[row], *constants);
        }
        for rows in ROUNDS[4..].as_chunks::<4>().0 {
            for (row, constants) in rows.iter().enumerate() {
                a.schedule[row] = next_words(a.schedule, row);
                b.schedule[row] = next_words(b.schedule, row);
                a = four_rounds(a, a.schedule[row], *constants);
                b = four_rounds(b, b.schedule[row], *constants);
            }
        }
        a = sum(a, begun[0]);
        b = sum(b, begun[1]);
    }
    store(a, one);
    store(b, other);
}

#[target_feature(enable = "sha,ssse3,sse4.1")]
#[inline]
fn four_rounds(lane: Lane, words: __m128i, row: [u32; 4]) -> Lane {
    let Lane { abef, cdgh, schedule } = lane;
    let sum = _mm_add_epi32(words, vector(row));
    let next = _mm_sha256rnds2_epu32(cdgh, abef, sum);
    // The state's halves change places with every two rounds.
    let abef_next = _mm_sha256rnds2_epu32(abef, next, _mm_shuffle_epi32(sum, 0x0e));
    Lane { abef: abef_next, cdgh: next, schedule }
}

/// The four words of the schedule that follow the last sixteen, of which the oldest are those at `oldest`.
#[target_feature(enable = "sha,ssse3,sse4.1")]
#[inline]
fn next_words(schedule: [__m128i; 4], oldest: usize) -> __m128i {
    let at = |distance| schedule[(oldest + distance) % 4];
    let sum = _mm_add_epi32(_mm_sha256msg1_epu32(at(0), at(1)), _mm_alignr_epi8(at(3), at(2), 4));
    _mm_sha256msg2_epu32(sum, at(3))
}

#[target_feature(enable = "sha,ssse3,sse4.1")]
#[inline]
fn sum(lane: Lane, begun: Lane) -> Lane {
    Lane { abef: _mm_add_epi32(lane.abef, begun.abef), cdgh: _mm_add_epi32(lane.cdgh, begun.cdgh), ..lane }
}

/// The words of a block, which are big-endian there.
#[target_feature(enable = "sha,ssse3,sse4.1")]
#[inline]
fn words(block: &Block) -> [__m128i; 4] {
    let order = _mm_set_epi64x(0x0c0d_0e0f_0809_0a0b, 0x0405_0607_0001_0203);
    let (quarters, _) = block.as_chunks::<16>();
    let quarter = |at: usize| {
        let value = u128::from_le_bytes(quarters[at]);
        let halves = _mm_set_epi64x((value >> 64) as i64, value as i64);
        _mm_shuffle_epi8(halves, order)
    };
    [quarter(0), quarter(1), quarter(2), quarter(3)]
}

#[target_feature(enable = "sha,ssse3,sse4.1")]
#[inline]
fn load(state: &State) -> Lane {
    let [a, b, c, d, e, f, g, h] = *state;
    let none = _mm_set_epi64x(0, 0);
    Lane { abef: vector([f, e, b, a]), cdgh: vector([h, g, d, c]), schedule: [none; 4] }
}

#[target_feature(enable = "sha,ssse3,sse4.1")]
#[inline]
fn store(lane: Lane, state: &mut State) {
    let feba = _mm_shuffle_epi32(lane.abef, 0x1b);
    let dchg = _mm_shuffle_epi32(lane.cdgh, 0xb1);
    let dcba = _mm_blend_epi16(feba, dchg, 0xf0);
    let hgfe = _mm_alignr_epi8(dchg, feba, 8);
    *state = [
        _mm_extract_epi32(dcba, 0),
        _mm_extract_epi32(dcba, 1),
        _mm_extract_epi32(dcba, 2),
        _mm_extract_epi32(dcba, 3),
        _mm_extract_epi32(hgfe, 0),
        _mm_extract_epi32(hgfe, 1),
        _mm_extract_epi32(hgfe, 2),
        _mm_extract_epi32(hgfe, 3),
    ]
    .map(i32::cast_unsigned);
}

/// Four words, the first lowest.
#[target_feature(enable = "sha,ssse3,sse4.1")]
#[inline]
fn vector(words: [u32; 4]) -> __m128i {
    let [first, second, third, fourth] = words.map(u32::cast_signed);
    _mm_set_epi32(fourth, third, second, first)
}
