// This file was generated with `cornucopia`. Do not modify.

#[derive(Debug)]
pub struct RecordParams<
    T1: crate::StringSql,
    T2: crate::StringSql,
    T3: crate::StringSql,
    T4: crate::ArraySql<Item = uuid::Uuid>,
    T5: crate::StringSql,
    T6: crate::StringSql,
    T7: crate::StringSql,
    T8: crate::StringSql,
> {
    pub seconds: f64,
    pub method: T1,
    pub version: T2,
    pub relation: T3,
    pub tenants: Option<T4>,
    pub chains: i64,
    pub entries: i64,
    pub findings: i64,
    pub status: T5,
    pub guards: T6,
    pub checkpoint: Option<T7>,
    pub since: Option<T8>,
}
#[derive(Debug, Clone, PartialEq)]
pub struct Verification {
    pub id: uuid::Uuid,
    pub started_at: time::OffsetDateTime,
    pub finished_at: time::OffsetDateTime,
    pub verified_by: String,
    pub method: String,
    pub version: String,
    pub relation: String,
    pub tenants: Option<Vec<uuid::Uuid>>,
    pub chains: i64,
    pub entries: i64,
    pub findings: i64,
    pub status: String,
    pub guards: String,
    pub checkpoint: Option<String>,
    pub since: Option<String>,
}
pub struct VerificationBorrowed<'a> {
    pub id: uuid::Uuid,
    pub started_at: time::OffsetDateTime,
    pub finished_at: time::OffsetDateTime,
    pub verified_by: &'a str,
    pub method: &'a str,
    pub version: &'a str,
    pub relation: &'a str,
    pub tenants: Option<crate::ArrayIterator<'a, uuid::Uuid>>,
    pub chains: i64,
    pub entries: i64,
    pub findings: i64,
    pub status: &'a str,
    pub guards: &'a str,
    pub checkpoint: Option<&'a str>,
    pub since: Option<&'a str>,
}
impl<'a> From<VerificationBorrowed<'a>> for Verification {
    fn from(
        VerificationBorrowed {
            id,
            started_at,
            finished_at,
            verified_by,
            method,
            version,
            relation,
            tenants,
            chains,
            entries,
            findings,
            status,
            guards,
            checkpoint,
            since,
        }: VerificationBorrowed<'a>,
    ) -> Self {
        Self {
            id,
            started_at,
            finished_at,
            verified_by: verified_by.into(),
            method: method.into(),
            version: version.into(),
            relation: relation.into(),
            tenants: tenants.map(|v| v.map(|v| v).collect()),
            chains,
            entries,
            findings,
            status: status.into(),
            guards: guards.into(),
            checkpoint: checkpoint.map(|v| v.into()),
            since: since.map(|v| v.into()),
        }
    }
}
use crate::client::sync::GenericClient;
use postgres::fallible_iterator::FallibleIterator;
pub struct UuidUuidQuery<'c, 'a, 's, C: GenericClient, T, const N: usize> {
    client: &'c mut C,
    params: [&'a (dyn postgres_types::ToSql + Sync); N],
    query: &'static str,
    cached: Option<&'s postgres::Statement>,
    extractor: fn(&postgres::Row) -> Result<uuid::Uuid, postgres::Error>,
    mapper: fn(uuid::Uuid) -> T,
}
impl<'c, 'a, 's, C, T: 'c, const N: usize> UuidUuidQuery<'c, 'a, 's, C, T, N>
where
    C: GenericClient,
{
    pub fn map<R>(self, mapper: fn(uuid::Uuid) -> R) -> UuidUuidQuery<'c, 'a, 's, C, R, N> {
        UuidUuidQuery {
            client: self.client,
            params: self.params,
            query: self.query,
            cached: self.cached,
            extractor: self.extractor,
            mapper,
        }
    }
    pub fn one(self) -> Result<T, postgres::Error> {
        let row = crate::client::sync::one(self.client, self.query, &self.params, self.cached)?;
        Ok((self.mapper)((self.extractor)(&row)?))
    }
    pub fn all(self) -> Result<Vec<T>, postgres::Error> {
        self.iter()?.collect()
    }
    pub fn opt(self) -> Result<Option<T>, postgres::Error> {
        let opt_row = crate::client::sync::opt(self.client, self.query, &self.params, self.cached)?;
        Ok(opt_row
            .map(|row| {
                let extracted = (self.extractor)(&row)?;
                Ok((self.mapper)(extracted))
            })
            .transpose()?)
    }
    pub fn iter(self) -> Result<impl Iterator<Item = Result<T, postgres::Error>> + 'c, postgres::Error> {
        let stream =
            crate::client::sync::raw(self.client, self.query, crate::slice_iter(&self.params), self.cached)?;
        let mapped = stream.iterator().map(move |res| {
            res.and_then(|row| {
                let extracted = (self.extractor)(&row)?;
                Ok((self.mapper)(extracted))
            })
        });
        Ok(mapped)
    }
}
pub struct VerificationQuery<'c, 'a, 's, C: GenericClient, T, const N: usize> {
    client: &'c mut C,
    params: [&'a (dyn postgres_types::ToSql + Sync); N],
    query: &'static str,
    cached: Option<&'s postgres::Statement>,
    extractor: fn(&postgres::Row) -> Result<VerificationBorrowed, postgres::Error>,
    mapper: fn(VerificationBorrowed) -> T,
}
impl<'c, 'a, 's, C, T: 'c, const N: usize> VerificationQuery<'c, 'a, 's, C, T, N>
where
    C: GenericClient,
{
    pub fn map<R>(self, mapper: fn(VerificationBorrowed) -> R) -> VerificationQuery<'c, 'a, 's, C, R, N> {
        VerificationQuery {
            client: self.client,
            params: self.params,
            query: self.query,
            cached: self.cached,
            extractor: self.extractor,
            mapper,
        }
    }
    pub fn one(self) -> Result<T, postgres::Error> {
        let row = crate::client::sync::one(self.client, self.query, &self.params, self.cached)?;
        Ok((self.mapper)((self.extractor)(&row)?))
    }
    pub fn all(self) -> Result<Vec<T>, postgres::Error> {
        self.iter()?.collect()
    }
    pub fn opt(self) -> Result<Option<T>, postgres::Error> {
        let opt_row = crate::client::sync::opt(self.client, self.query, &self.params, self.cached)?;
        Ok(opt_row
            .map(|row| {
                let extracted = (self.extractor)(&row)?;
                Ok((self.mapper)(extracted))
            })
            .transpose()?)
    }
    pub fn iter(self) -> Result<impl Iterator<Item = Result<T, postgres::Error>> + 'c, postgres::Error> {
        let stream =
            crate::client::sync::raw(self.client, self.query, crate::slice_iter(&self.params), self.cached)?;
        let mapped = stream.iterator().map(move |res| {
            res.and_then(|row| {
                let extracted = (self.extractor)(&row)?;
                Ok((self.mapper)(extracted))
            })
        });
        Ok(mapped)
    }
}
pub struct RecordStmt(&'static str, Option<postgres::Statement>);
/// Keeps a record of a verification that took so many seconds and ends now, and gives its id.
pub fn record() -> RecordStmt {
    RecordStmt(
        "INSERT INTO audit_verifications ( started_at, method, version, relation, tenants, chains, entries, findings, status, guards, checkpoint, since ) VALUES ( clock_timestamp() - make_interval(secs => $1), $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12 ) RETURNING id",
        None,
    )
}
impl RecordStmt {
    pub fn prepare<'a, C: GenericClient>(mut self, client: &'a mut C) -> Result<Self, postgres::Error> {
        self.1 = Some(client.prepare(self.0)?);
        Ok(self)
    }
    pub fn bind<
        'c,
        'a,
        's,
        C: GenericClient,
        T1: crate::StringSql,
        T2: crate::StringSql,
        T3: crate::StringSql,
        T4: crate::ArraySql<Item = uuid::Uuid>,
        T5: crate::StringSql,
        T6: crate::StringSql,
        T7: crate::StringSql,
        T8: crate::StringSql,
    >(
        &'s self,
        client: &'c mut C,
        seconds: &'a f64,
        method: &'a T1,
        version: &'a T2,
        relation: &'a T3,
        tenants: &'a Option<T4>,
        chains: &'a i64,
        entries: &'a i64,
        findings: &'a i64,
        status: &'a T5,
        guards: &'a T6,
        checkpoint: &'a Option<T7>,
        since: &'a Option<T8>,
    ) -> UuidUuidQuery<'c, 'a, 's, C, uuid::Uuid, 12> {
        UuidUuidQuery {
            client,
            params: [
                seconds, method, version, relation, tenants, chains, entries, findings, status, guards,
                checkpoint, since,
            ],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row| Ok(row.try_get(0)?),
            mapper: |it| it,
        }
    }
}
impl<
    'c,
    'a,
    's,
    C: GenericClient,
    T1: crate::StringSql,
    T2: crate::StringSql,
    T3: crate::StringSql,
    T4: crate::ArraySql<Item = uuid::Uuid>,
    T5: crate::StringSql,
    T6: crate::StringSql,
    T7: crate::StringSql,
    T8: crate::StringSql,
