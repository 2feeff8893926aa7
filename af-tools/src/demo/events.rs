//! Events as a busy company might record them; the same ones each time.

use std::fmt::Write;

/// Names of tenants as they come: some do not fit into ASCII.
const TENANTS: [&str; 5] =
    ["Acme Manufacturing", "Bergström & Søn", "東京物流", "Zoë's Café", "Northwind Health"];
const PEOPLE: [&str; 6] = ["alice", "bjørn", "chloé", "dmitri", "eun-ji", "fatima"];
const AGENTS: [&str; 3] = ["invoice-matcher", "support-triage", "inventory-planner"];
/// 2026-03-02, a Monday.
const FIRST_DAY: u64 = 2;
const SECONDS_PER_DAY: u64 = 86_400;
const SECONDS_PER_EVENT: u64 = 379;

/// `count` lines for `audit import`.
pub fn generate(count: u64) -> Vec<u8> {
    let mut random = SplitMix(0x5eed);
    let mut out = String::new();
    for index in 0..count {
        let second = index * SECONDS_PER_EVENT + random.below(SECONDS_PER_EVENT);
        write_event(&mut out, second, &mut random);
    }
    out.into_bytes()
}

/// What happened, to what, and the details as JSON.
struct Happening {
    actor_type: &'static str,
    actor_id: String,
    action: &'static str,
    resource_type: &'static str,
    resource_id: Option<String>,
    details: String,
}

fn write_event(out: &mut String, second: u64, random: &mut SplitMix) {
    let tenant = random.pick(&TENANTS);
    let happening = match random.below(10) {
        0..3 => payment(random),
        3..5 => document(random),
        5..8 => tool_call(random),
        8 => login(random),
        _ => grant(random),
    };
    let resource_id = happening.resource_id.map_or_else(|| "null".to_owned(), |id| quote(&id));
    let (day, time) = (FIRST_DAY + second / SECONDS_PER_DAY, second % SECONDS_PER_DAY);
    // Writing to a String cannot fail.
    let _ = writeln!(
        out,
        r#"{{"tenant":{},"actor_type":"{}","actor_id":{},"action":"{}","resource_type":"{}","resource_id":{resource_id},"ts":"2026-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z","details":{}}}"#,
        quote(tenant),
        happening.actor_type,
        quote(&happening.actor_id),
        happening.action,
        happening.resource_type,
        // Months of 28 days are months enough.
        3 + (day - 1) / 28 % 10,
        1 + (day - 1) % 28,
        time / 3600,
        time / 60 % 60,
        time % 60,
        random.below(1000),
        happening.details,
    );
}

fn payment(random: &mut SplitMix) -> Happening {
    let (whole, cents) = (random.below(4_000) + 5, random.below(100));
    let supplier =
        random.pick(&["Müller GmbH", "Ørsted A/S", "Café \"Le Chat\"", "北海道製菓", "Smith & Sons"]);
    Happening {
        actor_type: "user",
        actor_id: random.pick(&PEOPLE).to_owned(),
        action: "payment.approve",
        resource_type: "payment",
        resource_id: Some(format!("pay-{:06}", random.below(1_000_000))),
        details: format!(
            r#"{{"amount":{whole}.{cents:02},"currency":"EUR","supplier":{},"invoice":{{"number":{},"due":null}},"approvals":[{},{}]}}"#,
            quote(supplier),
            // Beyond 2^53, where a double would round.
            9_007_199_254_740_993 + random.below(1_000),
            quote(random.pick(&PEOPLE)),
            quote(random.pick(&PEOPLE)),
        ),
    }
}

fn document(random: &mut SplitMix) -> Happening {
    let revision = random.below(40) + 1;
    Happening {
        actor_type: "user",
        actor_id: random.pick(&PEOPLE).to_owned(),
        action: random.pick(&["document.update", "document.export", "document.share"]),
        resource_type: "document",
        resource_id: Some(format!("doc-{}", random.below(500))),
        details: format!(
            r#"{{"title":{},"revision":{{"from":{revision},"to":{}}},"size_kb":{}.{},"tags":["draft",{}],"comment":null}}"#,
            quote(random.pick(&[
                "Angebot für Kühlräume",
                "見積書",
                "Quarterly report",
                "Résumé 🙂",
                "Line\nbreak"
            ])),
            revision + 1,
            random.below(900),
            random.below(10),
            quote(random.pick(&["q1", "überarbeitet", "機密"])),
        ),
    }
}

fn tool_call(random: &mut SplitMix) -> Happening {
    let (input, output) = (random.below(8_000), random.below(2_000));
    Happening {
        actor_type: "agent",
        actor_id: random.pick(&AGENTS).to_owned(),
        action: "tool.call",
        resource_type: "tool",
        resource_id: Some(random.pick(&["sql.query", "mail.send", "erp.lookup"]).to_owned()),
        details: format!(
            r#"{{"trace":"{:016x}","tokens":{{"input":{input},"output":{output}}},"cost_usd":0.{:05},"arguments":{{"limit":{},"filters":[{{"field":"status","op":"in","value":["open",null]}}],"dry_run":{}}},"result":{}}}"#,
            random.next(),
            random.below(100_000),
            random.below(100),
            random.below(2) == 0,
            random.pick(&["\"ok\"", "\"rate limited\"", "null", "{\"rows\":0}"]),
        ),
    }
}

fn login(random: &mut SplitMix) -> Happening {
    Happening {
        actor_type: "user",
        actor_id: random.pick(&PEOPLE).to_owned(),
        action: "session.login",
        resource_type: "session",
        resource_id: None,
        details: format!(
            r#"{{"ip":"198.51.100.{}","mfa":{},"risk":{}e-3,"client":"Firefox/1{:02} (X11; Linux x86_64)"}}"#,
            random.below(255),
            random.below(3) > 0,
            random.below(1000),
            random.below(60)
        ),
    }
}

fn grant(random: &mut SplitMix) -> Happening {
    Happening {
        actor_type: "service",
        actor_id: "iam".to_owned(),
        action: random.pick(&["role.grant", "role.revoke"]),
        resource_type: "role",
        resource_id: Some(random.pick(&["auditor", "treasurer", "admin"]).to_owned()),
        details: format!(
            r#"{{"member":{},"expires":null,"scopes":["read",{}],"ticket":{}}}"#,
            quote(random.pick(&PEOPLE)),
            quote(random.pick(&["write", "approve", "délégation"])),
            random.below(90_000) + 10_000
        ),
    }
}

/// A JSON string.
fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// SplitMix64 (Steele, Lea, Flood 2014): small, and the same everywhere.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`, which must not be 0.
    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[(self.next() % from.len() as u64) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_json_and_always_the_same() {
        let lines = generate(3_000);
        assert_eq!(lines, generate(3_000));
        let mut count = 0;
        for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            serde_json::from_slice::<serde_json::Value>(line).unwrap();
            count += 1;
        }
        assert_eq!(count, 3_000);
    }
}
