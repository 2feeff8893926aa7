// This file was generated with `cornucopia`. Do not modify.

#[derive(Debug, Clone, PartialEq)]
pub struct ChooseEntry {
    pub tenant_id: uuid::Uuid,
    pub tenant: String,
    pub seq: i64,
    pub id: uuid::Uuid,
    pub action: String,
    pub details: String,
    pub has_amount: bool,
}
pub struct ChooseEntryBorrowed<'a> {
    pub tenant_id: uuid::Uuid,
    pub tenant: &'a str,
    pub seq: i64,
    pub id: uuid::Uuid,
    pub action: &'a str,
    pub details: &'a str,
    pub has_amount: bool,
}
impl<'a> From<ChooseEntryBorrowed<'a>> for ChooseEntry {
    fn from(
        ChooseEntryBorrowed { tenant_id, tenant, seq, id, action, details, has_amount }: ChooseEntryBorrowed<
            'a,
        >,
    ) -> Self {
        Self {
            tenant_id,
            tenant: tenant.into(),
            seq,
            id,
            action: action.into(),
            details: details.into(),
            has_amount,
        }
    }
}
use crate::client::sync::GenericClient;
use postgres::fallible_iterator::FallibleIterator;
pub struct ChooseEntryQuery<'c, 'a, 's, C: GenericClient, T, const N: usize> {
    client: &'c mut C,
    params: [&'a (dyn postgres_types::ToSql + Sync); N],
    query: &'static str,
    cached: Option<&'s postgres::Statement>,
    extractor: fn(&postgres::Row) -> Result<ChooseEntryBorrowed, postgres::Error>,
    mapper: fn(ChooseEntryBorrowed) -> T,
}
impl<'c, 'a, 's, C, T: 'c, const N: usize> ChooseEntryQuery<'c, 'a, 's, C, T, N>
where
    C: GenericClient,
{
    pub fn map<R>(self, mapper: fn(ChooseEntryBorrowed) -> R) -> ChooseEntryQuery<'c, 'a, 's, C, R, N> {
        ChooseEntryQuery {
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
pub struct ChooseEntryStmt(&'static str, Option<postgres::Statement>);
/// An entry well inside the longest chain; one that moves money, if there is one.
pub fn choose_entry() -> ChooseEntryStmt {
    ChooseEntryStmt(
        "WITH longest AS ( SELECT tenant_id, max(seq) AS head FROM audits GROUP BY tenant_id ORDER BY head DESC, tenant_id LIMIT 1 ), candidate AS ( SELECT a.*, longest.head, jsonb_typeof(a.details -> 'amount') IS NOT DISTINCT FROM 'number' AS has_amount FROM longest JOIN audits AS a USING (tenant_id) ) SELECT c.tenant_id, t.name AS tenant, c.seq, c.id, c.action, c.details::text AS details, c.has_amount FROM candidate AS c JOIN tenants AS t ON t.id = c.tenant_id ORDER BY c.has_amount DESC, abs(c.seq - c.head / 2), c.seq LIMIT 1",
        None,
    )
}
impl ChooseEntryStmt {
    pub fn prepare<'a, C: GenericClient>(mut self, client: &'a mut C) -> Result<Self, postgres::Error> {
        self.1 = Some(client.prepare(self.0)?);
        Ok(self)
    }
    pub fn bind<'c, 'a, 's, C: GenericClient>(
        &'s self,
        client: &'c mut C,
    ) -> ChooseEntryQuery<'c, 'a, 's, C, ChooseEntry, 0> {
        ChooseEntryQuery {
            client,
            params: [],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<ChooseEntryBorrowed, postgres::Error> {
                Ok(ChooseEntryBorrowed {
                    tenant_id: row.try_get(0)?,
                    tenant: row.try_get(1)?,
                    seq: row.try_get(2)?,
                    id: row.try_get(3)?,
                    action: row.try_get(4)?,
                    details: row.try_get(5)?,
                    has_amount: row.try_get(6)?,
                })
            },
            mapper: |it| ChooseEntry::from(it),
        }
    }
}
