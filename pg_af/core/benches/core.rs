//! How fast canonical text and hashes are made, in bytes and in entries, beside SHA-256 of the same bytes, below which no
//! hash can be.
//!
//! `cargo bench --package af-core --features bench --bench core`; a word after `--` chooses by name.

use std::fmt::Write;
use std::hint::black_box;

use af_core::canonical::{Canonicalizer, Json};
use af_core::envelope::{Envelope, EnvelopeHasher};
use af_core::record::{CURRENT_VERSION, Record, RecordHasher};
use af_core::timestamp::Timestamp;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use sha2::{Digest, Sha256};
use uuid::Uuid;

#[path = "../tests/support/jsonb.rs"]
mod jsonb;

use jsonb::{Decimal, Value};

/// Bytes of details, as text.
const SIZES: [usize; 5] = [100, 300, 1_000, 10_000, 1_000_000];
const NUMBERS: u64 = 1_000;

/// The same details in each form.
struct Details {
    size: usize,
    jsonb: Vec<u8>,
    text: Vec<u8>,
}

impl Details {
    /// Three levels, text beyond ASCII, decimals; as many items as make so many bytes, and a note that fills them up.
    fn new(size: usize) -> Self {
        let length = |items, note| text(&details(items, note)).len();
        let (none, one) = (length(0, 0), length(1, 0));
        // Numbers grow with their count, hence a little less than would fit.
        let items = size.saturating_sub(none) / (one - none + 10);
        let value = details(items as u64, size.saturating_sub(length(items as u64, 0)));
        Self { size, jsonb: value.jsonb(), text: text(&value) }
    }
}

fn details(items: u64, note: usize) -> Value {
    let items = (1..=items).map(|number| {
        let price = object(vec![("net", decimal(number * 137 + 1, -2)), ("currency", string("EUR"))]);
        let name = string("Kühlraum 東京");
        object(vec![("id", decimal(number, 0)), ("name", name), ("price", price), ("gift", Value::Null)])
    });
    object(vec![
        ("customer", string("Zoë")),
        ("paid", Value::Bool(true)),
        ("items", Value::Array(items.collect())),
        ("note", string(&"n".repeat(note))),
    ])
}

fn string(text: &str) -> Value {
    Value::String(text.to_owned())
}

fn decimal(digits: u64, exponent: i32) -> Value {
    Value::Number(Decimal { negative: false, digits, exponent })
}

