//! Strings: how they are escaped, and how RFC 8785 orders them as keys.

use std::cmp::Ordering;

use uuid::Uuid;

use super::Sink;

const HEX: [u8; 16] = *b"0123456789abcdef";

/// What follows the backslash for each byte; 0 where the byte stands for itself, `u` where it takes
/// the six-character form.
const ESCAPES: [u8; 256] = {
    let mut table = [0; 256];
    let mut control = 0;
    while control < 0x20 {
        table[control] = b'u';
        control += 1;
    }
    table[0x08] = b'b';
    table[0x09] = b't';
    table[0x0a] = b'n';
    table[0x0c] = b'f';
    table[0x0d] = b'r';
    table[b'"' as usize] = b'"';
    table[b'\\' as usize] = b'\\';
    table
};

/// Writes UTF-8 `text` as a JSON string, escaped as RFC 8785 section 3.2.2.2 says: the shortest form
/// where JSON demands an escape, the character itself elsewhere.
#[inline]
pub(crate) fn write_string(text: &[u8], sink: &mut impl Sink) {
    write_between(b"\"", text, b"\"", sink);
}

/// Writes the key of an object's member, with the colon behind it and, unless it is the first, the comma before it.
#[inline]
pub(super) fn write_key(key: &[u8], is_first: bool, sink: &mut impl Sink) {
    if is_first {
        write_between(b"\"", key, b"\":", sink);
    } else {
        write_between(b",\"", key, b"\":", sink);
    }
}

/// Writes `text`, escaped, between what stands before and behind it.
#[inline]
fn write_between<const BEFORE: usize, const BEHIND: usize>(
    before: &[u8; BEFORE],
    text: &[u8],
    behind: &[u8; BEHIND],
    sink: &mut impl Sink,
) {
    // Nearly all strings have nothing to escape: they are looked at while they are copied.
    let length = BEFORE + text.len() + BEHIND;
    if let Some((start, rest)) = sink.spare(length).and_then(|spare| spare.split_first_chunk_mut())
        && let Some((middle, end)) = rest.split_last_chunk_mut()
        && copy_unescaped(text, middle)
    {
        (*start, *end) = (*before, *behind);
        return sink.advance(length);
    }
    sink.write(before);
    write_escaped(text, sink);
    sink.write(behind);
}

/// Copies `text` to a place of the same length, and returns whether nothing in it needs an escape.
#[inline]
fn copy_unescaped(text: &[u8], to: &mut [u8]) -> bool {
    // As `memcpy` does it: whole pieces from the start, and one that ends where the text does.
    match text.len() {
        16.. => {
            let (from, _) = text.as_chunks::<16>();
            let (into, _) = to.as_chunks_mut::<16>();
            let mut is_clean = true;
            for (from, into) in from.iter().zip(into) {
                *into = *from;
                is_clean &= needs_no_escape(from);
            }
            is_clean && copy_ends::<16>(text, to).is_some_and(|(_, last)| needs_no_escape(&last))
        }
        8.. => copy_ends(text, to).is_some_and(|(first, last)| {
            (escapes_in(u64::from_le_bytes(first)) | escapes_in(u64::from_le_bytes(last))) == 0
        }),
        4.. => copy_ends(text, to).is_some_and(|(first, last)| {
            let (first, last) = (u32::from_le_bytes(first), u32::from_le_bytes(last));
            escapes_in(u64::from(first) << 32 | u64::from(last)) == 0
        }),
        _ => {
            to.copy_from_slice(text);
            text.iter().all(|byte| ESCAPES[usize::from(*byte)] == 0)
        }
    }
}

/// Copies, and returns, the first and the last bytes of `text`, which may overlap.
#[inline]
fn copy_ends<const LENGTH: usize>(text: &[u8], to: &mut [u8]) -> Option<([u8; LENGTH], [u8; LENGTH])> {
    let (first, last) = (*text.first_chunk()?, *text.last_chunk()?);
    *to.first_chunk_mut()? = first;
    *to.last_chunk_mut()? = last;
    Some((first, last))
}

/// How many bytes at the start of `text` stand for themselves.
#[inline]
pub(super) fn unescaped_length(text: &[u8]) -> usize {
    let mut length = 0;
    let (eights, rest) = text.as_chunks();
    for eight in eights {
        let found = escapes_in(u64::from_le_bytes(*eight));
        if found != 0 {
            return length + (found.trailing_zeros() / 8) as usize;
        }
        length += eight.len();
    }
    length + rest.iter().take_while(|byte| ESCAPES[usize::from(**byte)] == 0).count()
}

