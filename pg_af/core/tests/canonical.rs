//! Canonical JSON against fixed vectors, independent implementations and random input.

mod support;

use std::io::Read as _;

use af_core::canonical::{Canonicalizer, Json, JsonError, MAX_DEPTH};
use proptest::prelude::*;
use support::{Decimal, Value, canonical, reference, shared_data, values};

fn from_text(text: &str) -> Result<String, JsonError> {
    canonical(Json::Text(text.as_bytes()))
}

fn from_jsonb(bytes: &[u8]) -> Result<String, JsonError> {
    canonical(Json::Jsonb(bytes))
}

#[test]
fn golden_values() {
    for (given, wanted) in [
        ("null", "null"),
        (" true ", "true"),
        ("\"\"", "\"\""),
        ("{}", "{}"),
        ("[ ]", "[]"),
        ("[[],{},[{}]]", "[[],{},[{}]]"),
        (r#"{"b":1,"a":{"d":[1,2],"c":null}}"#, r#"{"a":{"c":null,"d":[1,2]},"b":1}"#),
        (r#"{"aa":1,"b":2,"a":3,"":4}"#, r#"{"":4,"a":3,"aa":1,"b":2}"#),
        (r#"{"\u0061":1}"#, r#"{"a":1}"#),
        (r#"{"\ud83d\ude00":1,"\uff5e":2,"é":3}"#, r#"{"é":3,"😀":1,"～":2}"#),
        (r#""\/\b\f\n\r\t\u0000\u001F""#, r#""/\b\f\n\r\t\u0000\u001f""#),
        ("[1.0,-0,1e2,1E-7,9007199254740993]", "[1,0,100,1e-7,9007199254740993]"),
        (r#"[{"x":[{"z":1,"y":2}]},3]"#, r#"[{"x":[{"y":2,"z":1}]},3]"#),
        (
            r#"[[{"b": [[1], {}], "a": [{}, [2]]}, {"d": 1, "c": []}], [{"f": 1, "e": 2}]]"#,
            r#"[[{"a":[{},[2]],"b":[[1],{}]},{"c":[],"d":1}],[{"e":2,"f":1}]]"#,
        ),
        ("[0.000001, 0.0000001, -0.0000010, -0.0, 1.0]", "[0.000001,1e-7,-0.000001,0,1]"),
        ("[100000000000000000000, 1000000000000000000000]", "[100000000000000000000,1e+21]"),
        ("[1234567890123456789012.5, 0.10000000000000000000]", "[1234567890123456789012.5,0.1]"),
    ] {
        assert_eq!(from_text(given).as_deref(), Ok(wanted), "{given}");
    }
}

#[test]
fn text_that_is_not_json_is_refused() {
    for text in [
        "",
        " ",
        "nul",
        "truefalse",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{\"a\"}",
        "{\"a\":}",
        "{a:1}",
        "{\"a\":1,}",
        "[1}",
        "{\"a\":1]",
        "01",
        "-",
        "1.",
        ".5",
        "1e",
        "+1",
        "NaN",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\ud800\"",
        "\"\\udc00\"",
        "\"\\ud800\\u0041\"",
        "\"a",
        "\"\u{1}\"",
        "1 1",
        "]",
        "[",
        "{",
        "'a'",
    ] {
        assert!(matches!(from_text(text), Err(JsonError::Syntax { .. })), "{text}: {:?}", from_text(text));
    }
    assert!(matches!(canonical(Json::Text(b"\"\xff\"")), Err(JsonError::Syntax { offset: 1, .. })));
    assert_eq!(from_text(r#"{"a":1,"\u0061":2}"#), Err(JsonError::DuplicateKey));
    assert_eq!(from_text("1e200001"), Err(JsonError::NumberOutOfRange));
}

#[test]
fn nesting_is_bounded_and_harmless() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert_eq!(from_text(&nested(MAX_DEPTH)), Ok(nested(MAX_DEPTH)));
    assert_eq!(from_text(&nested(MAX_DEPTH + 1)), Err(JsonError::TooDeep));

    // The same in jsonb, written by hand: each level is an array of one container.
    let jsonb = |depth: usize| {
        let mut bytes = Vec::new();
        for level in (0..depth).rev() {
            let (count, size) = if level == 0 { (0, 0) } else { (1, 8 * level as u32 - 4) };
            bytes.extend((count | 0x4000_0000_u32).to_ne_bytes());
            if count > 0 {
                bytes.extend((0x5000_0000 | 0x8000_0000 | size).to_ne_bytes());
            }
        }
        bytes
    };
    assert_eq!(from_jsonb(&jsonb(MAX_DEPTH)), Ok(nested(MAX_DEPTH)));
    assert_eq!(from_jsonb(&jsonb(MAX_DEPTH + 1)), Err(JsonError::TooDeep));
}

#[test]
fn damaged_jsonb_is_named() {
    let good =
        Value::Object(vec![("a".into(), Value::Number(Decimal { negative: false, digits: 5, exponent: 0 }))])
            .jsonb();
    assert_eq!(from_jsonb(&good).as_deref(), Ok(r#"{"a":5}"#));
    for (position, byte) in [
        (0, 0xff),
        (3, 0x00),
        (3, 0xf0),
        (7, 0x10),
        (7, 0x70),
        (4, 0xff),
        (16, 0xff),
        (21, 0xff),
        (24, 0x10),
        (25, 0x27),
    ] {
        let mut bad = good.clone();
        bad[position] = byte;
        let outcome = from_jsonb(&bad);
        assert!(
            outcome.is_err() || outcome.as_deref() != Ok(r#"{"a":5}"#),
            "byte {position} = {byte:#x}: {outcome:?}"
        );
    }
    for length in 0..good.len() {
        assert!(matches!(from_jsonb(&good[..length]), Err(JsonError::Damaged(_))), "cut to {length}");
    }
}

/// The vectors round numbers to doubles first, as JavaScript does; serde_json does that here.
#[test]
fn official_vectors() {
    let Some(inputs) = shared_data("jcs/input") else { return };
    let mut count = 0;
    for input in std::fs::read_dir(inputs).unwrap().map(|entry| entry.unwrap().path()) {
        let output = input.parent().unwrap().with_file_name("output").join(input.file_name().unwrap());
        let value: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(&input).unwrap()).unwrap();
        let wanted = std::fs::read_to_string(output).unwrap();
        assert_eq!(from_text(&value.to_string()).as_deref(), Ok(wanted.trim_end()), "{}", input.display());
        count += 1;
    }
    assert_eq!(count, 6, "there are six official vectors");
}

#[test]
fn ecmascript_numbers_are_their_own_canonical_form() {
    let Some(path) = shared_data("jcs/es6-numbers-10k.txt.gz") else { return };
    let mut lines = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut lines).unwrap();
    let mut count = 0;
    for (hex, text) in lines.lines().map(|line| line.split_once(',').unwrap()) {
        assert_eq!(from_text(text).as_deref(), Ok(text), "double {hex}");
        count += 1;
    }
    assert_eq!(count, 10_000);
}

fn ijson() -> impl Strategy<Value = serde_json::Value> {
    let scalar = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        (-(1_i64 << 53)..=1 << 53).prop_map(Into::into),
        any::<f64>().prop_filter("finite", |number| number.is_finite()).prop_map(Into::into),
        "\\PC{0,6}".prop_map(Into::into),
    ];
    scalar.prop_recursive(5, 100, 10, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..10).prop_map(Into::into),
            prop::collection::hash_map("\\PC{0,4}", inner, 0..10)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}

/// An object with such keys, and numbers for values.
fn object(keys: impl IntoIterator<Item = String>) -> Value {
    let number = |digits| Value::Number(Decimal { negative: false, digits, exponent: 0 });
    Value::Object(keys.into_iter().zip((0..).map(number)).collect())
}

/// Each value several times by one canonicalizer, which remembers the keys of objects: the same as by a new one.
#[test]
fn objects_are_written_as_if_none_had_been_seen_before() {
    let named = |name: &str| object(["id", name, "Ünïcode", "z", ""].map(str::to_owned));
    // Keys of the same lengths whose first and last bytes are the same, and more kinds than are remembered.
    let mut kinds: Vec<Value> =
        (0..2_000).map(|n| named(&format!("begins the same {n:04} ends the same"))).collect();
    kinds.extend((0..700).map(|n| named(&format!("{n}"))));
    kinds.extend([0, 1, 31, 32, 33, 64, 100].map(|n| object((0..n).map(|n| format!("key {}", n * 7 % 101)))));
    kinds.push(object(["k".repeat(600), "k".repeat(40), "k".repeat(24), "\"\\\n".to_owned()]));
    // One in another, so that the inner is met while the outer is being written.
    let nested = |(outer, inner): (&Value, &Value)| match outer {
        Value::Object(members) => {
            let mut members = members.clone();
            members.push(("inner".to_owned(), Value::Array(vec![inner.clone(), inner.clone()])));
            Value::Object(members)
        }
        _ => unreachable!("all of them are objects"),
    };
    let both: Vec<Value> = kinds.iter().zip(kinds.iter().rev()).map(nested).collect();
    kinds.extend(both);
    let mut canonicalizer = Canonicalizer::default();
    for round in 0..2 {
        for kind in &kinds {
            let bytes = kind.jsonb();
            for _ in 0..3 {
                let mut out = Vec::new();
                canonicalizer.write(Json::Jsonb(&bytes), &mut out).unwrap();
                assert_eq!(String::from_utf8(out), Ok(reference::canonical(kind)), "round {round}");
            }
        }
    }
}

/// Objects of the same keys in any order, and with one twice, by one canonicalizer: its guess at the order is checked.
#[test]
fn keys_are_sorted_however_they_come() {
    let mut canonicalizer = Canonicalizer::default();
    let mut write = |text: &str| {
        let mut out = Vec::new();
        canonicalizer.write(Json::Text(text.as_bytes()), &mut out).map(|()| String::from_utf8(out).unwrap())
    };
    let keys = ["begins the same, a", "begins the same, b", "c", "\u{ff5e}", "😀"];
    let sorted = ["begins the same, a", "begins the same, b", "c", "😀", "\u{ff5e}"];
    let member = |key: &&str| format!("\"{key}\":0");
    let wanted = format!("{{{}}}", sorted.iter().map(member).collect::<Vec<_>>().join(","));
    for round in 0..4 {
        for shift in 0..keys.len() {
            let mut keys = keys;
            keys.rotate_left(shift);
            for first in 0..keys.len() {
                keys.swap(first, (first + round) % 5);
                let text = format!("{{{}}}", keys.iter().map(member).collect::<Vec<_>>().join(", "));
                assert_eq!(write(&text).as_deref(), Ok(wanted.as_str()), "{text}");
                assert_eq!(write(&text).as_deref(), Ok(wanted.as_str()), "{text}");
                let mut twice = keys;
                twice[(first + 1) % 5] = keys[first];
                let text = format!("{{{}}}", twice.iter().map(member).collect::<Vec<_>>().join(", "));
                assert_eq!(write(&text), Err(JsonError::DuplicateKey), "{text}");
            }
        }
    }
}

proptest! {
    /// Values, whole and damaged, by a canonicalizer that has seen others, and the same ones, before: neither text nor error
    /// nor the length that is told is another.
    #[test]
    fn what_was_seen_before_changes_nothing(
        values in prop::collection::vec(values(), 1..5),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut seasoned = Canonicalizer::default();
        for value in &values {
            let bytes = value.jsonb();
            let mut damaged = bytes.clone();
            for (position, byte) in &damage {
                let position = position.index(damaged.len());
                damaged[position] = *byte;
            }
            for bytes in [&bytes, &bytes, &bytes, &damaged, &damaged, &damaged, &bytes] {
                let mut fresh = Canonicalizer::default();
                let [mut wanted, mut written] = [Vec::new(), Vec::new()];
                let outcome = fresh.write(Json::Jsonb(bytes), &mut wanted);
                prop_assert_eq!(seasoned.write(Json::Jsonb(bytes), &mut written), outcome);
                prop_assert_eq!(written, wanted);
                if outcome.is_ok() {
                    prop_assert_eq!(seasoned.jsonb_text_excess(), fresh.jsonb_text_excess());
                }
            }
        }
    }

    /// The same of texts, whose objects are sorted as they were the last time only if that is right.
    #[test]
    fn texts_that_were_seen_before_change_nothing(values in prop::collection::vec(values(), 1..5)) {
        let mut seasoned = Canonicalizer::default();
        for value in &values {
            let (text, printed) = (value.text(), value.postgres_text());
            for text in [&text, &printed, &printed, &text, &printed] {
                let mut written = Vec::new();
                seasoned.write(Json::Text(text.as_bytes()), &mut written).unwrap();
                prop_assert_eq!(String::from_utf8(written), Ok(reference::canonical(value)));
            }
        }
    }

    /// The two readers agree, on every value, about every byte, with each other and with the definition.
    #[test]
    fn jsonb_and_text_agree(value in values()) {
        let wanted = Ok(reference::canonical(&value));
        prop_assert_eq!(&from_text(&value.text()), &wanted);
        prop_assert_eq!(&from_text(&value.postgres_text()), &wanted);
        prop_assert_eq!(&from_jsonb(&value.jsonb()), &wanted);
    }

    /// Canonical text is its own canonical form, and is JSON to others.
    #[test]
    fn canonical_text_is_a_fixed_point(value in values()) {
        let text = from_text(&value.text()).unwrap();
        prop_assert_eq!(from_text(&text), Ok(text.clone()));
        prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
    }

    /// On I-JSON this is RFC 8785 as an independent implementation understands it.
    #[test]
    fn agrees_with_an_independent_implementation_on_ijson(value in ijson()) {
        let wanted = serde_json_canonicalizer::to_string(&value).unwrap();
        prop_assert_eq!(from_text(&value.to_string()), Ok(wanted));
    }

    /// Whatever an attacker does to the bytes, the walker answers.
    #[test]
    fn damaged_jsonb_never_panics(value in values(), damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8), cut in any::<prop::sample::Index>()) {
        let mut bytes = value.jsonb();
        for (position, byte) in damage {
            let position = position.index(bytes.len());
            bytes[position] = byte;
        }
        let mut out = Vec::new();
        let _ = af_core::canonical::Canonicalizer::default().write(Json::Jsonb(&bytes), &mut out);
        bytes.truncate(cut.index(bytes.len()));
        let _ = af_core::canonical::Canonicalizer::default().write(Json::Jsonb(&bytes), &mut out);
    }

    /// Nor does any text make the parser panic, and it takes nothing that others call no JSON.
    #[test]
    fn damaged_text_never_panics(value in values(), damage in prop::collection::vec((any::<prop::sample::Index>(), "[\\[\\]{},:\"\\\\u0-9eE.tfn -]"), 1..6)) {
        let mut text: Vec<char> = value.text().chars().collect();
        for (position, replacement) in damage {
            let position = position.index(text.len());
            text[position] = replacement.chars().next().unwrap();
        }
        let text: String = text.into_iter().collect();
        if from_text(&text).is_ok() {
            // serde_json reads an exponent beyond its own range as an error.
            let verdict = serde_json::from_str::<serde_json::Value>(&text);
            prop_assert!(verdict.is_ok() || verdict.unwrap_err().to_string().contains("out of range"));
        }
    }
}
