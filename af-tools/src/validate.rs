//! Whether the services are well that pg_af's platform works with: PostgreSQL, Redis and Qdrant.
//!
//! A [`Plan`] says what is checked. [`round`] checks all of it once, concurrently, and gives a [`Health`]; whoever wants
//! to keep watching calls it again. Each attempt on a service runs in a thread of its own and is given up when its time
//! is over, whatever it waits for: a black hole, a name server, a stopped process.
//!
//! Nothing here changes a service, and no message has a password in it.

mod attempts;
mod cause;
mod health;
pub mod metrics;
mod plan;
mod postgres;
mod qdrant;
mod reach;
mod redis;
mod service;

use std::thread;
use std::time::SystemTime;

pub use self::attempts::Patience;
pub use self::cause::{Cause, Trouble};
pub use self::health::{Finding, Health, NotChecked, ServiceHealth, Status};
pub use self::plan::{Error, Places, Plan, Selection};
pub use self::service::Service;

use self::attempts::Attempts;
use self::plan::Task;

/// Checks everything once. Returns nothing if `is_stopped` says so before it is done.
pub fn round(plan: &Plan, is_stopped: &(dyn Fn() -> bool + Sync)) -> Option<Health> {
    let time = SystemTime::now();
    let services: Option<Vec<ServiceHealth>> = thread::scope(|scope| {
        let running: Vec<_> =
            plan.tasks.iter().map(|task| scope.spawn(|| check(task, &plan.patience, is_stopped))).collect();
        // A panic of a check is one of ours, and none of its health.
        running
            .into_iter()
            .map(|one| one.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    Some(Health { time, services: services?, not_checked: plan.skipped.clone() })
}

fn check(task: &Task, patience: &Patience, is_stopped: &dyn Fn() -> bool) -> Option<ServiceHealth> {
    let target = task.target.clone();
    let service = task.target.service();
    let Attempts { last, count, latency } =
        attempts::run(service, patience, move |limits| target.probe(limits), is_stopped)?;
    let (trouble, findings, not_checked) = match last {
        Ok(observation) => (None, observation.findings, observation.not_checked),
        Err(trouble) => (Some(trouble), Vec::new(), Vec::new()),
    };
    let not_checked = not_checked
        .into_iter()
        .map(|(part, reason)| NotChecked { service, part: Some(part), reason })
        .collect();
    Some(ServiceHealth {
        service,
        is_required: task.is_required,
        address: task.target.address(),
        time: SystemTime::now(),
        latency,
        attempts: count,
        trouble,
        findings,
        not_checked,
    })
}
