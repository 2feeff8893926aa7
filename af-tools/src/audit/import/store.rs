//! The server's side of an import: tenants are resolved and events inserted, batch by batch.

use std::collections::HashMap;
use std::ops::Range;

use af_queries::queries::tenants;
use postgres::{Client, Statement, Transaction};
use uuid::Uuid;

use super::line::{Event, Tenant};
use super::{Error, Refusal};
use crate::audit::columns::AUDIT_COLUMNS;
use crate::relation::Relation;
use crate::server::ServerError;

/// Enough to spread the cost of a round trip, little enough to be halved often.
const BATCH_EVENTS: usize = 2_000;
const BATCH_BYTES: usize = 4 << 20;

/// Memory for tenants that are known; beyond it they are looked up again.
const KNOWN_TENANTS_BYTES: usize = 16 << 20;

/// An import's transaction, and the batch that goes into it next.
pub(super) struct Store<'a> {
    transaction: Transaction<'a>,
    insert: Statement,
    batch: Vec<(u64, Event)>,
    batch_bytes: usize,
    tenants: HashMap<Tenant, Uuid>,
    tenants_bytes: usize,
    stored: u64,
    tenants_created: u64,
}

fn doing<E: Into<ServerError>>(doing: &'static str) -> impl FnOnce(E) -> Error {
    move |error| Error::Server { doing, source: error.into() }
}

impl<'a> Store<'a> {
    pub(super) fn begin(client: &'a mut Client) -> Result<Self, Error> {
        const MAY_INSERT: &str = "SELECT has_any_column_privilege($1::oid, 'INSERT')";
        let mut transaction = client.transaction().map_err(doing("begin a transaction"))?;
        let audits = Relation::find_with_columns(&mut transaction, "audits", &AUDIT_COLUMNS)?;
        Relation::find(&mut transaction, "tenants")?;
        let may_insert =
            transaction.query_one(MAY_INSERT, &[&audits.oid]).map_err(doing("check privileges"))?;
        if !may_insert.get::<_, bool>(0) {
            return Err(Error::NoPrivilege(audits.name));
        }
        // Not one of sql/queries: what is generated prepares a statement without rows anew each time, and this one runs
        // for each batch. The rows of a function come in order, and an INSERT is never parallel: so entries are chained
        // in the order of the file.
        let insert = format!(
            "INSERT INTO {} (tenant_id, ts, actor_type, actor_id, action, resource_type, resource_id, details) \
             SELECT e.tenant_id, e.ts::timestamptz, e.actor_type, e.actor_id, e.action, e.resource_type, e.resource_id, e.details::jsonb \
             FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[]) \
             AS e (tenant_id, ts, actor_type, actor_id, action, resource_type, resource_id, details)",
            audits.name
        );
        let insert = transaction.prepare(&insert).map_err(doing("prepare the insertion"))?;
        Ok(Self {
            transaction,
            insert,
            batch: Vec::new(),
            batch_bytes: 0,
            tenants: HashMap::new(),
            tenants_bytes: 0,
            stored: 0,
            tenants_created: 0,
        })
    }

    pub(super) fn stored(&self) -> u64 {
        self.stored
    }

    pub(super) fn tenants_created(&self) -> u64 {
        self.tenants_created
    }

    pub(super) fn add(&mut self, line: u64, event: Event) {
        self.batch_bytes += event.size_bytes();
        self.batch.push((line, event));
    }

    pub(super) fn is_batch_full(&self) -> bool {
        self.batch.len() >= BATCH_EVENTS || self.batch_bytes >= BATCH_BYTES
    }

    /// Stores the batch. Returns the lines that were refused.
    pub(super) fn flush(&mut self) -> Result<Vec<Refusal>, Error> {
        let batch = std::mem::take(&mut self.batch);
        self.batch_bytes = 0;
        if self.tenants_bytes > KNOWN_TENANTS_BYTES {
            self.tenants.clear();
            self.tenants_bytes = 0;
        }
        let mut flush = Flush { store: self, refusals: Vec::new() };
        let rows = flush.resolve_tenants(&batch)?;
        flush.insert(&rows, 0..rows.len())?;
        let mut refusals = flush.refusals;
        refusals.sort_by_key(|refusal| refusal.line);
        Ok(refusals)
    }

    pub(super) fn commit(self) -> Result<(), Error> {
        self.transaction.commit().map_err(|error| {
            let source = ServerError::from(error);
            if source.is_lost() {
                Error::InDoubt(source)
            } else {
                Error::Server { doing: "commit the import", source }
            }
        })
    }

    pub(super) fn roll_back(self) -> Result<(), Error> {
        self.transaction.rollback().map_err(doing("roll the import back"))
    }

