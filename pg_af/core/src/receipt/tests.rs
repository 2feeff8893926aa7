//! Receipts and proofs of consistency over chains of every small length, and what becomes of them when a byte is changed.

use uuid::Uuid;

use super::*;
use crate::canonical::Json;
use crate::merkle::{CompactRange, Path, consistency_path};
use crate::record::{Record, RecordHasher};
use crate::timestamp::Timestamp;

const TENANT: Uuid = Uuid::from_u128(7);

/// The entries of a chain: records, and their hashes.
fn chain(n: u8) -> Vec<(String, Digest)> {
    let mut hasher = RecordHasher::default();
    let mut entries: Vec<(String, Digest)> = Vec::new();
    for seq in 1..=n {
        let details = format!("{{\"n\":{seq}}}");
        let record = Record {
            hash_version: 1,
            tenant_id: TENANT,
            seq: i64::from(seq),
            id: Uuid::from_u128(u128::from(seq)),
            actor_type: b"user",
            actor_id: "Zoë".as_bytes(),
            action: b"read",
            resource_type: b"document",
            resource_id: None,
            details: Json::Text(details.as_bytes()),
            ts: Timestamp::from_postgres_micros(i64::from(seq)).unwrap(),
        };
        let prev_hash = entries.last().map(|(_, hash)| *hash.as_bytes());
        let hash = hasher.hash(prev_hash.as_ref().map(|hash| &hash[..]), &record).unwrap();
        let mut text = Vec::new();
        hasher.write(&record, &mut text).unwrap();
        entries.push((String::from_utf8(text).unwrap(), hash));
    }
    entries
}

fn origin() -> Origin {
    let (database, schema) = ("app".to_owned(), "public".to_owned());
    Origin { system: 1, database, schema, subject: Subject::Tenant(TENANT), incarnation: 1 }
}

fn checkpoint(entries: &[(String, Digest)]) -> Checkpoint {
    let mut range = CompactRange::starting_at(0);
    entries.iter().for_each(|(_, hash)| range.push(leaf_hash(hash.as_bytes())));
    Checkpoint { origin: origin().to_string(), size: range.end(), root: range.root(), extensions: Vec::new() }
}

fn path(entries: &[(String, Digest)], subtrees: Vec<std::ops::Range<u64>>) -> Vec<Digest> {
    let mut path = Path::new(subtrees);
    entries.iter().for_each(|(_, hash)| path.push(leaf_hash(hash.as_bytes())));
    path.finish().unwrap()
}

fn receipt(entries: &[(String, Digest)], index: usize) -> Receipt {
    Receipt {
        prev_hash: index.checked_sub(1).map(|before| entries[before].1),
        record: entries[index].0.clone(),
        index: index as u64,
        proof: path(entries, inclusion_path(index as u64, entries.len() as u64)),
        checkpoint: format!("{}\n— someone AAAAAAA=\n", checkpoint(entries)),
    }
}

fn holds(receipt: &Receipt) -> bool {
    let text = receipt.checkpoint.split_once("\n\n").map(|(text, _)| format!("{text}\n"));
    let checkpoint = text.and_then(|text| text.parse::<Checkpoint>().ok());
    let origin = checkpoint.as_ref().and_then(|checkpoint| checkpoint.origin.parse().ok());
    checkpoint.zip(origin).is_some_and(|(checkpoint, origin)| receipt.faults(&checkpoint, &origin).is_empty())
}

#[test]
fn every_entry_of_every_small_chain_has_a_receipt() {
    let entries = chain(20);
    for size in 1..=entries.len() {
        for index in 0..size {
            let receipt = receipt(&entries[..size], index);
            assert_eq!(receipt.entry_hash(), entries[index].1);
            assert!(holds(&receipt), "{index} of {size}");
            assert_eq!(receipt.to_string().parse(), Ok(receipt));
        }
    }
}