>
    crate::client::sync::Params<
        'c,
        'a,
        's,
        RecordParams<T1, T2, T3, T4, T5, T6, T7, T8>,
        UuidUuidQuery<'c, 'a, 's, C, uuid::Uuid, 12>,
        C,
    > for RecordStmt
{
    fn params(
        &'s self,
        client: &'c mut C,
        params: &'a RecordParams<T1, T2, T3, T4, T5, T6, T7, T8>,
    ) -> UuidUuidQuery<'c, 'a, 's, C, uuid::Uuid, 12> {
        self.bind(
            client,
            &params.seconds,
            &params.method,
            &params.version,
            &params.relation,
            &params.tenants,
            &params.chains,
            &params.entries,
            &params.findings,
            &params.status,
            &params.guards,
            &params.checkpoint,
            &params.since,
        )
    }
}
pub struct LastStmt(&'static str, Option<postgres::Statement>);
/// The last verification of all chains from their beginning.
pub fn last() -> LastStmt {
    LastStmt(
        "SELECT id, started_at, finished_at, verified_by, method, version, relation, tenants, chains, entries, findings, status, guards, checkpoint, since FROM audit_verifications WHERE tenants IS NULL AND since IS NULL ORDER BY finished_at DESC LIMIT 1",
        None,
    )
}
impl LastStmt {
    pub fn prepare<'a, C: GenericClient>(mut self, client: &'a mut C) -> Result<Self, postgres::Error> {
        self.1 = Some(client.prepare(self.0)?);
        Ok(self)
    }
    pub fn bind<'c, 'a, 's, C: GenericClient>(
        &'s self,
        client: &'c mut C,
    ) -> VerificationQuery<'c, 'a, 's, C, Verification, 0> {
        VerificationQuery {
            client,
            params: [],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<VerificationBorrowed, postgres::Error> {
                Ok(VerificationBorrowed {
                    id: row.try_get(0)?,
                    started_at: row.try_get(1)?,
                    finished_at: row.try_get(2)?,
                    verified_by: row.try_get(3)?,
                    method: row.try_get(4)?,
                    version: row.try_get(5)?,
                    relation: row.try_get(6)?,
                    tenants: row.try_get(7)?,
                    chains: row.try_get(8)?,
                    entries: row.try_get(9)?,
                    findings: row.try_get(10)?,
                    status: row.try_get(11)?,
                    guards: row.try_get(12)?,
                    checkpoint: row.try_get(13)?,
                    since: row.try_get(14)?,
                })
            },
            mapper: |it| Verification::from(it),
        }
    }
}
pub struct LastFindingStmt(&'static str, Option<postgres::Statement>);
/// The last verification, of whatever part, that found tampering or an open guard.
pub fn last_finding() -> LastFindingStmt {
    LastFindingStmt(
        "SELECT id, started_at, finished_at, verified_by, method, version, relation, tenants, chains, entries, findings, status, guards, checkpoint, since FROM audit_verifications WHERE status = 'tampered' OR guards = 'open' ORDER BY finished_at DESC LIMIT 1",
        None,
    )
}
impl LastFindingStmt {
    pub fn prepare<'a, C: GenericClient>(mut self, client: &'a mut C) -> Result<Self, postgres::Error> {
        self.1 = Some(client.prepare(self.0)?);
        Ok(self)
    }
    pub fn bind<'c, 'a, 's, C: GenericClient>(
        &'s self,
        client: &'c mut C,
    ) -> VerificationQuery<'c, 'a, 's, C, Verification, 0> {
        VerificationQuery {
            client,
            params: [],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<VerificationBorrowed, postgres::Error> {
                Ok(VerificationBorrowed {
                    id: row.try_get(0)?,
                    started_at: row.try_get(1)?,
                    finished_at: row.try_get(2)?,
                    verified_by: row.try_get(3)?,
                    method: row.try_get(4)?,
                    version: row.try_get(5)?,
                    relation: row.try_get(6)?,
                    tenants: row.try_get(7)?,
                    chains: row.try_get(8)?,
                    entries: row.try_get(9)?,
                    findings: row.try_get(10)?,
                    status: row.try_get(11)?,
                    guards: row.try_get(12)?,
                    checkpoint: row.try_get(13)?,
                    since: row.try_get(14)?,
                })
            },
            mapper: |it| Verification::from(it),
        }
    }
}
