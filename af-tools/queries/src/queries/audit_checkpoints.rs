// This file was generated with `cornucopia`. Do not modify.

#[derive(Debug)]
pub struct RecordParams<T1: crate::BytesSql, T2: crate::BytesSql, T3: crate::StringSql, T4: crate::StringSql>
{
    pub tenant_id: uuid::Uuid,
    pub incarnation: i32,
    pub size: i64,
    pub root: T1,
    pub hash: T2,
    pub origin: T3,
    pub note: T4,
}
#[derive(Debug, Clone, PartialEq)]
pub struct AuditCheckpoint {
    pub tenant_id: uuid::Uuid,
    pub incarnation: i32,
    pub size: i64,
    pub root: Vec<u8>,
    pub hash: Vec<u8>,
    pub origin: String,
    pub note: String,
    pub created_at: time::OffsetDateTime,
}
pub struct AuditCheckpointBorrowed<'a> {
    pub tenant_id: uuid::Uuid,
    pub incarnation: i32,
    pub size: i64,
    pub root: &'a [u8],
    pub hash: &'a [u8],
    pub origin: &'a str,
    pub note: &'a str,
    pub created_at: time::OffsetDateTime,
}
impl<'a> From<AuditCheckpointBorrowed<'a>> for AuditCheckpoint {
    fn from(
        AuditCheckpointBorrowed {
            tenant_id,
            incarnation,
            size,
            root,
            hash,
            origin,
            note,
            created_at,
        }: AuditCheckpointBorrowed<'a>,
    ) -> Self {
        Self {
            tenant_id,
            incarnation,
            size,
            root: root.into(),
            hash: hash.into(),
            origin: origin.into(),
            note: note.into(),
            created_at,
        }
    }
}
use crate::client::sync::GenericClient;
use postgres::fallible_iterator::FallibleIterator;
pub struct BoolQuery<'c, 'a, 's, C: GenericClient, T, const N: usize> {
    client: &'c mut C,
    params: [&'a (dyn postgres_types::ToSql + Sync); N],
    query: &'static str,
    cached: Option<&'s postgres::Statement>,
    extractor: fn(&postgres::Row) -> Result<bool, postgres::Error>,
    mapper: fn(bool) -> T,
}
impl<'c, 'a, 's, C, T: 'c, const N: usize> BoolQuery<'c, 'a, 's, C, T, N>
where
    C: GenericClient,
{
    pub fn map<R>(self, mapper: fn(bool) -> R) -> BoolQuery<'c, 'a, 's, C, R, N> {
        BoolQuery {
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
pub struct AuditCheckpointQuery<'c, 'a, 's, C: GenericClient, T, const N: usize> {
    client: &'c mut C,
    params: [&'a (dyn postgres_types::ToSql + Sync); N],
    query: &'static str,
    cached: Option<&'s postgres::Statement>,
    extractor: fn(&postgres::Row) -> Result<AuditCheckpointBorrowed, postgres::Error>,
    mapper: fn(AuditCheckpointBorrowed) -> T,
}
impl<'c, 'a, 's, C, T: 'c, const N: usize> AuditCheckpointQuery<'c, 'a, 's, C, T, N>
where
    C: GenericClient,
{
    pub fn map<R>(
        self,
        mapper: fn(AuditCheckpointBorrowed) -> R,
    ) -> AuditCheckpointQuery<'c, 'a, 's, C, R, N> {
        AuditCheckpointQuery {
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
/// Keeps a checkpoint, and says whether it is new. Fails (23505) where another one of the same size is kept already, with
/// another root or hash: one chain cannot have both.
pub fn record() -> RecordStmt {
    RecordStmt(
        "WITH added AS ( INSERT INTO audit_checkpoints (tenant_id, incarnation, size, root, hash, origin, note) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (tenant_id, incarnation, size, root, hash) DO NOTHING RETURNING tenant_id ) SELECT EXISTS (SELECT FROM added) AS is_new",
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
        T1: crate::BytesSql,
        T2: crate::BytesSql,
        T3: crate::StringSql,
        T4: crate::StringSql,
    >(
        &'s self,
        client: &'c mut C,
        tenant_id: &'a uuid::Uuid,
        incarnation: &'a i32,
        size: &'a i64,
        root: &'a T1,
        hash: &'a T2,
        origin: &'a T3,
        note: &'a T4,
    ) -> BoolQuery<'c, 'a, 's, C, bool, 7> {
        BoolQuery {
            client,
            params: [tenant_id, incarnation, size, root, hash, origin, note],
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
    T1: crate::BytesSql,
    T2: crate::BytesSql,
    T3: crate::StringSql,
    T4: crate::StringSql,
> crate::client::sync::Params<'c, 'a, 's, RecordParams<T1, T2, T3, T4>, BoolQuery<'c, 'a, 's, C, bool, 7>, C>
    for RecordStmt
{
    fn params(
        &'s self,
        client: &'c mut C,
        params: &'a RecordParams<T1, T2, T3, T4>,
    ) -> BoolQuery<'c, 'a, 's, C, bool, 7> {
        self.bind(
            client,
            &params.tenant_id,
            &params.incarnation,
            &params.size,
            &params.root,
            &params.hash,
            &params.origin,
            &params.note,
        )
    }
}
pub struct NewestStmt(&'static str, Option<postgres::Statement>);
/// The newest checkpoint of each tenant that has any, in order of the tenant: of its last incarnation, the largest.
pub fn newest() -> NewestStmt {
    NewestStmt(
        "SELECT c.tenant_id, c.incarnation, c.size, c.root, c.hash, c.origin, c.note, c.created_at FROM tenants AS t CROSS JOIN LATERAL ( SELECT tenant_id, incarnation, size, root, hash, origin, note, created_at FROM audit_checkpoints WHERE tenant_id = t.id ORDER BY incarnation DESC, size DESC LIMIT 1 ) AS c ORDER BY c.tenant_id",
        None,
    )
}
impl NewestStmt {
    pub fn prepare<'a, C: GenericClient>(mut self, client: &'a mut C) -> Result<Self, postgres::Error> {
        self.1 = Some(client.prepare(self.0)?);
        Ok(self)
    }
    pub fn bind<'c, 'a, 's, C: GenericClient>(
        &'s self,
        client: &'c mut C,
    ) -> AuditCheckpointQuery<'c, 'a, 's, C, AuditCheckpoint, 0> {
        AuditCheckpointQuery {
            client,
            params: [],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<AuditCheckpointBorrowed, postgres::Error> {
                Ok(AuditCheckpointBorrowed {
                    tenant_id: row.try_get(0)?,
                    incarnation: row.try_get(1)?,
                    size: row.try_get(2)?,
                    root: row.try_get(3)?,
                    hash: row.try_get(4)?,
                    origin: row.try_get(5)?,
                    note: row.try_get(6)?,
                    created_at: row.try_get(7)?,
                })
            },
            mapper: |it| AuditCheckpoint::from(it),
        }
    }
}
