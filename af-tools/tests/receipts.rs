//! The proofs of `tests/vectors/receipts.json`: that they are written so, and what is said of them. `scripts/check-vectors` holds
//! the same against a checker that is not ours.
//!
//! Keys and signatures are those of fixed seeds, so that the file follows from this one. `AF_WRITE_VECTORS=1` writes it.

#[path = "../../tests/vectors/receipts.rs"]
mod vectors;

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::ops::Range;
use std::path::Path;

use af_core::canonical::Json;
use af_core::checkpoint::{Checkpoint, Origin, Subject};
use af_core::digest::Digest;
use af_core::merkle::{self, CompactRange, consistency_path, inclusion_path, leaf_hash};
use af_core::receipt::{Consistency, Receipt};
use af_core::record::{Record, RecordHasher};
use af_core::timestamp::Timestamp;
use af_tools::checkpoint::{Policy, Signed, cosign, witness_key};
use af_tools::sign::SigningKey;
use uuid::Uuid;
use vectors::{Case, Cases};

/// RFC 8032, section 7.1, tests 1 and 2, as OpenSSL writes them: everybody knows these.
const SEEDS: [&str; 2] = [
    "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g",
    "MC4CAQAwBQYDK2VwBCIEIEzNCJso/5banbbDRuwRTg9bijGfNaumJNqM9u1PuKb7",
];
const TENANT: Uuid = Uuid::from_u128(0x6f2c_1b1e_8f43_4d0e_9c8e_0b8f_4c4f_8f11);
const WITNESS: &str = "witness.example/w1";
const COSIGNED_AT: u64 = 1_780_000_000;

/// The keys that sign, and what checks them.
struct Keys {
    log: SigningKey,
    witness: SigningKey,
    policy: Policy,
    public_key: String,
}

impl Keys {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let load = |name: &str, seed: &str| {
            let mut options = OpenOptions::new();
            options.write(true).create_new(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let mut file = options.open(path(name)).unwrap();
            writeln!(file, "-----BEGIN PRIVATE KEY-----\n{seed}\n-----END PRIVATE KEY-----").unwrap();
            SigningKey::load_plain(&path(name)).unwrap()
        };
        let (log, witness) = (load("log", SEEDS[0]), load("witness", SEEDS[1]));
        log.verifying_key().save(&path("log.pub")).unwrap();
        fs::write(path("vkey"), format!("{}\n", witness_key(WITNESS, &witness.verifying_key()))).unwrap();
        let policy = Policy::load(&[path("vkey")], Some(1), &[]).unwrap();
        Self { log, witness, policy, public_key: fs::read_to_string(path("log.pub")).unwrap() }
    }
}

/// A chain of entries: their records and hashes.
struct Chain {
    tenant_id: Uuid,
    entries: Vec<(String, Digest)>,
}

