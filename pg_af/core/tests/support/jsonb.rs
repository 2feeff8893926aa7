//! JSON values, and how PostgreSQL stores them: for the tests of canonical JSON and its benchmarks.

/// A JSON value whose numbers are decimals of any size.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Number(Decimal),
    String(String),
    Array(Vec<Value>),
    Object(Vec<(String, Value)>),
}

/// `±digits × 10^exponent`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Decimal {
    pub(crate) negative: bool,
    pub(crate) digits: u64,
    pub(crate) exponent: i32,
}

impl Value {
    /// The bytes that PostgreSQL stores for the value, without varlena header.
    pub(crate) fn jsonb(&self) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            Self::Array(_) | Self::Object(_) => encode_container(self, &mut out),
            scalar => {
                out.extend((1_u32 | 0x5000_0000).to_ne_bytes());
                encode_data(&[scalar], &mut out);
            }
        }
        out
    }
}

fn encode_container(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Array(items) => {
            out.extend((items.len() as u32 | 0x4000_0000).to_ne_bytes());
            encode_data(&items.iter().collect::<Vec<_>>(), out);
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(key, _)| (key.len(), key.clone()));
            let keys: Vec<Value> = members.iter().map(|(key, _)| Value::String(key.clone())).collect();
            out.extend((members.len() as u32 | 0x2000_0000).to_ne_bytes());
            encode_data(&keys.iter().chain(members.iter().map(|(_, value)| value)).collect::<Vec<_>>(), out);
        }
        _ => unreachable!("a scalar is no container"),
    }
}

/// The `JEntry` words and the data of `items`.
fn encode_data(items: &[&Value], out: &mut Vec<u8>) {
    let words = out.len();
    out.resize(words + 4 * items.len(), 0);
    let base = out.len();
    for (position, item) in items.iter().enumerate() {
        let start = out.len();
        let kind: u32 = match item {
            Value::Null => 0x4000_0000,
            Value::Bool(false) => 0x2000_0000,
            Value::Bool(true) => 0x3000_0000,
            Value::String(text) => {
                out.extend(text.as_bytes());
                0
            }
            Value::Number(number) => {
                out.resize(out.len().next_multiple_of(4), 0);
                out.extend(encode_numeric(*number));
                0x1000_0000
            }
            Value::Array(_) | Value::Object(_) => {
                out.resize(out.len().next_multiple_of(4), 0);
                encode_container(item, out);
                0x5000_0000
            }
        };
        // Every 32nd entry holds the offset of its end instead of a length.
        let length = if position % 32 == 0 {
            (out.len() - base) as u32 | 0x8000_0000
        } else {
            (out.len() - start) as u32
        };
        out[words + 4 * position..][..4].copy_from_slice(&(length | kind).to_ne_bytes());
    }
}

/// A `numeric` in its long form, with a 4-byte varlena header.
fn encode_numeric(number: Decimal) -> Vec<u8> {
    let Decimal { negative, mut digits, mut exponent } = number;
    let mut words = Vec::new();
    let mut wide = u128::from(digits);
    // To a multiple of four decimal digits behind the point.
    while exponent.rem_euclid(4) != 0 {
        wide *= 10;
        exponent -= 1;
    }
    while wide > 0 {
        words.push((wide % 10_000) as u16);
        wide /= 10_000;
    }
    words.reverse();
    let weight = exponent / 4 + words.len() as i32 - 1;
    while words.last() == Some(&0) {
        words.pop();
    }
    digits = u64::from(!words.is_empty());
    let sign: u16 = if negative && digits > 0 { 0x4000 } else { 0 };
    let mut body = sign.to_ne_bytes().to_vec();
    body.extend((if words.is_empty() { 0 } else { weight as i16 }).to_ne_bytes());
    words.iter().for_each(|word| body.extend(word.to_ne_bytes()));
    let mut out = (((body.len() + 4) << 2) as u32).to_ne_bytes().to_vec();
    out.extend(body);
    out
}
