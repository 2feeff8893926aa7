//! Strings: how they are escaped, and how RFC 8785 orders them as keys.

use std::cmp::Ordering;

use uuid::Uuid;

use super::Sink;

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
pub(crate) fn write_string(text: &[u8], sink: &mut impl Sink) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    sink.write(b"\"");
    let mut clean_from = 0;
    for (at, &byte) in text.iter().enumerate() {
        let escape = ESCAPES[usize::from(byte)];
        if escape == 0 {
            continue;
        }
        sink.write(&text[clean_from..at]);
        clean_from = at + 1;
        if escape == b'u' {
            let (high, low) = (HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]);
            sink.write(&[b'\\', b'u', b'0', b'0', high, low]);
        } else {
            sink.write(&[b'\\', escape]);
        }
    }
    sink.write(&text[clean_from..]);
    sink.write(b"\"");
}

/// Lower case with hyphens (RFC 9562 section 4), as a JSON string.
pub(crate) fn write_uuid(uuid: Uuid, sink: &mut impl Sink) {
    let mut text = *b"\"------------------------------------\"";
    uuid.hyphenated().encode_lower(&mut text[1..37]);
    sink.write(&text);
}

/// Orders UTF-8 texts by their UTF-16 code units (RFC 8785 section 3.2.3).
///
/// UTF-8 bytes order by code point. UTF-16 differs in one thing: the surrogates (D800–DFFF) that
/// write characters from U+10000 on sort before U+E000–U+FFFF. In UTF-8 the former start with
/// F0–F4, the latter with EE or EF, so moving EE and EF above F4 gives UTF-16's order.
pub(super) fn cmp_utf16(a: &[u8], b: &[u8]) -> Ordering {
    fn weight(byte: u8) -> u8 {
        match byte {
            0xee | 0xef => byte + 8,
            0xf0.. => byte - 2,
            _ => byte,
        }
    }
    match a.iter().zip(b).find(|(a, b)| a != b) {
        Some((&a, &b)) => weight(a).cmp(&weight(b)),
        None => a.len().cmp(&b.len()),
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
    fn surrogates_sort_below_the_last_of_the_basic_plane() {
        assert_eq!(cmp_utf16("😀".as_bytes(), "\u{ff5e}".as_bytes()), Ordering::Less);
        assert_eq!("😀".cmp("\u{ff5e}"), Ordering::Greater);
    }

    proptest! {
        #[test]
        fn orders_as_utf16_does(a in "\\PC{0,4}", b in "\\PC{0,4}") {
            let by_units = a.encode_utf16().cmp(b.encode_utf16());
            prop_assert_eq!(cmp_utf16(a.as_bytes(), b.as_bytes()), by_units);
        }
    }
}
