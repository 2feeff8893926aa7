//! Canonical form as its definition reads, with no regard to speed.

use super::{Decimal, Value};

/// The canonical text of a value.
pub(crate) fn canonical(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(decimal) => number(*decimal),
        Value::String(text) => string(text),
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(key, _)| key.encode_utf16().collect::<Vec<_>>());
            let members = members.iter().map(|(key, value)| format!("{}:{}", string(key), canonical(value)));
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        }
    }
}

/// RFC 8785, section 3.2.2.2.
fn string(text: &str) -> String {
    let characters = text.chars().map(|character| match character {
        '"' => "\\\"".to_owned(),
        '\\' => "\\\\".to_owned(),
        '\u{8}' => "\\b".to_owned(),
        '\t' => "\\t".to_owned(),
        '\n' => "\\n".to_owned(),
        '\u{c}' => "\\f".to_owned(),
        '\r' => "\\r".to_owned(),
        '\0'..='\u{1f}' => format!("\\u{:04x}", u32::from(character)),
        other => other.to_string(),
    });
    format!("\"{}\"", characters.collect::<String>())
}

/// ECMAScript's text of the nearest double, if that is exactly the number; all digits otherwise.
fn number(decimal: Decimal) -> String {
    let Decimal { negative, digits, exponent } = decimal;
    if digits == 0 {
        return "0".to_owned();
    }
    let sign = if negative { "-" } else { "" };
    let exact = significant(&format!("{digits}e{exponent}"));
    let nearest: f64 = format!("{sign}{digits}e{exponent}").parse().unwrap();
    let text = ryu_js::Buffer::new().format_finite(nearest).to_owned();
    if significant(text.trim_start_matches('-')) == exact {
        return text;
    }
    format!("{sign}{}", plain(&exact.0, exact.1))
}

/// The digits of a number without zeros at either end, and which power of ten the last of them counts.
fn significant(text: &str) -> (String, i32) {
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let exponent = exponent.parse::<i32>().unwrap() - fraction.len() as i32;
    let trimmed = digits.trim_end_matches('0');
    let exponent = exponent + (digits.len() - trimmed.len()) as i32;
    (trimmed.trim_start_matches('0').to_owned(), exponent)
}

/// All digits of a number, of which the last counts a power of ten.
pub(crate) fn plain(digits: &str, exponent: i32) -> String {
    let Ok(fraction) = usize::try_from(-exponent) else {
        return format!("{digits}{}", "0".repeat(exponent as usize));
    };
    let digits = format!("{digits:0>width$}", width = fraction + 1);
    let (whole, fraction) = digits.split_at(digits.len() - fraction);
    if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") }
}
