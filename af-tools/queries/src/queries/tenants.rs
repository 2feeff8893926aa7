// This file was generated with `cornucopia`. Do not modify.

#[derive(Debug)]
pub struct CreateParams<T1: crate::StringSql, T2: crate::StringSql, T3: crate::JsonSql> {
    pub name: T1,
    pub tier: T2,
    pub settings: T3,
}
#[derive(Clone, Copy, Debug)]
pub struct ListParams {
    pub after: Option<uuid::Uuid>,
    pub max_rows: i64,
}
#[derive(Debug)]
pub struct UpdateParams<T1: crate::StringSql, T2: crate::StringSql, T3: crate::JsonSql> {
    pub name: T1,
    pub tier: T2,
    pub settings: T3,
    pub id: uuid::Uuid,
}
#[derive(Debug, Clone, PartialEq)]
pub struct Tenant {
    pub id: uuid::Uuid,
    pub name: String,
    pub tier: String,
    pub settings: serde_json::Value,
    pub created_at: time::OffsetDateTime,
    pub updated_at: time::OffsetDateTime,
}
pub struct TenantBorrowed<'a> {
    pub id: uuid::Uuid,
    pub name: &'a str,
    pub tier: &'a str,
    pub settings: serde_json::Value,
    pub created_at: time::OffsetDateTime,
    pub updated_at: time::OffsetDateTime,
}
impl<'a> From<TenantBorrowed<'a>> for Tenant {
    fn from(TenantBorrowed { id, name, tier, settings, created_at, updated_at }: TenantBorrowed<'a>) -> Self {
        Self { id, name: name.into(), tier: tier.into(), settings, created_at, updated_at }
    }
}
#[derive(Debug, Clone, PartialEq)]
pub struct Names {
    pub id: uuid::Uuid,
    pub name: String,
}
pub struct NamesBorrowed<'a> {
    pub id: uuid::Uuid,
    pub name: &'a str,
}
impl<'a> From<NamesBorrowed<'a>> for Names {
    fn from(NamesBorrowed { id, name }: NamesBorrowed<'a>) -> Self {
        Self { id, name: name.into() }
    }
}
use crate::client::sync::GenericClient;
use postgres::fallible_iterator::FallibleIterator;
pub struct TenantQuery<'c, 'a, 's, C: GenericClient, T, const N: usize> {
    client: &'c mut C,
    params: [&'a (dyn postgres_types::ToSql + Sync); N],
    query: &'static str,
    cached: Option<&'s postgres::Statement>,
    extractor: fn(&postgres::Row) -> Result<TenantBorrowed, postgres::Error>,
    mapper: fn(TenantBorrowed) -> T,
}
impl<'c, 'a, 's, C, T: 'c, const N: usize> TenantQuery<'c, 'a, 's, C, T, N>
where
    C: GenericClient,
{
    pub fn map<R>(self, mapper: fn(TenantBorrowed) -> R) -> TenantQuery<'c, 'a, 's, C, R, N> {
        TenantQuery {
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
pub struct NamesQuery<'c, 'a, 's, C: GenericClient, T, const N: usize> {
    client: &'c mut C,
    params: [&'a (dyn postgres_types::ToSql + Sync); N],
    query: &'static str,
    cached: Option<&'s postgres::Statement>,
    extractor: fn(&postgres::Row) -> Result<NamesBorrowed, postgres::Error>,
    mapper: fn(NamesBorrowed) -> T,
}
impl<'c, 'a, 's, C, T: 'c, const N: usize> NamesQuery<'c, 'a, 's, C, T, N>
where
    C: GenericClient,
{
    pub fn map<R>(self, mapper: fn(NamesBorrowed) -> R) -> NamesQuery<'c, 'a, 's, C, R, N> {
        NamesQuery {
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
/// Adds a tenant.
pub fn create() -> CreateStmt {
    CreateStmt(
        "INSERT INTO tenants (name, tier, settings) VALUES ($1, $2, $3) RETURNING id, name, tier, settings, created_at, updated_at",
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
        T3: crate::JsonSql,
    >(
        &'s self,
        client: &'c mut C,
        name: &'a T1,
        tier: &'a T2,
        settings: &'a T3,
    ) -> TenantQuery<'c, 'a, 's, C, Tenant, 3> {
        TenantQuery {
            client,
            params: [name, tier, settings],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<TenantBorrowed, postgres::Error> {
                Ok(TenantBorrowed {
                    id: row.try_get(0)?,
                    name: row.try_get(1)?,
                    tier: row.try_get(2)?,
                    settings: row.try_get(3)?,
                    created_at: row.try_get(4)?,
                    updated_at: row.try_get(5)?,
                })
            },
            mapper: |it| Tenant::from(it),
        }
    }
}
impl<'c, 'a, 's, C: GenericClient, T1: crate::StringSql, T2: crate::StringSql, T3: crate::JsonSql>
    crate::client::sync::Params<
        'c,
        'a,
        's,
        CreateParams<T1, T2, T3>,
        TenantQuery<'c, 'a, 's, C, Tenant, 3>,
        C,
    > for CreateStmt
{
    fn params(
        &'s self,
        client: &'c mut C,
        params: &'a CreateParams<T1, T2, T3>,
    ) -> TenantQuery<'c, 'a, 's, C, Tenant, 3> {
        self.bind(client, &params.name, &params.tier, &params.settings)
    }
}
pub struct CreateIfNewStmt(&'static str, Option<postgres::Statement>);
/// Adds a tenant with everything else by default. No row if the name is taken, also by a tenant that the role cannot see.
pub fn create_if_new() -> CreateIfNewStmt {
    CreateIfNewStmt("INSERT INTO tenants (name) VALUES ($1) ON CONFLICT (name) DO NOTHING RETURNING id", None)
}
impl CreateIfNewStmt {
    pub fn prepare<'a, C: GenericClient>(mut self, client: &'a mut C) -> Result<Self, postgres::Error> {
        self.1 = Some(client.prepare(self.0)?);
        Ok(self)
    }
    pub fn bind<'c, 'a, 's, C: GenericClient, T1: crate::StringSql>(
        &'s self,
        client: &'c mut C,
        name: &'a T1,
    ) -> UuidUuidQuery<'c, 'a, 's, C, uuid::Uuid, 1> {
        UuidUuidQuery {
            client,
            params: [name],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row| Ok(row.try_get(0)?),
            mapper: |it| it,
        }
    }
}
pub struct GetStmt(&'static str, Option<postgres::Statement>);
pub fn get() -> GetStmt {
    GetStmt("SELECT id, name, tier, settings, created_at, updated_at FROM tenants WHERE id = $1", None)
}
impl GetStmt {
    pub fn prepare<'a, C: GenericClient>(mut self, client: &'a mut C) -> Result<Self, postgres::Error> {
        self.1 = Some(client.prepare(self.0)?);
        Ok(self)
    }
    pub fn bind<'c, 'a, 's, C: GenericClient>(
        &'s self,
        client: &'c mut C,
        id: &'a uuid::Uuid,
    ) -> TenantQuery<'c, 'a, 's, C, Tenant, 1> {
        TenantQuery {
            client,
            params: [id],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<TenantBorrowed, postgres::Error> {
                Ok(TenantBorrowed {
                    id: row.try_get(0)?,
                    name: row.try_get(1)?,
                    tier: row.try_get(2)?,
                    settings: row.try_get(3)?,
                    created_at: row.try_get(4)?,
                    updated_at: row.try_get(5)?,
                })
            },
            mapper: |it| Tenant::from(it),
        }
    }
}
pub struct GetByNameStmt(&'static str, Option<postgres::Statement>);
pub fn get_by_name() -> GetByNameStmt {
    GetByNameStmt(
        "SELECT id, name, tier, settings, created_at, updated_at FROM tenants WHERE name = $1",
        None,
    )
}
impl GetByNameStmt {
    pub fn prepare<'a, C: GenericClient>(mut self, client: &'a mut C) -> Result<Self, postgres::Error> {
        self.1 = Some(client.prepare(self.0)?);
        Ok(self)
    }
    pub fn bind<'c, 'a, 's, C: GenericClient, T1: crate::StringSql>(
        &'s self,
        client: &'c mut C,
        name: &'a T1,
    ) -> TenantQuery<'c, 'a, 's, C, Tenant, 1> {
        TenantQuery {
            client,
            params: [name],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<TenantBorrowed, postgres::Error> {
                Ok(TenantBorrowed {
                    id: row.try_get(0)?,
                    name: row.try_get(1)?,
                    tier: row.try_get(2)?,
                    settings: row.try_get(3)?,
                    created_at: row.try_get(4)?,
                    updated_at: row.try_get(5)?,
                })
            },
            mapper: |it| Tenant::from(it),
        }
    }
}
pub struct ExistsStmt(&'static str, Option<postgres::Statement>);
pub fn exists() -> ExistsStmt {
    ExistsStmt("SELECT EXISTS (SELECT FROM tenants WHERE id = $1) AS is_there", None)
}
impl ExistsStmt {
    pub fn prepare<'a, C: GenericClient>(mut self, client: &'a mut C) -> Result<Self, postgres::Error> {
        self.1 = Some(client.prepare(self.0)?);
        Ok(self)
    }
    pub fn bind<'c, 'a, 's, C: GenericClient>(
        &'s self,
        client: &'c mut C,
        id: &'a uuid::Uuid,
    ) -> BoolQuery<'c, 'a, 's, C, bool, 1> {
        BoolQuery {
            client,
            params: [id],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row| Ok(row.try_get(0)?),
            mapper: |it| it,
        }
    }
}
pub struct GetIdByNameStmt(&'static str, Option<postgres::Statement>);
pub fn get_id_by_name() -> GetIdByNameStmt {
    GetIdByNameStmt("SELECT id FROM tenants WHERE name = $1", None)
}
impl GetIdByNameStmt {
    pub fn prepare<'a, C: GenericClient>(mut self, client: &'a mut C) -> Result<Self, postgres::Error> {
        self.1 = Some(client.prepare(self.0)?);
        Ok(self)
    }
    pub fn bind<'c, 'a, 's, C: GenericClient, T1: crate::StringSql>(
        &'s self,
        client: &'c mut C,
        name: &'a T1,
    ) -> UuidUuidQuery<'c, 'a, 's, C, uuid::Uuid, 1> {
        UuidUuidQuery {
            client,
            params: [name],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row| Ok(row.try_get(0)?),
            mapper: |it| it,
        }
    }
}
pub struct NamesStmt(&'static str, Option<postgres::Statement>);
/// What some tenants are called.
pub fn names() -> NamesStmt {
    NamesStmt("SELECT id, name FROM tenants WHERE id = ANY ($1) ORDER BY id", None)
}
impl NamesStmt {
    pub fn prepare<'a, C: GenericClient>(mut self, client: &'a mut C) -> Result<Self, postgres::Error> {
        self.1 = Some(client.prepare(self.0)?);
        Ok(self)
    }
    pub fn bind<'c, 'a, 's, C: GenericClient, T1: crate::ArraySql<Item = uuid::Uuid>>(
        &'s self,
        client: &'c mut C,
        ids: &'a T1,
    ) -> NamesQuery<'c, 'a, 's, C, Names, 1> {
        NamesQuery {
            client,
            params: [ids],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<NamesBorrowed, postgres::Error> {
                Ok(NamesBorrowed { id: row.try_get(0)?, name: row.try_get(1)? })
            },
            mapper: |it| Names::from(it),
        }
    }
}
pub struct ListStmt(&'static str, Option<postgres::Statement>);
/// A page of all tenants in order of id: `after` is the last id of the page before, null for the first page.
pub fn list() -> ListStmt {
    ListStmt(
        "SELECT id, name, tier, settings, created_at, updated_at FROM tenants WHERE $1::uuid IS NULL OR id > $1 ORDER BY id LIMIT $2",
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
        after: &'a Option<uuid::Uuid>,
        max_rows: &'a i64,
    ) -> TenantQuery<'c, 'a, 's, C, Tenant, 2> {
        TenantQuery {
            client,
            params: [after, max_rows],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<TenantBorrowed, postgres::Error> {
                Ok(TenantBorrowed {
                    id: row.try_get(0)?,
                    name: row.try_get(1)?,
                    tier: row.try_get(2)?,
                    settings: row.try_get(3)?,
                    created_at: row.try_get(4)?,
                    updated_at: row.try_get(5)?,
                })
            },
            mapper: |it| Tenant::from(it),
        }
    }
}
impl<'c, 'a, 's, C: GenericClient>
    crate::client::sync::Params<'c, 'a, 's, ListParams, TenantQuery<'c, 'a, 's, C, Tenant, 2>, C>
    for ListStmt
{
    fn params(&'s self, client: &'c mut C, params: &'a ListParams) -> TenantQuery<'c, 'a, 's, C, Tenant, 2> {
        self.bind(client, &params.after, &params.max_rows)
    }
}
pub struct UpdateStmt(&'static str, Option<postgres::Statement>);
pub fn update() -> UpdateStmt {
    UpdateStmt(
        "UPDATE tenants SET name = $1, tier = $2, settings = $3 WHERE id = $4 RETURNING id, name, tier, settings, created_at, updated_at",
        None,
    )
}
impl UpdateStmt {
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
        T3: crate::JsonSql,
    >(
        &'s self,
        client: &'c mut C,
        name: &'a T1,
        tier: &'a T2,
        settings: &'a T3,
        id: &'a uuid::Uuid,
    ) -> TenantQuery<'c, 'a, 's, C, Tenant, 4> {
        TenantQuery {
            client,
            params: [name, tier, settings, id],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<TenantBorrowed, postgres::Error> {
                Ok(TenantBorrowed {
                    id: row.try_get(0)?,
                    name: row.try_get(1)?,
                    tier: row.try_get(2)?,
                    settings: row.try_get(3)?,
                    created_at: row.try_get(4)?,
                    updated_at: row.try_get(5)?,
                })
            },
            mapper: |it| Tenant::from(it),
        }
    }
}
impl<'c, 'a, 's, C: GenericClient, T1: crate::StringSql, T2: crate::StringSql, T3: crate::JsonSql>
    crate::client::sync::Params<
        'c,
        'a,
        's,
        UpdateParams<T1, T2, T3>,
        TenantQuery<'c, 'a, 's, C, Tenant, 4>,
        C,
    > for UpdateStmt
{
    fn params(
        &'s self,
        client: &'c mut C,
        params: &'a UpdateParams<T1, T2, T3>,
    ) -> TenantQuery<'c, 'a, 's, C, Tenant, 4> {
        self.bind(client, &params.name, &params.tier, &params.settings, &params.id)
    }
}
pub struct DeleteStmt(&'static str, Option<postgres::Statement>);
/// Refused (23503) as long as the tenant owns anything, and so for ever once it has an audit entry or a message.
pub fn delete() -> DeleteStmt {
    DeleteStmt("DELETE FROM tenants WHERE id = $1", None)
}
impl DeleteStmt {
    pub fn prepare<'a, C: GenericClient>(mut self, client: &'a mut C) -> Result<Self, postgres::Error> {
        self.1 = Some(client.prepare(self.0)?);
        Ok(self)
    }
    pub fn bind<'c, 'a, 's, C: GenericClient>(
        &'s self,
        client: &'c mut C,
        id: &'a uuid::Uuid,
    ) -> Result<u64, postgres::Error> {
        client.execute(self.0, &[id])
    }
}