/// The proof of a receipt is not malleable: whatever byte is changed, it does not hold. Changes of the checkpoint that the
/// hashes do not show are the signature's; here they are left out.
#[test]
fn no_byte_can_be_changed() {
    let entries = chain(7);
    for index in [0, 4, 6] {
        let text = receipt(&entries, index).to_string();
        let end = text.find("\n\n").unwrap() + 1;
        for at in 0..end {
            for with in ["", "A", "0", "9", "=", "\n", " "] {
                let Some(rest) = text.get(at + 1..) else { continue };
                let Some(before) = text.get(..at) else { continue };
                let edited = format!("{before}{with}{rest}");
                assert!(
                    edited == text
                        || edited.parse::<Receipt>().is_ok_and(|receipt| !holds(&receipt))
                        || edited.parse::<Receipt>().is_err(),
                    "{edited}"
                );
            }
        }
    }
}

#[test]
fn each_fault_has_its_name() {
    let entries = chain(7);
    let sound = receipt(&entries, 4);
    let head = checkpoint(&entries);
    let edit = |change: &dyn Fn(&mut Receipt)| {
        let mut edited = sound.clone();
        change(&mut edited);
        edited.faults(&head, &origin()).iter().map(Fault::as_str).collect::<Vec<_>>()
    };
    assert!(edit(&|_| {}).is_empty());
    type Change<'a> = &'a dyn Fn(&mut Receipt);
    let cases: [(&[&str], Change<'_>); 15] = [
        (&["not_included"], &|receipt| receipt.prev_hash = Some(Digest::from([1; 32]))),
        (&["not_included", "link"], &|receipt| receipt.prev_hash = None),
        (&["not_included"], &|receipt| receipt.record = receipt.record.replace("read", "seen")),
        (&["not_included", "place"], &|receipt| {
            receipt.record = receipt.record.replace("\"seq\":5", "\"seq\":6")
        }),
        (&["not_included", "tenant"], &|receipt| receipt.record = receipt.record.replace("0007\"", "0008\"")),
        (&["not_included", "record"], &|receipt| receipt.record.push(' ')),
        (&["not_included", "unknown_version"], &|receipt| {
            receipt.record = receipt.record.replace("\"v\":1", "\"v\":2")
        }),
        (&["not_included", "place"], &|receipt| receipt.index = 5),
        (&["proof_length", "place"], &|receipt| receipt.index = 6),
        (&["outside", "place"], &|receipt| receipt.index = 7),
        (&["outside", "place"], &|receipt| receipt.index = u64::MAX),
        (&["not_included"], &|receipt| receipt.proof[2] = Digest::from([1; 32])),
        (&["not_included"], &|receipt| receipt.proof.swap(0, 1)),
        (&["proof_length"], &|receipt| receipt.proof.truncate(2)),
        (&["proof_length"], &|receipt| receipt.proof.push(Digest::from([1; 32]))),
    ];
    for (expected, change) in cases {
        assert_eq!(edit(change), expected);
    }
    // Sizes that have the same way to the root only the signature tells apart.
    let larger = |size| sound.faults(&Checkpoint { size, ..head.clone() }, &origin());
    assert_eq!((larger(8), larger(9)[0].as_str()), (vec![], "proof_length"));
    let ledger = origin().about(Subject::Ledger);
    assert_eq!(sound.faults(&head, &ledger)[0].as_str(), "tenant");
    // What nobody can have edited, and this build does not know, is no finding.
    let unknown = Fault::Record(RecordError::UnknownVersion(2).into());
    assert!(!unknown.is_finding() && Fault::Record(ReadError::NotCanonical).is_finding());
}

#[test]
fn what_is_no_receipt_is_told_from_what_is_damaged() {
    let text = receipt(&chain(3), 1).to_string();
    for (edited, is_damaged) in [
        (String::new(), false),
        ("hello\n".to_owned(), false),
        (text.replacen("proof@v1", "proof@v11", 1), false),
        (text.replacen("proof@v1", "proof@v2", 1), false),
        (text.replacen("extra", "Extra", 1), true),
        (text.replacen("extra ", "extra  ", 1), true),
        (text.replacen("index 1", "index 01", 1), true),
        (text.replacen("index 1", "index +1", 1), true),
        (text.replacen("index 1", "index 99999999999999999999", 1), true),
        (text.replacen("index 1\n", "index 1\nhash\n", 1), true),
        (
            text.replacen(
                "index 1\n",
                &format!("index 1\n{}", format!("{}\n", BASE64.encode([0; 32])).repeat(64)),
                1,
            ),
            true,
        ),
        (text.replace('\n', "\r\n"), false),
        (text.replacen("\n\n", "\n", 2), true),
        (text[..text.find("index").unwrap()].to_owned(), true),
    ] {
        let error = edited.parse::<Receipt>().unwrap_err();
        assert_eq!(matches!(error, ReceiptError::Damaged(_)), is_damaged, "{edited}: {error}");
    }
    let upper = receipt(&chain(3), 1);
    let extra = format!("{}\n{}", upper.prev_hash.unwrap().to_string().to_uppercase(), upper.record);
    let edited = format!("{HEADER}\nextra {}\nindex 1\n\n", BASE64.encode(extra));
    assert!(matches!(edited.parse::<Receipt>(), Err(ReceiptError::Damaged(_))));
}

#[test]
fn a_checkpoint_continues_an_older_one_or_not() {
    let entries = chain(11);
    let other = chain(11).into_iter().map(|(record, _)| (record, Digest::from([5; 32]))).collect::<Vec<_>>();
    let proof = |old: usize, new: usize| Consistency {
        old_size: old as u64,
        proof: path(&entries[..new], consistency_path(old as u64, new as u64)),
        checkpoint: format!("{}\n— someone AAAAAAA=\n", checkpoint(&entries[..new])),
    };
    let heads: Vec<Checkpoint> = (0..=entries.len()).map(|n| checkpoint(&entries[..n])).collect();
    for new in 1..heads.len() {
        for old in 1..=new {
            let proof = proof(old, new);
            assert_eq!(proof.fault(&heads[old], &heads[new]), None, "{old} to {new}");
            assert_eq!(proof.to_string().parse(), Ok(proof.clone()));
            let forked = proof.fault(&checkpoint(&other[..old]), &heads[new]).unwrap();
            assert_eq!(forked.as_str(), "not_continued", "{old} to {new}");
        }
    }
    let elsewhere = Checkpoint { origin: "pg_af/2/app/public/ledger/1".to_owned(), ..heads[3].clone() };
    let mut longer = proof(3, 7);
    longer.proof.push(Digest::from([1; 32]));
    for (fault, expected) in [
        (proof(3, 7).fault(&elsewhere, &heads[7]), "other_origin"),
        (proof(3, 7).fault(&heads[4], &heads[7]), "other_beginning"),
        (proof(3, 7).fault(&heads[7], &heads[3]), "shorter"),
        (longer.fault(&heads[3], &heads[7]), "proof_length"),
        (proof(3, 7).fault(&heads[3], &checkpoint(&other[..7])), "not_continued"),
    ] {
        assert_eq!(fault.unwrap().as_str(), expected);
    }
    let text = proof(3, 7).to_string();
    for (edited, expected) in [
        ("hello\n".to_owned(), ConsistencyError::Other),
        (
            text.replacen("old 3", "old 03", 1),
            ConsistencyError::Damaged("\"old\" has no number of entries behind it"),
        ),
        (
            text.replacen("\n\n", "\n", 1),
            ConsistencyError::Damaged("a line of the proof is no hash in Base64"),
        ),
        (
            text.replacen("old 3\n", "old 3\nx\n", 1),
            ConsistencyError::Damaged("a line of the proof is no hash in Base64"),
        ),
        ("old 3\n".to_owned(), ConsistencyError::Damaged("no checkpoint follows behind an empty line")),
    ] {
        assert_eq!(edited.parse::<Consistency>(), Err(expected), "{edited}");
    }
}