impl Chain {
    fn new(tenant_id: Uuid, n: u32) -> Self {
        let details = [r#"{"pages":[1,2.5,null]}"#, r#"{"n":9007199254740993,"é":"\u0000\"\\"}"#, "{}"];
        let actors = ["someone", "Zoë 🙂", "a\"b\\c\n"];
        let mut hasher = RecordHasher::default();
        let mut entries: Vec<(String, Digest)> = Vec::new();
        for seq in 1..=n {
            let kind = (seq % 3) as usize;
            let record = Record {
                hash_version: 1,
                tenant_id,
                seq: seq.into(),
                id: Uuid::from_u128(0x1000 + u128::from(seq)),
                actor_type: b"user",
                actor_id: actors[kind].as_bytes(),
                action: b"document.update",
                resource_type: b"document",
                resource_id: (kind > 0).then_some(b"doc-1"),
                details: Json::Text(details[kind].as_bytes()),
                ts: Timestamp::from_postgres_micros(833_000_000_000_000 + i64::from(seq) * 1_500_001)
                    .unwrap(),
            };
            let before = entries.last().map(|(_, hash)| *hash);
            let hash = hasher.hash(before.as_ref().map(|hash| &hash.as_bytes()[..]), &record).unwrap();
            let mut text = Vec::new();
            hasher.write(&record, &mut text).unwrap();
            entries.push((String::from_utf8(text).unwrap(), hash));
        }
        Self { tenant_id, entries }
    }

    fn leaves(&self, size: u64) -> impl Iterator<Item = Digest> {
        self.entries[..usize::try_from(size).unwrap()].iter().map(|(_, hash)| leaf_hash(hash.as_bytes()))
    }

    fn checkpoint(&self, size: u64, key: &SigningKey) -> Signed {
        let mut tree = CompactRange::starting_at(0);
        self.leaves(size).for_each(|leaf| tree.push(leaf));
        let origin = Origin {
            system: 7_399_180_912_841_038_105,
            database: "Müll/1".to_owned(),
            schema: "public".to_owned(),
            subject: Subject::Tenant(self.tenant_id),
            incarnation: 1,
        };
        let root = tree.root();
        Signed::sign(
            Checkpoint { origin: origin.to_string(), size, root, extensions: Vec::new() },
            origin,
            key,
        )
    }

    fn path(&self, size: u64, subtrees: Vec<Range<u64>>) -> Vec<Digest> {
        let mut path = merkle::Path::new(subtrees);
        self.leaves(size).for_each(|leaf| path.push(leaf));
        path.finish().unwrap()
    }

    fn receipt(&self, seq: u64, checkpoint: &Signed) -> Receipt {
        let (index, size) = (seq - 1, checkpoint.checkpoint.size);
        let at = usize::try_from(index).unwrap();
        Receipt {
            prev_hash: at.checked_sub(1).map(|before| self.entries[before].1),
            record: self.entries[at].0.clone(),
            index,
            proof: self.path(size, inclusion_path(index, size)),
            checkpoint: checkpoint.note.to_string(),
        }
    }

    fn consistency(&self, old: u64, new: &Signed) -> Consistency {
        let size = new.checkpoint.size;
        let proof = self.path(size, consistency_path(old, size));
        Consistency { old_size: old, proof, checkpoint: new.note.to_string() }
    }
}

/// Receipts that hold, and each kind of edit.
fn receipts(chain: &Chain, keys: &Keys) -> Vec<Case> {
    let mut cases = Vec::new();
    for size in [1, 5, 8, 11] {
        let checkpoint = chain.checkpoint(size, &keys.log);
        for seq in [1, 2, 5, 8, 11].into_iter().filter(|seq| *seq <= size) {
            cases.push(Case::new(
                format!("entry {seq} of {size}"),
                chain.receipt(seq, &checkpoint).to_string(),
            ));
        }
    }
    let checkpoint = chain.checkpoint(8, &keys.log);
    let sound = chain.receipt(5, &checkpoint);
    let text = sound.to_string();
    type Change<'a> = &'a dyn Fn(&mut Receipt);
    let edits: [(&str, Change<'_>); 18] = [
        ("another hash before", &|receipt| receipt.prev_hash = Some(Digest::from([1; 32]))),
        ("no hash before", &|receipt| receipt.prev_hash = None),
        ("actor edited", &|receipt| receipt.record = receipt.record.replace("user", "root")),
        ("details edited", &|receipt| receipt.record = receipt.record.replace("{}", "{\"a\":1}")),
        ("ts edited", &|receipt| receipt.record = receipt.record.replace("2026", "2025")),
        ("id edited", &|receipt| receipt.record = receipt.record.replace("001005\"", "001006\"")),
        ("seq edited", &|receipt| receipt.record = receipt.record.replace("\"seq\":5", "\"seq\":6")),
        ("tenant edited", &|receipt| receipt.record = receipt.record.replace("8f11\"", "8f12\"")),
        ("version edited", &|receipt| receipt.record = receipt.record.replace("\"v\":1", "\"v\":2")),
        ("a space in the record", &|receipt| receipt.record = receipt.record.replace(":1}", ": 1}")),
        ("the record of another entry", &|receipt| receipt.record = chain.entries[5].0.clone()),
        ("no record", &|receipt| receipt.record.clear()),
        ("next index", &|receipt| receipt.index += 1),
        ("index behind the end", &|receipt| receipt.index = 8),
        ("first hash of the proof edited", &|receipt| receipt.proof[0] = Digest::from([1; 32])),
        ("last hash of the proof edited", &|receipt| receipt.proof[2] = Digest::from([1; 32])),
        ("a hash of the proof left out", &|receipt| receipt.proof.truncate(2)),
        ("a hash more in the proof", &|receipt| receipt.proof.push(Digest::from([1; 32]))),
    ];
    for (name, change) in edits {
        let mut edited = sound.clone();
        change(&mut edited);
        assert_ne!(edited, sound, "{name}");
        cases.push(Case::new(name, edited.to_string()));
    }
    let other_chain = Chain::new(Uuid::from_u128(7), 8).checkpoint(8, &keys.log);
    let signed_by_other = chain.checkpoint(8, &keys.witness);
    let signature = |text: &str| text.lines().last().unwrap().to_owned() + "\n";
    let under = |checkpoint: &Signed| {
        Receipt { checkpoint: checkpoint.note.to_string(), ..sound.clone() }.to_string()
    };
    let root = text.lines().rev().nth(2).unwrap();
    let last = signature(&text);
    for (name, edited) in [
        ("size edited", text.replacen("\n8\n", "\n7\n", 1)),
        ("root edited", text.replacen(root, "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=", 1)),
        ("origin edited", text.replacen("/public/", "/other/", 1)),
        ("origin edited, also in the signature", text.replace("/public/", "/other/")),
        ("incarnation edited", text.replacen("/1\n", "/2\n", 1)),
        ("a line more in the checkpoint", text.replacen(root, &format!("{root}\nmore"), 1)),
        ("signature edited", text.replacen("==\n", "AA\n", 1).replace(&last, &last.replacen("A", "B", 1))),
        ("signature cut", text.replacen(&last, &format!("{}\n", &last[..last.len() - 5]), 1)),
        ("no signature", text.replacen(&last, "", 1)),
        ("the checkpoint of another tenant", under(&other_chain)),
        ("an older checkpoint", under(&chain.checkpoint(4, &keys.log))),
        ("a newer checkpoint", under(&chain.checkpoint(11, &keys.log))),
        ("signed by another key", under(&signed_by_other)),
        ("signed by another key as well", text.clone() + &signature(&signed_by_other.note.to_string())),
        ("two lines exchanged", {
            let mut edited = sound.clone();
            edited.proof.swap(0, 1);
            edited.to_string()
        }),
        ("index written otherwise", text.replacen("index 4", "index 04", 1)),
        ("extra is no Base64", text.replacen("extra ", "extra *", 1)),
        (
            "no extra",
            text.lines().filter(|line| !line.starts_with("extra")).map(|line| format!("{line}\n")).collect(),
        ),
        ("cut off", text[..text.len() / 2].to_owned()),
        ("a line feed more at the end", text.clone() + "\n"),
        ("line ends of Windows", text.replace('\n', "\r\n")),
        ("another version", text.replacen("@v1", "@v2", 1)),
        ("a checkpoint", checkpoint.note.to_string()),
        ("nothing", String::new()),
    ] {
        assert_ne!(edited, text, "{name}");
        cases.push(Case::new(name, edited));
    }
    cases
}

fn consistencies(chain: &Chain, keys: &Keys) -> Vec<Case> {
    let mut cases = Vec::new();
    let case = |name: String, from: &str, proof: String| Case {
        from: Some(from.to_owned()),
        ..Case::new(name, proof)
    };
    for (old, new) in [(1, 8), (3, 7), (4, 8), (6, 7), (5, 11), (8, 8)] {
        let from = chain.checkpoint(old, &keys.log).note.to_string();
        let proof = chain.consistency(old, &chain.checkpoint(new, &keys.log)).to_string();
        cases.push(case(format!("{old} to {new}"), &from, proof));
    }
    let (three, seven) = (chain.checkpoint(3, &keys.log), chain.checkpoint(7, &keys.log));
    let sound = chain.consistency(3, &seven);
    let from = three.note.to_string();
    let receipt = chain.receipt(2, &three);
    let edited_receipt = Receipt { record: receipt.record.replace("user", "root"), ..receipt.clone() };
    let lost = Case::new("nothing to begin with", sound.to_string());
    cases.extend([
        case("a receipt to begin with".to_owned(), &receipt.to_string(), sound.to_string()),
        case("an edited receipt to begin with".to_owned(), &edited_receipt.to_string(), sound.to_string()),
        lost,
    ]);
    let forked = Chain { entries: Chain::new(Uuid::from_u128(7), 7).entries, ..Chain::new(TENANT, 0) };
    let forked_three = forked.checkpoint(3, &keys.log).note.to_string();
    let forked_seven = forked.consistency(3, &forked.checkpoint(7, &keys.log));
    cases.push(case("of another history before".to_owned(), &forked_three, sound.to_string()));
    cases.push(case("of another history behind".to_owned(), &from, forked_seven.to_string()));
    let backwards = Consistency { checkpoint: from.clone(), ..sound.clone() };
    cases.push(case("backwards".to_owned(), &seven.note.to_string(), backwards.to_string()));
    let other_two = chain.checkpoint(2, &keys.log).note.to_string();
    cases.push(case("of another size before".to_owned(), &other_two, sound.to_string()));
    for at in 0..sound.proof.len() {
        let mut edited = sound.clone();
        edited.proof[at] = Digest::from([1; 32]);
        cases.push(case(format!("hash {at} edited"), &from, edited.to_string()));
        edited.proof.remove(at);
        cases.push(case(format!("hash {at} left out"), &from, edited.to_string()));
    }
    let text = sound.to_string();
    for (name, edited) in [
        ("size before edited", text.replacen("old 3", "old 4", 1)),
        ("size before written otherwise", text.replacen("old 3", "old 03", 1)),
        ("size behind edited", text.replacen("\n7\n", "\n8\n", 1)),
        ("a hash more", text.replacen("old 3\n", "old 3\nAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n", 1)),
        ("no checkpoint", text.split("\n\n").next().unwrap().to_owned() + "\n"),
    ] {
        cases.push(case(name.to_owned(), &from, edited));
    }
    cases.push(case("an edited checkpoint before".to_owned(), &from.replacen("\n3\n", "\n4\n", 1), text));
    cases
}

fn witnessed(chain: &Chain, keys: &Keys) -> Vec<Case> {
    let plain = chain.checkpoint(8, &keys.log);
    let mut cosigned = plain.clone();
    cosigned.note.signatures.push(cosign(&plain.note.text, WITNESS, &keys.witness, COSIGNED_AT));
    let mut by_stranger = plain.clone();
    by_stranger.note.signatures.push(cosign(&plain.note.text, WITNESS, &keys.log, COSIGNED_AT));
    let mut of_another = plain.clone();
    let older = chain.checkpoint(7, &keys.log);
    of_another.note.signatures.push(cosign(&older.note.text, WITNESS, &keys.witness, COSIGNED_AT));
    let mut at_another_time = cosigned.clone();
    at_another_time.note.signatures[1].bytes[7] ^= 1;
    let mut at_no_time = plain.clone();
    at_no_time.note.signatures.push(cosign(&plain.note.text, WITNESS, &keys.witness, u64::MAX));
    let cases = [
        ("cosigned", &cosigned),
        ("not cosigned", &plain),
        ("cosigned by a stranger", &by_stranger),
        ("cosigned for another size", &of_another),
        ("cosigned at another time", &at_another_time),
        ("cosigned at no time", &at_no_time),
    ];
    let mut cases: Vec<Case> = cases
        .into_iter()
        .map(|(name, checkpoint)| Case {
            required: Some(1),
            ..Case::new(name, chain.receipt(3, checkpoint).to_string())
        })
        .collect();
    let from = Some(older.note.to_string());
    let proof = chain.consistency(7, &cosigned).to_string();
    cases.push(Case { required: Some(1), from, ..Case::new("a cosigned checkpoint behind", proof) });
    cases
}

#[test]
fn the_vectors_are_what_is_written_and_said() {
    let keys = Keys::new();
    let chain = Chain::new(TENANT, 11);
    let made = [receipts(&chain, &keys), consistencies(&chain, &keys), witnessed(&chain, &keys)].concat();
    let public = [keys.log.verifying_key()];
    let cases = Cases {
        public_key: keys.public_key.clone(),
        witnesses: vec![witness_key(WITNESS, &keys.witness.verifying_key()).to_string()],
        cases: made.into_iter().map(|case| case.judged(&public, &keys.policy)).collect(),
    };
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/receipts.json");
    if std::env::var_os("AF_WRITE_VECTORS").is_some() {
        fs::write(&path, serde_json::to_string_pretty(&cases).unwrap() + "\n").unwrap();
    }
    let kept: Cases = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    for (made, kept) in cases.cases.iter().zip(&kept.cases) {
        assert_eq!(made, kept, "{}", made.name);
    }
    assert!(cases == kept, "AF_WRITE_VECTORS=1 writes {}", path.display());
}