    /// Does `work` in a savepoint. `Ok(Err(_))` is a refusal that is one row's fault, and undone.
    fn attempt<T>(
        &mut self,
        what: &'static str,
        work: impl FnOnce(&mut Transaction<'a>, &Statement) -> Result<T, postgres::Error>,
    ) -> Result<Result<T, ServerError>, Error> {
        let step = |transaction: &mut Transaction<'a>, sql: &str| {
            transaction.batch_execute(sql).map_err(doing(what))
        };
        step(&mut self.transaction, "SAVEPOINT af_import")?;
        match work(&mut self.transaction, &self.insert).map_err(ServerError::from) {
            Ok(done) => {
                step(&mut self.transaction, "RELEASE SAVEPOINT af_import")?;
                Ok(Ok(done))
            }
            Err(refused) if refused.blames_a_row() => {
                step(&mut self.transaction, "ROLLBACK TO SAVEPOINT af_import; RELEASE SAVEPOINT af_import")?;
                Ok(Err(refused))
            }
            Err(source) => Err(Error::Server { doing: what, source }),
        }
    }
}

/// An event that knows its tenant.
struct Row<'a> {
    line: u64,
    tenant_id: Uuid,
    event: &'a Event,
}

/// One batch on its way.
struct Flush<'a, 'store> {
    store: &'a mut Store<'store>,
    refusals: Vec<Refusal>,
}

impl Flush<'_, '_> {
    fn resolve_tenants<'b>(&mut self, batch: &'b [(u64, Event)]) -> Result<Vec<Row<'b>>, Error> {
        let mut rows = Vec::with_capacity(batch.len());
        let mut refused: HashMap<&Tenant, String> = HashMap::new();
        for (line, event) in batch {
            let tenant = &event.tenant;
            let is_known = self.store.tenants.contains_key(tenant) || refused.contains_key(tenant);
            if !is_known && let Err(reason) = self.resolve_tenant(tenant)? {
                refused.insert(tenant, reason);
            }
            match self.store.tenants.get(tenant) {
                Some(tenant_id) => rows.push(Row { line: *line, tenant_id: *tenant_id, event }),
                None => {
                    let reason = refused.get(tenant).cloned().unwrap_or_default();
                    self.refusals.push(Refusal { line: *line, reason });
                }
            }
        }
        Ok(rows)
    }

    /// Finds a tenant, or creates one by that name.
    fn resolve_tenant(&mut self, tenant: &Tenant) -> Result<Result<(), String>, Error> {
        let found = self.store.attempt("find or create a tenant", |transaction, _| match tenant {
            Tenant::Id(id) => {
                let is_there = tenants::exists().bind(transaction, id).one()?;
                Ok((is_there.then_some(*id), false))
            }
            Tenant::Name(name) => {
                if let Some(id) = tenants::get_id_by_name().bind(transaction, name).opt()? {
                    return Ok((Some(id), false));
                }
                match tenants::create_if_new().bind(transaction, name).opt()? {
                    Some(id) => Ok((Some(id), true)),
                    // Another session was quicker, and has committed: now the name can be seen.
                    None => Ok((tenants::get_id_by_name().bind(transaction, name).opt()?, false)),
                }
            }
        })?;
        match found {
            Ok((Some(id), is_new)) => {
                self.store.tenants.insert(tenant.clone(), id);
                self.store.tenants_bytes += tenant.size_bytes() + size_of::<Uuid>();
                self.store.tenants_created += u64::from(is_new);
                Ok(Ok(()))
            }
            Ok((None, _)) => Ok(Err(match tenant {
                Tenant::Id(id) => format!("tenant: there is no tenant with id {id}"),
                Tenant::Name(_) => {
                    "tenant: the name is taken, but this role cannot see whose it is".to_owned()
                }
            })),
            Err(refused) => Ok(Err(format!("tenant: {refused}"))),
        }
    }

    /// Inserts these rows, in halves where some are refused.
    fn insert(&mut self, rows: &[Row<'_>], range: Range<usize>) -> Result<(), Error> {
        // Ranges still to be inserted, the next one last.
        let mut ranges = vec![range];
        while let Some(range) = ranges.pop() {
            let part = &rows[range.clone()];
            if part.is_empty() {
                continue;
            }
            match self
                .store
                .attempt("insert entries", |transaction, insert| insert_rows(transaction, insert, part))?
            {
                Ok(count) => self.store.stored += count,
                Err(refused) if part.len() == 1 => {
                    self.refusals.push(Refusal { line: part[0].line, reason: refused.to_string() });
                }
                Err(_) => {
                    let middle = range.start + part.len() / 2;
                    ranges.push(middle..range.end);
                    ranges.push(range.start..middle);
                }
            }
        }
        Ok(())
    }
}

fn insert_rows(
    transaction: &mut Transaction<'_>,
    insert: &Statement,
    rows: &[Row<'_>],
) -> Result<u64, postgres::Error> {
    fn column<'a, T>(rows: &'a [Row<'a>], value: impl Fn(&'a Row<'a>) -> T) -> Vec<T> {
        rows.iter().map(value).collect()
    }
    transaction.execute(
        insert,
        &[
            &column(rows, |row| row.tenant_id),
            &column(rows, |row| row.event.ts.as_deref()),
            &column(rows, |row| row.event.actor_type.as_str()),
            &column(rows, |row| row.event.actor_id.as_str()),
            &column(rows, |row| row.event.action.as_str()),
            &column(rows, |row| row.event.resource_type.as_str()),
            &column(rows, |row| row.event.resource_id.as_deref()),
            &column(rows, |row| row.event.details.as_str()),
        ],
    )
}
