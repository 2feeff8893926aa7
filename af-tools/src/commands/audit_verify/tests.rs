//! What a verification's outcome means: exit codes, text and JSON.

use std::collections::BTreeMap;

use super::*;
use crate::audit::verify::{After, Chain, Finding, Method};
use crate::cli::proof::WitnessArgs;
use crate::output::{Report, Verbosity};

fn finding() -> Finding {
    Finding {
        tenant_id: Some(Uuid::from_u128(1)),
        seq: Some(7),
        id: Some(Uuid::from_u128(2)),
        finding: "altered".to_owned(),
        detail: "the content hashes to x".to_owned(),
    }
}

fn verification(status: Status) -> Verification {
    let first_finding = (status == Status::Tampered).then(finding);
    let chain = Chain {
        tenant_id: Some(Uuid::from_u128(1)),
        tenant: Some("acme".to_owned()),
        after: None,
        status,
        entries: 9,
        head_seq: Some(9),
        head_hash: Some("ab".repeat(32)),
        findings: u64::from(first_finding.is_some()),
        first_finding: first_finding.clone(),
        note: None,
        checkpoints: Vec::new(),
        proven_seq: None,
    };
    Verification {
        status,
        method: Method::Outside,
        jobs: 1,
        relation: "public.audits".to_owned(),
        may_hide_rows: false,
        entries: 9,
        seconds: 0.5,
        entries_per_second: Some(18.0),
        findings_total: chain.findings,
        chains: vec![chain],
        findings: first_finding.into_iter().collect(),
        identity: None,
        trees: BTreeMap::new(),
    }
}

fn scope(allow_empty: bool, allow_new: bool) -> ScopeArgs {
    ScopeArgs {
        tenants: Vec::new(),
        in_database: false,
        since: Vec::new(),
        full: false,
        checkpoints: Vec::new(),
        public_keys: Vec::new(),
        witnesses: WitnessArgs { witnesses: Vec::new(), required: None },
        allow_new,
        jobs: 1,
        allow_empty,
        no_guards: false,
        max_findings: 1,
    }
}

#[test]
fn exit_codes() {
    for (status, allow_empty, exit) in [
        (Status::Ok, false, Exit::DONE),
        (Status::Empty, false, Exit::NOT_PROVABLE),
        (Status::Empty, true, Exit::DONE),
        (Status::Partial, true, Exit::NOT_PROVABLE),
        (Status::Tampered, true, Exit::FINDING),
    ] {
        let report = VerifyReport::new(verification(status), false, Guards::Skipped);
        assert_eq!(judge(&report, &scope(allow_empty, false)).0, exit, "{status:?}");
    }
}

#[test]
fn guards_that_were_not_compared_leave_something_unproven() {
    let judged = |status, is_foreign| {
        let guards = Guards::NotCompared { reason: "x".to_owned(), is_foreign };
        judge(&VerifyReport::new(verification(status), false, guards), &scope(true, false))
    };
    assert_eq!(judged(Status::Ok, true), (Exit::DONE, None));
    for status in [Status::Ok, Status::Empty] {
        let (exit, error) = judged(status, false);
        assert_eq!(exit, Exit::NOT_PROVABLE);
        assert!(error.unwrap().message.ends_with("the guards were not compared: x"));
    }
    // What was found in the chains matters more.
    assert_eq!(judged(Status::Tampered, false).0, Exit::FINDING);
}

#[test]
fn a_chain_without_checkpoint_is_not_passed_over() {
    let mut proven = verification(Status::Ok);
    proven.chains[0].proven_seq = Some(7);
    proven.chains[0].checkpoints.push(verify::Comparison {
        size: 7,
        source: "a".to_owned(),
        outcome: verify::Outcome::Holds,
        reason: None,
    });
    let report = VerifyReport::new(proven.clone(), true, Guards::Skipped);
    assert_eq!((report.is_tail_proven, judge(&report, &scope(false, false)).0), (true, Exit::DONE));
    proven.chains.push(verification(Status::Ok).chains.remove(0));
    let report = VerifyReport::new(proven, true, Guards::Skipped);
    assert_eq!((report.is_tail_proven, report.without_checkpoint), (false, Some(1)));
    assert_eq!(judge(&report, &scope(false, false)).0, Exit::NOT_PROVABLE);
    assert_eq!(judge(&report, &scope(false, true)).0, Exit::DONE);
}

#[test]
fn text_names_the_entry_and_the_limits_of_the_proof() {
    let text = |status| {
        let mut out = Vec::new();
        VerifyReport::new(verification(status), false, Guards::Skipped)
            .write_text(&mut out, Verbosity::Normal)
            .unwrap();
        String::from_utf8(out).unwrap()
    };
    assert!(text(Status::Ok).contains("the tail is not provable without a checkpoint"));
    let tampered = text(Status::Tampered);
    assert!(tampered.contains("altered at seq 7"), "{tampered}");
    assert!(tampered.contains("id 00000000-0000-0000-0000-000000000002"), "{tampered}");
    assert!(tampered.ends_with("tampered: 1 of 1 chain\n"), "{tampered}");
}

#[test]
fn what_was_not_read_is_said() {
    let mut since = verification(Status::Ok);
    since.chains[0].after = Some(After { seq: 5, hash: "cd".repeat(32) });
    let report = VerifyReport::new(since, false, Guards::Skipped);
    let mut out = Vec::new();
    report.write_text(&mut out, Verbosity::Normal).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(text.contains("entries before seq 5 were not read"), "{text}");
    assert!(text.contains("in 1 chain: older entries were not\n"), "{text}");
    let json = serde_json::to_value(report).unwrap();
    assert_eq!(json["chains"][0]["after"]["seq"], 5);
    assert_eq!(json["chains"][0]["after"]["hash"].as_str().map(str::len), Some(64));
}

#[test]
fn the_json_names_what_scripts_need() {
    let json =
        serde_json::to_value(VerifyReport::new(verification(Status::Tampered), false, Guards::Skipped))
            .unwrap();
    assert_eq!(json["status"], "tampered");
    assert_eq!(json["method"], "outside");
    assert_eq!((&json["entries"], &json["findings_total"]), (&9.into(), &1.into()));
    assert_eq!(json["is_tail_proven"], false);
    let chain = &json["chains"][0];
    assert_eq!((&chain["tenant"], &chain["head_seq"]), (&"acme".into(), &9.into()));
    assert_eq!(chain["head_hash"].as_str().map(str::len), Some(64));
    assert_eq!(json["findings"][0], chain["first_finding"]);
    assert_eq!(
        (&json["findings"][0]["seq"], &json["findings"][0]["finding"]),
        (&7.into(), &"altered".into())
    );
}
