//! What INFO says, judged.

use std::time::{Duration, UNIX_EPOCH};

use ::redis::InfoDict;
use serde_json::{Value, json};

use crate::validate::health::{Finding, Observation, Status, rfc3339};

/// Of its memory, how many hundredths are many.
const MUCH_MEMORY_PERCENT: u64 = 90;

pub(super) fn observe(info: &InfoDict) -> Observation {
    let text = |key: &str| info.get::<String>(key);
    // What speaks Redis' protocol and is not Redis may not say what it is asked for.
    let mut observation = Observation::default();
    let mut add = |part, finding: Option<Finding>| match finding {
        Some(finding) => observation.findings.push(finding),
        None => observation.not_checked.push((part, "INFO does not say it".to_owned())),
    };
    add("version", text("redis_version").map(|version| Finding::pass("version", version)));
    add("loading", loading(info));
    add("replication", replication(info));
    add("persistence", persistence(info));
    add("memory", memory(info));
    // A replica that has just been started is about to find its master.
    observation.is_starting = text("loading").is_some_and(|loading| loading != "0")
        || text("master_link_status").is_some_and(|link| link != "up");
    observation
}

fn loading(info: &InfoDict) -> Option<Finding> {
    let is_loading = info.get::<String>("loading")? != "0";
    if !is_loading {
        return Some(Finding::pass("loading", false));
    }
    let percent = info.get::<String>("loading_loaded_perc").unwrap_or_else(|| "?".to_owned());
    Some(Finding::problem(
        Status::Fail,
        "loading",
        true,
        format!("it is loading its data: {percent} % so far"),
        "--wait 60s waits until it is done.",
    ))
}

fn replication(info: &InfoDict) -> Option<Finding> {
    const PART: &str = "replication";
    let role: String = info.get("role")?;
    if role == "master" {
        let replicas: u64 = info.get("connected_slaves").unwrap_or(0);
        return Some(Finding::pass(PART, json!({"role": "master", "replicas": replicas})));
    }
    let host = info.get::<String>("master_host").unwrap_or_default();
    let port = info.get::<String>("master_port").unwrap_or_default();
    let link = info.get::<String>("master_link_status").unwrap_or_default();
    let is_read_only = info.get::<String>("slave_read_only").is_some_and(|flag| flag == "1");
    let observed = json!({
        "role": "replica", "master": format!("{host}:{port}"), "link": link, "is_read_only": is_read_only
    });
    if link != "up" {
        let output = format!("it is a replica, and its link to the master at {host} port {port} is {link}");
        let guidance = "Look at the master, at the network between the two, and at masterauth of the replica (its log names the reason).";
        return Some(Finding::problem(Status::Fail, PART, observed, output, guidance));
    }
    if is_read_only {
        let output = format!("it is a read-only replica of {host} port {port}: it refuses all writes");
        let guidance = format!("Point REDIS_URL at the master, {host} port {port}.");
        return Some(Finding::problem(Status::Warn, PART, observed, output, guidance));
    }
    Some(Finding::pass(PART, observed))
}

fn persistence(info: &InfoDict) -> Option<Finding> {
    let bgsave: String = info.get("rdb_last_bgsave_status")?;
    let is_append_only = info.get::<String>("aof_enabled").is_some_and(|flag| flag == "1");
    let append = info.get::<String>("aof_last_write_status").unwrap_or_else(|| "ok".to_owned());
    let last_save = info
        .get::<u64>("rdb_last_save_time")
        .map_or(Value::Null, |seconds| rfc3339(UNIX_EPOCH + Duration::from_secs(seconds)).into());
    let observed = json!({
        "last_save_status": bgsave,
        "last_save": last_save,
        "changes_since": info.get::<u64>("rdb_changes_since_last_save"),
        "append_only": is_append_only,
    });
    let failed = match (bgsave.as_str(), append.as_str()) {
        ("ok", _) if !is_append_only => None,
        ("ok", "ok") => None,
        ("ok", _) => Some("the last write to the append-only file failed"),
        _ => Some("the last background save failed"),
    };
    Some(match failed {
        None => Finding::pass("persistence", observed),
        Some(failed) => Finding::problem(
            Status::Fail,
            "persistence",
            observed,
            format!("{failed}; by default Redis then refuses all writes"),
            "Look at Redis' log, and whether its disk is full (`df`) and its memory suffices to fork; then `redis-cli BGSAVE`.",
        ),
    })
}