/// The high bit of each byte that needs an escape, and perhaps of bytes above it, but of none below.
#[inline]
fn escapes_in(word: u64) -> u64 {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
    // A byte below the limit borrows from its high bit, and a borrow goes on to the bytes above.
    let below = |limit: u8, word: u64| word.wrapping_sub(ONES * u64::from(limit)) & !word & HIGH;
    let quote = below(1, word ^ (ONES * u64::from(b'"')));
    let backslash = below(1, word ^ (ONES * u64::from(b'\\')));
    below(0x20, word) | quote | backslash
}

/// Whether all of the bytes stand for themselves.
#[inline]
fn needs_no_escape<const LENGTH: usize>(bytes: &[u8; LENGTH]) -> bool {
    // Without a way out in the middle, so that the compiler can look at all of them at once.
    !bytes.iter().fold(false, |found, &byte| found | (byte < 0x20) | (byte == b'"') | (byte == b'\\'))
}

fn write_escaped(text: &[u8], sink: &mut impl Sink) {
    let mut clean_from = 0;
    for (at, &byte) in text.iter().enumerate() {
        let escape = ESCAPES[usize::from(byte)];
        if escape == 0 {
            continue;
        }
        sink.write(&text[clean_from..at]);
        clean_from = at + 1;
        if escape == b'u' {
            let [high, low] = HEX_PAIRS[usize::from(byte)];
            sink.write(&[b'\\', b'u', b'0', b'0', high, low]);
        } else {
            sink.write(&[b'\\', escape]);
        }
    }
    sink.write(&text[clean_from..]);
}

/// Lower case with hyphens (RFC 9562 section 4), as a JSON string.
pub(crate) fn write_uuid(uuid: Uuid, sink: &mut impl Sink) {
    let mut text = *b"\"------------------------------------\"";
    let mut put = |at: usize, digits: &[u8]| text[at..at + digits.len()].copy_from_slice(digits);
    let (fours, _) = uuid.as_bytes().as_chunks();
    let [first, second, third, fourth] = [0, 1, 2, 3].map(|four| hex_digits(fours[four]));
    put(1, &first);
    put(10, &second[..4]);
    put(15, &second[4..]);
    put(20, &third[..4]);
    put(25, &third[4..]);
    put(29, &fourth);
    sink.write(&text);
}

/// The hexadecimal digits of four bytes, all at once.
#[inline]
fn hex_digits(bytes: [u8; 4]) -> [u8; 8] {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    // Half a byte in each byte.
    let halves = u64::from(u32::from_be_bytes(bytes));
    let halves = (halves | halves << 16) & 0x0000_ffff_0000_ffff;
    let halves = (halves | halves << 8) & 0x00ff_00ff_00ff_00ff;
    let halves = (halves | halves << 4) & (ONES * 0x0f);
    // From 10 on, 6 more carry into the upper half.
    let letters = (halves + ONES * 6) >> 4 & ONES;
    (halves + ONES * u64::from(b'0') + letters * u64::from(b'a' - b'9' - 1)).to_be_bytes()
}

/// The two hexadecimal digits of each byte.
const HEX_PAIRS: [[u8; 2]; 256] = {
    let mut pairs = [[0; 2]; 256];
    let mut byte = 0;
    while byte < 256 {
        pairs[byte] = [HEX[byte >> 4], HEX[byte & 15]];
        byte += 1;
    }
    pairs
};

/// Orders UTF-8 texts by their UTF-16 code units (RFC 8785 section 3.2.3).
///
/// The two orders differ only in that characters from U+10000 on sort before U+E000–U+FFFF. In UTF-8 the former start with
/// F0–F4, the latter with EE or EF, so moving EE and EF above F4 gives UTF-16's order.
pub(super) fn cmp_utf16(a: &[u8], b: &[u8]) -> Ordering {
    match a.iter().zip(b).find(|(a, b)| a != b) {
        Some((&a, &b)) => utf16_weight(a).cmp(&utf16_weight(b)),
        None => a.len().cmp(&b.len()),
    }
}

/// The first 8 bytes of `bytes[start..end]` as a number: texts whose numbers differ are in the order of the numbers.
///
/// Where a text is shorter, zeros stand in, which no byte of a longer one is less than.
#[inline]
pub(super) fn utf16_prefix(bytes: &[u8], start: usize, end: usize) -> u64 {
    let length = end - start;
    let mut prefix = match bytes[start..].first_chunk() {
        Some(eight) => u64::from_be_bytes(*eight),
        _ => bytes[start..end].iter().rev().fold(0, |prefix, byte| prefix >> 8 | u64::from(*byte) << 56),
    };
    if length < 8 {
        // What follows the text is not of it.
        prefix &= !(u64::MAX >> (8 * length));
    }
    if prefix & 0x8080_8080_8080_8080 == 0 {
        return prefix;
    }
    u64::from_be_bytes(prefix.to_be_bytes().map(utf16_weight))
}

