// This file was generated with `cornucopia`. Do not modify.

#[derive(Debug)]
pub struct CreateParams<
    T1: crate::StringSql,
    T2: crate::StringSql,
    T3: crate::StringSql,
    T4: crate::StringSql,
    T5: crate::StringSql,
    T6: crate::JsonSql,
> {
    pub tenant_id: uuid::Uuid,
    pub ts: Option<time::OffsetDateTime>,
    pub actor_type: T1,
    pub actor_id: T2,
    pub action: T3,
    pub resource_type: T4,
    pub resource_id: Option<T5>,
    pub details: T6,
}
#[derive(Clone, Copy, Debug)]
pub struct GetParams {
    pub tenant_id: uuid::Uuid,
    pub seq: i64,
}
#[derive(Clone, Copy, Debug)]
pub struct GetByIdParams {
    pub tenant_id: uuid::Uuid,
    pub id: uuid::Uuid,
}
#[derive(Clone, Copy, Debug)]
pub struct DetailsAsTextParams {
    pub tenant_id: uuid::Uuid,
    pub seq: i64,
}
#[derive(Clone, Copy, Debug)]
pub struct RangeParams {
    pub tenant_id: uuid::Uuid,
    pub first_seq: i64,
    pub last_seq: i64,
}
#[derive(Clone, Copy, Debug)]
pub struct ListParams {
    pub tenant_id: uuid::Uuid,
    pub after_seq: i64,
    pub max_rows: i64,
}
#[derive(Clone, Copy, Debug)]
pub struct ListByTimeParams {
    pub tenant_id: uuid::Uuid,
    pub from_ts: time::OffsetDateTime,
    pub until_ts: time::OffsetDateTime,
    pub after_ts: Option<time::OffsetDateTime>,
    pub after_seq: Option<i64>,
    pub max_rows: i64,
}
#[derive(Clone, Copy, Debug)]
pub struct ListLatestParams {
    pub tenant_id: uuid::Uuid,
    pub before_ts: Option<time::OffsetDateTime>,
    pub before_seq: Option<i64>,
    pub max_rows: i64,
}
#[derive(Debug, Clone, PartialEq)]
pub struct Audit {
    pub tenant_id: uuid::Uuid,
    pub seq: i64,
    pub id: uuid::Uuid,
    pub ts: time::OffsetDateTime,
    pub actor_type: String,
    pub actor_id: String,
    pub action: String,
    pub resource_type: String,
    pub resource_id: Option<String>,
    pub details: serde_json::Value,
    pub hash_version: i16,
    pub prev_hash: Option<Vec<u8>>,
    pub hash: Vec<u8>,
}
pub struct AuditBorrowed<'a> {
    pub tenant_id: uuid::Uuid,
    pub seq: i64,
    pub id: uuid::Uuid,
    pub ts: time::OffsetDateTime,
    pub actor_type: &'a str,
    pub actor_id: &'a str,
    pub action: &'a str,
    pub resource_type: &'a str,
    pub resource_id: Option<&'a str>,
    pub details: serde_json::Value,
    pub hash_version: i16,
    pub prev_hash: Option<&'a [u8]>,
    pub hash: &'a [u8],
}
impl<'a> From<AuditBorrowed<'a>> for Audit {
    fn from(
        AuditBorrowed {
            tenant_id,
            seq,
            id,
            ts,
            actor_type,
            actor_id,
            action,
            resource_type,
            resource_id,
            details,
            hash_version,
            prev_hash,
            hash,
        }: AuditBorrowed<'a>,
    ) -> Self {
        Self {
            tenant_id,
            seq,
            id,
            ts,
            actor_type: actor_type.into(),
            actor_id: actor_id.into(),
            action: action.into(),
            resource_type: resource_type.into(),
            resource_id: resource_id.map(|v| v.into()),
            details,
            hash_version,
            prev_hash: prev_hash.map(|v| v.into()),
            hash: hash.into(),
        }
    }
}
use crate::client::sync::GenericClient;
use postgres::fallible_iterator::FallibleIterator;
pub struct AuditQuery<'c, 'a, 's, C: GenericClient, T, const N: usize> {
    client: &'c mut C,
    params: [&'a (dyn postgres_types::ToSql + Sync); N],
    query: &'static str,
    cached: Option<&'s postgres::Statement>,
    extractor: fn(&postgres::Row) -> Result<AuditBorrowed, postgres::Error>,
    mapper: fn(AuditBorrowed) -> T,
}
impl<'c, 'a, 's, C, T: 'c, const N: usize> AuditQuery<'c, 'a, 's, C, T, N>
where
    C: GenericClient,
{
    pub fn map<R>(self, mapper: fn(AuditBorrowed) -> R) -> AuditQuery<'c, 'a, 's, C, R, N> {
        AuditQuery {
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
pub struct StringQuery<'c, 'a, 's, C: GenericClient, T, const N: usize> {
    client: &'c mut C,
    params: [&'a (dyn postgres_types::ToSql + Sync); N],
    query: &'static str,
    cached: Option<&'s postgres::Statement>,
    extractor: fn(&postgres::Row) -> Result<&str, postgres::Error>,
    mapper: fn(&str) -> T,
}
impl<'c, 'a, 's, C, T: 'c, const N: usize> StringQuery<'c, 'a, 's, C, T, N>
where
    C: GenericClient,
{
    pub fn map<R>(self, mapper: fn(&str) -> R) -> StringQuery<'c, 'a, 's, C, R, N> {
        StringQuery {
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
pub struct CreateStmt(&'static str, Option<postgres::Statement>);
/// Adds an entry to its tenant's chain, which gives seq and hashes. A null ts is the server's clock.
pub fn create() -> CreateStmt {
    CreateStmt(
        "INSERT INTO audits (tenant_id, ts, actor_type, actor_id, action, resource_type, resource_id, details) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING tenant_id, seq, id, ts, actor_type, actor_id, action, resource_type, resource_id, details, hash_version, prev_hash, hash",
        None,
    )
}
impl CreateStmt {
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
        T4: crate::StringSql,
        T5: crate::StringSql,
        T6: crate::JsonSql,
    >(
        &'s self,
        client: &'c mut C,
        tenant_id: &'a uuid::Uuid,
        ts: &'a Option<time::OffsetDateTime>,
        actor_type: &'a T1,
        actor_id: &'a T2,
        action: &'a T3,
        resource_type: &'a T4,
        resource_id: &'a Option<T5>,
        details: &'a T6,
    ) -> AuditQuery<'c, 'a, 's, C, Audit, 8> {
        AuditQuery {
            client,
            params: [tenant_id, ts, actor_type, actor_id, action, resource_type, resource_id, details],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<AuditBorrowed, postgres::Error> {
                Ok(AuditBorrowed {
                    tenant_id: row.try_get(0)?,
                    seq: row.try_get(1)?,
                    id: row.try_get(2)?,
                    ts: row.try_get(3)?,
                    actor_type: row.try_get(4)?,
                    actor_id: row.try_get(5)?,
                    action: row.try_get(6)?,
                    resource_type: row.try_get(7)?,
                    resource_id: row.try_get(8)?,
                    details: row.try_get(9)?,
                    hash_version: row.try_get(10)?,
                    prev_hash: row.try_get(11)?,
                    hash: row.try_get(12)?,
                })
            },
            mapper: |it| Audit::from(it),
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
    T4: crate::StringSql,
    T5: crate::StringSql,
    T6: crate::JsonSql,
>
    crate::client::sync::Params<
        'c,
        'a,
        's,
        CreateParams<T1, T2, T3, T4, T5, T6>,
        AuditQuery<'c, 'a, 's, C, Audit, 8>,
        C,
    > for CreateStmt
{
    fn params(
        &'s self,
        client: &'c mut C,
        params: &'a CreateParams<T1, T2, T3, T4, T5, T6>,
    ) -> AuditQuery<'c, 'a, 's, C, Audit, 8> {
        self.bind(
            client,
            &params.tenant_id,
            &params.ts,
            &params.actor_type,
            &params.actor_id,
            &params.action,
            &params.resource_type,
            &params.resource_id,
            &params.details,
        )
    }
}
pub struct GetStmt(&'static str, Option<postgres::Statement>);
pub fn get() -> GetStmt {
    GetStmt(
        "SELECT tenant_id, seq, id, ts, actor_type, actor_id, action, resource_type, resource_id, details, hash_version, prev_hash, hash FROM audits WHERE tenant_id = $1 AND seq = $2",
        None,
    )
}
impl GetStmt {
    pub fn prepare<'a, C: GenericClient>(mut self, client: &'a mut C) -> Result<Self, postgres::Error> {
        self.1 = Some(client.prepare(self.0)?);
        Ok(self)
    }
    pub fn bind<'c, 'a, 's, C: GenericClient>(
        &'s self,
        client: &'c mut C,
        tenant_id: &'a uuid::Uuid,
        seq: &'a i64,
    ) -> AuditQuery<'c, 'a, 's, C, Audit, 2> {
        AuditQuery {
            client,
            params: [tenant_id, seq],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<AuditBorrowed, postgres::Error> {
                Ok(AuditBorrowed {
                    tenant_id: row.try_get(0)?,
                    seq: row.try_get(1)?,
                    id: row.try_get(2)?,
                    ts: row.try_get(3)?,
                    actor_type: row.try_get(4)?,
                    actor_id: row.try_get(5)?,
                    action: row.try_get(6)?,
                    resource_type: row.try_get(7)?,
                    resource_id: row.try_get(8)?,
                    details: row.try_get(9)?,
                    hash_version: row.try_get(10)?,
                    prev_hash: row.try_get(11)?,
                    hash: row.try_get(12)?,
                })
            },
            mapper: |it| Audit::from(it),
        }
    }
}
impl<'c, 'a, 's, C: GenericClient>
    crate::client::sync::Params<'c, 'a, 's, GetParams, AuditQuery<'c, 'a, 's, C, Audit, 2>, C> for GetStmt
{
    fn params(&'s self, client: &'c mut C, params: &'a GetParams) -> AuditQuery<'c, 'a, 's, C, Audit, 2> {
        self.bind(client, &params.tenant_id, &params.seq)
    }
}
pub struct GetByIdStmt(&'static str, Option<postgres::Statement>);
pub fn get_by_id() -> GetByIdStmt {
    GetByIdStmt(
        "SELECT tenant_id, seq, id, ts, actor_type, actor_id, action, resource_type, resource_id, details, hash_version, prev_hash, hash FROM audits WHERE tenant_id = $1 AND id = $2",
        None,
    )
}
impl GetByIdStmt {
    pub fn prepare<'a, C: GenericClient>(mut self, client: &'a mut C) -> Result<Self, postgres::Error> {
        self.1 = Some(client.prepare(self.0)?);
        Ok(self)
    }
    pub fn bind<'c, 'a, 's, C: GenericClient>(
        &'s self,
        client: &'c mut C,
        tenant_id: &'a uuid::Uuid,
        id: &'a uuid::Uuid,
    ) -> AuditQuery<'c, 'a, 's, C, Audit, 2> {
        AuditQuery {
            client,
            params: [tenant_id, id],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<AuditBorrowed, postgres::Error> {
                Ok(AuditBorrowed {
                    tenant_id: row.try_get(0)?,
                    seq: row.try_get(1)?,
                    id: row.try_get(2)?,
                    ts: row.try_get(3)?,
                    actor_type: row.try_get(4)?,
                    actor_id: row.try_get(5)?,
                    action: row.try_get(6)?,
                    resource_type: row.try_get(7)?,
                    resource_id: row.try_get(8)?,
                    details: row.try_get(9)?,
                    hash_version: row.try_get(10)?,
                    prev_hash: row.try_get(11)?,
                    hash: row.try_get(12)?,
                })
            },
            mapper: |it| Audit::from(it),
        }
    }
}
impl<'c, 'a, 's, C: GenericClient>
    crate::client::sync::Params<'c, 'a, 's, GetByIdParams, AuditQuery<'c, 'a, 's, C, Audit, 2>, C>
    for GetByIdStmt
{
    fn params(&'s self, client: &'c mut C, params: &'a GetByIdParams) -> AuditQuery<'c, 'a, 's, C, Audit, 2> {
        self.bind(client, &params.tenant_id, &params.id)
    }
}
pub struct DetailsAsTextStmt(&'static str, Option<postgres::Statement>);
/// The details to the last digit, which a `serde_json::Value` does not keep.
pub fn details_as_text() -> DetailsAsTextStmt {
    DetailsAsTextStmt("SELECT details::text AS details FROM audits WHERE tenant_id = $1 AND seq = $2", None)
}
impl DetailsAsTextStmt {
    pub fn prepare<'a, C: GenericClient>(mut self, client: &'a mut C) -> Result<Self, postgres::Error> {
        self.1 = Some(client.prepare(self.0)?);
        Ok(self)
    }
    pub fn bind<'c, 'a, 's, C: GenericClient>(
        &'s self,
        client: &'c mut C,
        tenant_id: &'a uuid::Uuid,
        seq: &'a i64,
    ) -> StringQuery<'c, 'a, 's, C, String, 2> {
        StringQuery {
            client,
            params: [tenant_id, seq],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row| Ok(row.try_get(0)?),
            mapper: |it| it.into(),
        }
    }
}
impl<'c, 'a, 's, C: GenericClient>
    crate::client::sync::Params<'c, 'a, 's, DetailsAsTextParams, StringQuery<'c, 'a, 's, C, String, 2>, C>
    for DetailsAsTextStmt
{
    fn params(
        &'s self,
        client: &'c mut C,
        params: &'a DetailsAsTextParams,
    ) -> StringQuery<'c, 'a, 's, C, String, 2> {
        self.bind(client, &params.tenant_id, &params.seq)
    }
}
pub struct LatestStmt(&'static str, Option<postgres::Statement>);
/// The last entry of a tenant's chain: its head, whose seq and hash are to be written down elsewhere.
pub fn latest() -> LatestStmt {
    LatestStmt(
        "SELECT tenant_id, seq, id, ts, actor_type, actor_id, action, resource_type, resource_id, details, hash_version, prev_hash, hash FROM audits WHERE tenant_id = $1 ORDER BY seq DESC LIMIT 1",
        None,
    )
}
impl LatestStmt {
    pub fn prepare<'a, C: GenericClient>(mut self, client: &'a mut C) -> Result<Self, postgres::Error> {
        self.1 = Some(client.prepare(self.0)?);
        Ok(self)
    }
    pub fn bind<'c, 'a, 's, C: GenericClient>(
        &'s self,
        client: &'c mut C,
        tenant_id: &'a uuid::Uuid,
    ) -> AuditQuery<'c, 'a, 's, C, Audit, 1> {
        AuditQuery {
            client,
            params: [tenant_id],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<AuditBorrowed, postgres::Error> {
                Ok(AuditBorrowed {
                    tenant_id: row.try_get(0)?,
                    seq: row.try_get(1)?,
                    id: row.try_get(2)?,
                    ts: row.try_get(3)?,
                    actor_type: row.try_get(4)?,
                    actor_id: row.try_get(5)?,
                    action: row.try_get(6)?,
                    resource_type: row.try_get(7)?,
                    resource_id: row.try_get(8)?,
                    details: row.try_get(9)?,
                    hash_version: row.try_get(10)?,
                    prev_hash: row.try_get(11)?,
                    hash: row.try_get(12)?,
                })
            },
            mapper: |it| Audit::from(it),
        }
    }
}
pub struct RangeStmt(&'static str, Option<postgres::Statement>);
/// The entries from one seq to another, both included, in the order of the chain.
pub fn range() -> RangeStmt {
    RangeStmt(
        "SELECT tenant_id, seq, id, ts, actor_type, actor_id, action, resource_type, resource_id, details, hash_version, prev_hash, hash FROM audits WHERE tenant_id = $1 AND seq BETWEEN $2 AND $3 ORDER BY seq",
        None,
    )
}
impl RangeStmt {
    pub fn prepare<'a, C: GenericClient>(mut self, client: &'a mut C) -> Result<Self, postgres::Error> {
        self.1 = Some(client.prepare(self.0)?);
        Ok(self)
    }
    pub fn bind<'c, 'a, 's, C: GenericClient>(
        &'s self,
        client: &'c mut C,
        tenant_id: &'a uuid::Uuid,
        first_seq: &'a i64,
        last_seq: &'a i64,
    ) -> AuditQuery<'c, 'a, 's, C, Audit, 3> {
        AuditQuery {
            client,
            params: [tenant_id, first_seq, last_seq],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<AuditBorrowed, postgres::Error> {
                Ok(AuditBorrowed {
                    tenant_id: row.try_get(0)?,
                    seq: row.try_get(1)?,
                    id: row.try_get(2)?,
                    ts: row.try_get(3)?,
                    actor_type: row.try_get(4)?,
                    actor_id: row.try_get(5)?,
                    action: row.try_get(6)?,
                    resource_type: row.try_get(7)?,
                    resource_id: row.try_get(8)?,
                    details: row.try_get(9)?,
                    hash_version: row.try_get(10)?,
                    prev_hash: row.try_get(11)?,
                    hash: row.try_get(12)?,
                })
            },
            mapper: |it| Audit::from(it),
        }
    }
}
impl<'c, 'a, 's, C: GenericClient>
    crate::client::sync::Params<'c, 'a, 's, RangeParams, AuditQuery<'c, 'a, 's, C, Audit, 3>, C>
    for RangeStmt
{
    fn params(&'s self, client: &'c mut C, params: &'a RangeParams) -> AuditQuery<'c, 'a, 's, C, Audit, 3> {
        self.bind(client, &params.tenant_id, &params.first_seq, &params.last_seq)
    }
}
pub struct ListStmt(&'static str, Option<postgres::Statement>);
/// A page of a tenant's chain, the oldest entry first: `after_seq` is the last seq of the page before, 0 for the first.
pub fn list() -> ListStmt {
    ListStmt(
        "SELECT tenant_id, seq, id, ts, actor_type, actor_id, action, resource_type, resource_id, details, hash_version, prev_hash, hash FROM audits WHERE tenant_id = $1 AND seq > $2 ORDER BY seq LIMIT $3",
        None,
    )
}
impl ListStmt {
    pub fn prepare<'a, C: GenericClient>(mut self, client: &'a mut C) -> Result<Self, postgres::Error> {
        self.1 = Some(client.prepare(self.0)?);
        Ok(self)
    }
    pub fn bind<'c, 'a, 's, C: GenericClient>(
        &'s self,
        client: &'c mut C,
        tenant_id: &'a uuid::Uuid,
        after_seq: &'a i64,
        max_rows: &'a i64,
    ) -> AuditQuery<'c, 'a, 's, C, Audit, 3> {
        AuditQuery {
            client,
            params: [tenant_id, after_seq, max_rows],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<AuditBorrowed, postgres::Error> {
                Ok(AuditBorrowed {
                    tenant_id: row.try_get(0)?,
                    seq: row.try_get(1)?,
                    id: row.try_get(2)?,
                    ts: row.try_get(3)?,
                    actor_type: row.try_get(4)?,
                    actor_id: row.try_get(5)?,
                    action: row.try_get(6)?,
                    resource_type: row.try_get(7)?,
                    resource_id: row.try_get(8)?,
                    details: row.try_get(9)?,
                    hash_version: row.try_get(10)?,
                    prev_hash: row.try_get(11)?,
                    hash: row.try_get(12)?,
                })
            },
            mapper: |it| Audit::from(it),
        }
    }
}
impl<'c, 'a, 's, C: GenericClient>
    crate::client::sync::Params<'c, 'a, 's, ListParams, AuditQuery<'c, 'a, 's, C, Audit, 3>, C> for ListStmt
{
    fn params(&'s self, client: &'c mut C, params: &'a ListParams) -> AuditQuery<'c, 'a, 's, C, Audit, 3> {
        self.bind(client, &params.tenant_id, &params.after_seq, &params.max_rows)
    }
}
pub struct ListByTimeStmt(&'static str, Option<postgres::Statement>);
/// A page of what happened from one time to before another, the oldest first: ts is what the application said, and need
/// not grow with seq. `after_…` are those of the last entry of the page before, null for the first page.
pub fn list_by_time() -> ListByTimeStmt {
    ListByTimeStmt(
        "SELECT tenant_id, seq, id, ts, actor_type, actor_id, action, resource_type, resource_id, details, hash_version, prev_hash, hash FROM audits WHERE tenant_id = $1 AND ts >= $2 AND ts < $3 AND ($4::timestamptz IS NULL OR (ts, seq) > ($4, $5::bigint)) ORDER BY ts, seq LIMIT $6",
        None,
    )
}
impl ListByTimeStmt {
    pub fn prepare<'a, C: GenericClient>(mut self, client: &'a mut C) -> Result<Self, postgres::Error> {
        self.1 = Some(client.prepare(self.0)?);
        Ok(self)
    }
    pub fn bind<'c, 'a, 's, C: GenericClient>(
        &'s self,
        client: &'c mut C,
        tenant_id: &'a uuid::Uuid,
        from_ts: &'a time::OffsetDateTime,
        until_ts: &'a time::OffsetDateTime,
        after_ts: &'a Option<time::OffsetDateTime>,
        after_seq: &'a Option<i64>,
        max_rows: &'a i64,
    ) -> AuditQuery<'c, 'a, 's, C, Audit, 6> {
        AuditQuery {
            client,
            params: [tenant_id, from_ts, until_ts, after_ts, after_seq, max_rows],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<AuditBorrowed, postgres::Error> {
                Ok(AuditBorrowed {
                    tenant_id: row.try_get(0)?,
                    seq: row.try_get(1)?,
                    id: row.try_get(2)?,
                    ts: row.try_get(3)?,
                    actor_type: row.try_get(4)?,
                    actor_id: row.try_get(5)?,
                    action: row.try_get(6)?,
                    resource_type: row.try_get(7)?,
                    resource_id: row.try_get(8)?,
                    details: row.try_get(9)?,
                    hash_version: row.try_get(10)?,
                    prev_hash: row.try_get(11)?,
                    hash: row.try_get(12)?,
                })
            },
            mapper: |it| Audit::from(it),
        }
    }
}
impl<'c, 'a, 's, C: GenericClient>
    crate::client::sync::Params<'c, 'a, 's, ListByTimeParams, AuditQuery<'c, 'a, 's, C, Audit, 6>, C>
    for ListByTimeStmt
{
    fn params(
        &'s self,
        client: &'c mut C,
        params: &'a ListByTimeParams,
    ) -> AuditQuery<'c, 'a, 's, C, Audit, 6> {
        self.bind(
            client,
            &params.tenant_id,
            &params.from_ts,
            &params.until_ts,
            &params.after_ts,
            &params.after_seq,
            &params.max_rows,
        )
    }
}
pub struct ListLatestStmt(&'static str, Option<postgres::Statement>);
/// A page of what happened lately, the newest first: `before_…` are those of the last entry of the page before, null for
/// the first page.
pub fn list_latest() -> ListLatestStmt {
    ListLatestStmt(
        "SELECT tenant_id, seq, id, ts, actor_type, actor_id, action, resource_type, resource_id, details, hash_version, prev_hash, hash FROM audits WHERE tenant_id = $1 AND ($2::timestamptz IS NULL OR (ts, seq) < ($2, $3::bigint)) ORDER BY ts DESC, seq DESC LIMIT $4",
        None,
    )
}
impl ListLatestStmt {
    pub fn prepare<'a, C: GenericClient>(mut self, client: &'a mut C) -> Result<Self, postgres::Error> {
        self.1 = Some(client.prepare(self.0)?);
        Ok(self)
    }
    pub fn bind<'c, 'a, 's, C: GenericClient>(
        &'s self,
        client: &'c mut C,
        tenant_id: &'a uuid::Uuid,
        before_ts: &'a Option<time::OffsetDateTime>,
        before_seq: &'a Option<i64>,
        max_rows: &'a i64,
    ) -> AuditQuery<'c, 'a, 's, C, Audit, 4> {
        AuditQuery {
            client,
            params: [tenant_id, before_ts, before_seq, max_rows],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<AuditBorrowed, postgres::Error> {
                Ok(AuditBorrowed {
                    tenant_id: row.try_get(0)?,
                    seq: row.try_get(1)?,
                    id: row.try_get(2)?,
                    ts: row.try_get(3)?,
                    actor_type: row.try_get(4)?,
                    actor_id: row.try_get(5)?,
                    action: row.try_get(6)?,
                    resource_type: row.try_get(7)?,
                    resource_id: row.try_get(8)?,
                    details: row.try_get(9)?,
                    hash_version: row.try_get(10)?,
                    prev_hash: row.try_get(11)?,
                    hash: row.try_get(12)?,
                })
            },
            mapper: |it| Audit::from(it),
        }
    }
}
impl<'c, 'a, 's, C: GenericClient>
    crate::client::sync::Params<'c, 'a, 's, ListLatestParams, AuditQuery<'c, 'a, 's, C, Audit, 4>, C>
    for ListLatestStmt
{
    fn params(
        &'s self,
        client: &'c mut C,
        params: &'a ListLatestParams,
    ) -> AuditQuery<'c, 'a, 's, C, Audit, 4> {
        self.bind(client, &params.tenant_id, &params.before_ts, &params.before_seq, &params.max_rows)
    }
}