fn memory(info: &InfoDict) -> Option<Finding> {
    const PART: &str = "memory";
    let used: u64 = info.get("used_memory")?;
    let limit: u64 = info.get("maxmemory")?;
    let policy: String = info.get("maxmemory_policy").unwrap_or_default();
    let observed = json!({"used_bytes": used, "max_bytes": limit, "policy": policy});
    // Without a limit, and where any key may make room, memory never is the reason for a refusal.
    if limit == 0 || policy.starts_with("allkeys-") {
        return Some(Finding::pass(PART, observed));
    }
    let percent = used.saturating_mul(100) / limit;
    if percent < MUCH_MEMORY_PERCENT {
        return Some(Finding::pass(PART, observed));
    }
    let output = format!("{used} of {limit} bytes are used ({percent} %), and the policy is {policy}");
    let (status, output) = if used < limit {
        (Status::Warn, output)
    } else if policy == "noeviction" {
        (Status::Fail, format!("{output}: it refuses all writes"))
    } else {
        (Status::Warn, format!("{output}: it refuses writes once no key that expires is left"))
    };
    let guidance = "Raise maxmemory, delete what is not needed, or, for a cache, `CONFIG SET maxmemory-policy allkeys-lru`.";
    Some(Finding::problem(status, PART, observed, output, guidance))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WELL: &str = "redis_version:7.0.15\nloading:0\nrole:master\nconnected_slaves:1\nrdb_last_bgsave_status:ok\n\
        rdb_last_save_time:1700000000\nrdb_changes_since_last_save:3\naof_enabled:0\nused_memory:50\nmaxmemory:0\n\
        maxmemory_policy:noeviction\n";

    /// The status of a part when these lines are said as well, and come to count by coming last.
    fn status(part: &str, lines: &str) -> Status {
        let observation = observe(&InfoDict::new(&format!("{WELL}{lines}")));
        let finding = observation.findings.iter().find(|finding| finding.part == part).unwrap();
        assert_eq!(finding.guidance.is_some(), finding.status != Status::Pass, "{finding:?}");
        finding.status
    }

    #[test]
    fn judges_each_part() {
        let replica = "role:slave\nmaster_host:h\nmaster_port:1\nslave_read_only:1\nmaster_link_status:";
        for (part, lines, expected) in [
            ("version", "", Status::Pass),
            ("loading", "", Status::Pass),
            ("loading", "loading:1\nloading_loaded_perc:12.5", Status::Fail),
            ("replication", "", Status::Pass),
            ("replication", &format!("{replica}up"), Status::Warn),
            ("replication", &format!("{replica}down"), Status::Fail),
            ("replication", &format!("{replica}up\nslave_read_only:0"), Status::Pass),
            ("persistence", "", Status::Pass),
            ("persistence", "rdb_last_bgsave_status:err", Status::Fail),
            ("persistence", "aof_enabled:1\naof_last_write_status:err", Status::Fail),
            ("persistence", "aof_enabled:0\naof_last_write_status:err", Status::Pass),
            ("memory", "", Status::Pass),
            ("memory", "maxmemory:56", Status::Pass),
            ("memory", "maxmemory:55", Status::Warn),
            ("memory", "maxmemory:50", Status::Fail),
            ("memory", "maxmemory:40\nmaxmemory_policy:volatile-lru", Status::Warn),
            ("memory", "maxmemory:40\nmaxmemory_policy:allkeys-lru", Status::Pass),
        ] {
            assert_eq!(status(part, lines), expected, "{part}: {lines}");
        }
    }

    #[test]
    fn what_is_not_said_is_not_well() {
        let observation = observe(&InfoDict::new("redis_version:7.0.15\n"));
        let parts: Vec<&str> = observation.not_checked.iter().map(|(part, _)| *part).collect();
        assert_eq!(parts, ["loading", "replication", "persistence", "memory"]);
        assert!(!observation.is_starting);
    }
}