/// What a byte counts where UTF-8 is ordered as UTF-16 would be.
fn utf16_weight(byte: u8) -> u8 {
    match byte {
        0xee | 0xef => byte + 8,
        0xf0.. => byte - 2,
        _ => byte,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(text: &str) -> String {
        let mut out = Vec::new();
        write_string(text.as_bytes(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn escapes_only_what_it_must() {
        assert_eq!(written(""), r#""""#);
        assert_eq!(
            written("a\"\\/\u{8}\t\n\u{c}\r\u{1f}\u{7f}<&>"),
            "\"a\\\"\\\\/\\b\\t\\n\\f\\r\\u001f\u{7f}<&>\""
        );
        assert_eq!(written("\u{0}é\u{2028}😀"), "\"\\u0000é\u{2028}😀\"");
    }

    #[test]
    fn uuids_are_written_as_their_crate_writes_them() {
        for uuid in [Uuid::nil(), Uuid::max(), Uuid::from_u128(0x0123_4567_89ab_cdef_1032_5476_98ba_dcfe)] {
            let mut out = Vec::new();
            write_uuid(uuid, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), format!("\"{uuid}\""));
        }
    }

    #[test]
    fn surrogates_sort_below_the_last_of_the_basic_plane() {
        assert_eq!(cmp_utf16("😀".as_bytes(), "\u{ff5e}".as_bytes()), Ordering::Less);
        assert_eq!("😀".cmp("\u{ff5e}"), Ordering::Greater);
    }

    /// One byte that needs an escape, at every place of texts of every length up to where pieces repeat.
    #[test]
    fn no_escape_is_overlooked() {
        for length in 0..70_usize {
            let clean = "x".repeat(length);
            assert_eq!(in_place(&clean), format!("\"{clean}\""));
            for at in 0..length {
                for (byte, escaped) in
                    [('"', "\\\""), ('\\', "\\\\"), ('\u{0}', "\\u0000"), ('\u{1f}', "\\u001f")]
                {
                    let mut text = clean.clone();
                    text.replace_range(at..=at, &byte.to_string());
                    assert_eq!(unescaped_length(text.as_bytes()), at);
                    assert_eq!(in_place(&text), format!("\"{}{escaped}{}\"", &clean[..at], &clean[at + 1..]));
                }
            }
        }
    }

    /// Written into the sink's own place, as it is for a hash.
    fn in_place(text: &str) -> String {
        struct Fixed([u8; 512], usize);
        impl Sink for Fixed {
            fn write(&mut self, bytes: &[u8]) {
                self.spare(bytes.len()).unwrap().copy_from_slice(bytes);
                self.advance(bytes.len());
            }
            fn spare(&mut self, length: usize) -> Option<&mut [u8]> {
                self.0[self.1..].get_mut(..length)
            }
            fn advance(&mut self, length: usize) {
                self.1 += length;
            }
        }
        let mut sink = Fixed([0; 512], 0);
        write_string(text.as_bytes(), &mut sink);
        String::from_utf8(sink.0[..sink.1].to_vec()).unwrap()
    }

    proptest! {
        #[test]
        fn any_uuid_is_written_as_its_crate_writes_it(bits: u128) {
            let mut out = Vec::new();
            write_uuid(Uuid::from_u128(bits), &mut out);
            prop_assert_eq!(String::from_utf8(out).unwrap(), format!("\"{}\"", Uuid::from_u128(bits)));
        }

        #[test]
        fn orders_as_utf16_does(a in "\\PC{0,4}", b in "\\PC{0,4}") {
            let by_units = a.encode_utf16().cmp(b.encode_utf16());
            prop_assert_eq!(cmp_utf16(a.as_bytes(), b.as_bytes()), by_units);
            let plain = a.bytes().take_while(|byte| *byte >= 0x20 && *byte != b'"' && *byte != b'\\').count();
            prop_assert_eq!(unescaped_length(a.as_bytes()), plain);
            let both = format!("{a}{b}");
            let prefix = |start, end| utf16_prefix(both.as_bytes(), start, end);
            let by_prefix = prefix(0, a.len()).cmp(&prefix(a.len(), both.len()));
            prop_assert!(by_prefix == by_units || by_prefix == Ordering::Equal);
        }
    }
}