fn object(members: Vec<(&str, Value)>) -> Value {
    Value::Object(members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

/// As PostgreSQL prints it, but for the order of keys. The strings here need no escapes.
fn text(value: &Value) -> Vec<u8> {
    fn write(value: &Value, out: &mut String) {
        // Writing to a String cannot fail.
        let _ = match value {
            Value::Null => write!(out, "null"),
            Value::Bool(value) => write!(out, "{value}"),
            Value::Number(Decimal { digits, exponent: 0, .. }) => write!(out, "{digits}"),
            Value::Number(Decimal { digits, exponent, .. }) => write!(out, "{digits}e{exponent}"),
            Value::String(text) => write!(out, "\"{text}\""),
            Value::Array(items) => {
                out.push('[');
                for (position, item) in items.iter().enumerate() {
                    out.push_str(if position > 0 { ", " } else { "" });
                    write(item, out);
                }
                write!(out, "]")
            }
            Value::Object(members) => {
                out.push('{');
                for (position, (key, value)) in members.iter().enumerate() {
                    let comma = if position > 0 { ", " } else { "" };
                    let _ = write!(out, "{comma}\"{key}\": ");
                    write(value, out);
                }
                out.push('}');
                Ok(())
            }
        };
    }
    let mut out = String::new();
    write(value, &mut out);
    out.into_bytes()
}

fn throughput(elements: u64, bytes: usize) -> Throughput {
    Throughput::ElementsAndBytes { elements, bytes: bytes as u64 }
}

/// Canonical text of details, from either form, into a buffer that is there already.
fn canonical(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("canonical");
    let mut canonicalizer = Canonicalizer::default();
    let mut out = Vec::new();
    for Details { size, jsonb, text } in SIZES.map(Details::new) {
        group.throughput(throughput(1, text.len()));
        for (form, json) in [("jsonb", Json::Jsonb(&jsonb)), ("text", Json::Text(&text))] {
            group.bench_function(BenchmarkId::new(form, size), |bencher| {
                bencher.iter(|| {
                    out.clear();
                    canonicalizer.write(black_box(json), &mut out).unwrap();
                    out.len()
                });
            });
        }
    }
}

/// What the trigger and the verifiers do for an entry, and SHA-256 alone.
fn record(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("record");
    let mut hasher = RecordHasher::default();
    for details in SIZES.map(Details::new) {
        let record = |details| Record {
            hash_version: CURRENT_VERSION,
            tenant_id: Uuid::from_u128(7),
            seq: 123_456,
            id: Uuid::from_u128(8),
            actor_type: b"user",
            actor_id: b"user-17",
            action: b"invoice.update",
            resource_type: b"invoice",
            resource_id: Some(b"invoice-123456"),
            details,
            ts: timestamp(),
        };
        let prev_hash = [7; 32];
        let mut bytes = prev_hash.to_vec();
        hasher.write(&record(Json::Jsonb(&details.jsonb)), &mut bytes).unwrap();
        group.throughput(throughput(1, bytes.len()));
        for (form, json) in [("jsonb", Json::Jsonb(&details.jsonb)), ("text", Json::Text(&details.text))] {
            let record = record(json);
            group.bench_function(BenchmarkId::new(form, details.size), |bencher| {
                bencher.iter(|| hasher.hash(Some(&prev_hash), black_box(&record)).unwrap());
            });
        }
        group.bench_function(BenchmarkId::new("sha256 alone", details.size), |bencher| {
            bencher.iter(|| Sha256::digest(black_box(&bytes)));
        });
    }
}

/// What is done for a message, of which the payload has the size.
fn envelope(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("envelope");
    let mut hasher = EnvelopeHasher::default();
    let small = Details::new(100);
    for payload in SIZES.map(Details::new) {
        let envelope = Envelope {
            id: Uuid::from_u128(8),
            trace_id: Some(b"trace-17"),
            span_id: Some(b"span-3"),
            from_agent: b"invoice-matcher",
            to_agent: b"support-triage",
            message_type: b"event",
            payload: Json::Jsonb(&payload.jsonb),
            metadata: Json::Jsonb(&small.jsonb),
            cost: Json::Jsonb(&small.jsonb),
            ts: timestamp(),
        };
        let mut bytes = Vec::new();
        hasher.write(&envelope, &mut bytes).unwrap();
        group.throughput(throughput(1, bytes.len()));
        group.bench_function(BenchmarkId::new("jsonb", payload.size), |bencher| {
            bencher.iter(|| hasher.hash(black_box(&envelope)).unwrap());
        });
    }
}

/// A thousand numbers of a kind in an array. Those of more than 15 digits may not be what the nearest double prints as.
fn numbers(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("numbers");
    let mut canonicalizer = Canonicalizer::default();
    let mut out = Vec::new();
    type Number = fn(u64) -> Value;
    let kinds: [(&str, Number); 4] = [
        ("integers", |n| decimal(n * 7_919, 0)),
        ("two decimals", |n| decimal(n * 7_919, -2)),
        ("17 digits", |n| decimal(12_345_678_901_234_567 + n, -10)),
        ("beyond doubles", |n| decimal(9_007_199_254_740_993 + 2 * n, 3)),
    ];
    for (kind, number) in kinds {
        let jsonb = Value::Array((0..NUMBERS).map(number).collect()).jsonb();
        out.clear();
        canonicalizer.write(Json::Jsonb(&jsonb), &mut out).unwrap();
        group.throughput(throughput(NUMBERS, out.len()));
        group.bench_function(kind, |bencher| {
            bencher.iter(|| {
                out.clear();
                canonicalizer.write(Json::Jsonb(black_box(&jsonb)), &mut out).unwrap();
                out.len()
            });
        });
    }
}

fn timestamps(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("timestamp");
    let timestamp = timestamp();
    group.throughput(throughput(1, timestamp.to_string().len()));
    group.bench_function("text", |bencher| bencher.iter(|| black_box(timestamp).to_string()));
}

fn timestamp() -> Timestamp {
    // 2026-01-02T03:04:05.678901Z
    Timestamp::from_postgres_micros(820_638_245_678_901).unwrap()
}

criterion_group!(benches, canonical, record, envelope, numbers, timestamps);
criterion_main!(benches);
