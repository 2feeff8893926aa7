// This file was generated with `cornucopia`. Do not modify.

#[derive(Debug)]
pub struct CreateParams<T1: crate::StringSql, T2: crate::JsonSql, T3: crate::JsonSql, T4: crate::JsonSql> {
    pub tenant_id: uuid::Uuid,
    pub name: T1,
    pub schema: T2,
    pub permissions: T3,
    pub cost_model: T4,
}
#[derive(Clone, Copy, Debug)]
pub struct GetParams {
    pub tenant_id: uuid::Uuid,
    pub id: uuid::Uuid,
}
#[derive(Debug)]
pub struct GetByNameParams<T1: crate::StringSql> {
    pub tenant_id: uuid::Uuid,
    pub name: T1,
}
#[derive(Clone, Copy, Debug)]
pub struct ListParams {
    pub tenant_id: uuid::Uuid,
    pub after: Option<uuid::Uuid>,
    pub max_rows: i64,
}
#[derive(Clone, Copy, Debug)]
pub struct ListByPermissionsParams<T1: crate::JsonSql> {
    pub tenant_id: uuid::Uuid,
    pub permissions: T1,
}
#[derive(Debug)]
pub struct UpdateParams<T1: crate::StringSql, T2: crate::JsonSql, T3: crate::JsonSql, T4: crate::JsonSql> {
    pub name: T1,
    pub schema: T2,
    pub permissions: T3,
    pub cost_model: T4,
    pub tenant_id: uuid::Uuid,
    pub id: uuid::Uuid,
}
#[derive(Clone, Copy, Debug)]
pub struct DeleteParams {
    pub tenant_id: uuid::Uuid,
    pub id: uuid::Uuid,
}
#[derive(Debug, Clone, PartialEq)]
pub struct Tool {
    pub tenant_id: uuid::Uuid,
    pub id: uuid::Uuid,
    pub name: String,
    pub schema: serde_json::Value,
    pub permissions: serde_json::Value,
    pub cost_model: serde_json::Value,
    pub created_at: time::OffsetDateTime,
    pub updated_at: time::OffsetDateTime,
}
pub struct ToolBorrowed<'a> {
    pub tenant_id: uuid::Uuid,
    pub id: uuid::Uuid,
    pub name: &'a str,
    pub schema: serde_json::Value,
    pub permissions: serde_json::Value,
    pub cost_model: serde_json::Value,
    pub created_at: time::OffsetDateTime,
    pub updated_at: time::OffsetDateTime,
}
impl<'a> From<ToolBorrowed<'a>> for Tool {
    fn from(
        ToolBorrowed {
            tenant_id,
            id,
            name,
            schema,
            permissions,
            cost_model,
            created_at,
            updated_at,
        }: ToolBorrowed<'a>,
    ) -> Self {
        Self { tenant_id, id, name: name.into(), schema, permissions, cost_model, created_at, updated_at }
    }
}
use crate::client::sync::GenericClient;
use postgres::fallible_iterator::FallibleIterator;
pub struct ToolQuery<'c, 'a, 's, C: GenericClient, T, const N: usize> {
    client: &'c mut C,
    params: [&'a (dyn postgres_types::ToSql + Sync); N],
    query: &'static str,
    cached: Option<&'s postgres::Statement>,
    extractor: fn(&postgres::Row) -> Result<ToolBorrowed, postgres::Error>,
    mapper: fn(ToolBorrowed) -> T,
}
impl<'c, 'a, 's, C, T: 'c, const N: usize> ToolQuery<'c, 'a, 's, C, T, N>
where
    C: GenericClient,
{
    pub fn map<R>(self, mapper: fn(ToolBorrowed) -> R) -> ToolQuery<'c, 'a, 's, C, R, N> {
        ToolQuery {
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
pub fn create() -> CreateStmt {
    CreateStmt(
        "INSERT INTO tools (tenant_id, name, schema, permissions, cost_model) VALUES ($1, $2, $3, $4, $5) RETURNING tenant_id, id, name, schema, permissions, cost_model, created_at, updated_at",
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
        T2: crate::JsonSql,
        T3: crate::JsonSql,
        T4: crate::JsonSql,
    >(
        &'s self,
        client: &'c mut C,
        tenant_id: &'a uuid::Uuid,
        name: &'a T1,
        schema: &'a T2,
        permissions: &'a T3,
        cost_model: &'a T4,
    ) -> ToolQuery<'c, 'a, 's, C, Tool, 5> {
        ToolQuery {
            client,
            params: [tenant_id, name, schema, permissions, cost_model],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<ToolBorrowed, postgres::Error> {
                Ok(ToolBorrowed {
                    tenant_id: row.try_get(0)?,
                    id: row.try_get(1)?,
                    name: row.try_get(2)?,
                    schema: row.try_get(3)?,
                    permissions: row.try_get(4)?,
                    cost_model: row.try_get(5)?,
                    created_at: row.try_get(6)?,
                    updated_at: row.try_get(7)?,
                })
            },
            mapper: |it| Tool::from(it),
        }
    }
}
impl<
    'c,
    'a,
    's,
    C: GenericClient,
    T1: crate::StringSql,
    T2: crate::JsonSql,
    T3: crate::JsonSql,
    T4: crate::JsonSql,
> crate::client::sync::Params<'c, 'a, 's, CreateParams<T1, T2, T3, T4>, ToolQuery<'c, 'a, 's, C, Tool, 5>, C>
    for CreateStmt
{
    fn params(
        &'s self,
        client: &'c mut C,
        params: &'a CreateParams<T1, T2, T3, T4>,
    ) -> ToolQuery<'c, 'a, 's, C, Tool, 5> {
        self.bind(
            client,
            &params.tenant_id,
            &params.name,
            &params.schema,
            &params.permissions,
            &params.cost_model,
        )
    }
}
pub struct GetStmt(&'static str, Option<postgres::Statement>);
pub fn get() -> GetStmt {
    GetStmt(
        "SELECT tenant_id, id, name, schema, permissions, cost_model, created_at, updated_at FROM tools WHERE tenant_id = $1 AND id = $2",
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
        id: &'a uuid::Uuid,
    ) -> ToolQuery<'c, 'a, 's, C, Tool, 2> {
        ToolQuery {
            client,
            params: [tenant_id, id],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<ToolBorrowed, postgres::Error> {
                Ok(ToolBorrowed {
                    tenant_id: row.try_get(0)?,
                    id: row.try_get(1)?,
                    name: row.try_get(2)?,
                    schema: row.try_get(3)?,
                    permissions: row.try_get(4)?,
                    cost_model: row.try_get(5)?,
                    created_at: row.try_get(6)?,
                    updated_at: row.try_get(7)?,
                })
            },
            mapper: |it| Tool::from(it),
        }
    }
}
impl<'c, 'a, 's, C: GenericClient>
    crate::client::sync::Params<'c, 'a, 's, GetParams, ToolQuery<'c, 'a, 's, C, Tool, 2>, C> for GetStmt
{
    fn params(&'s self, client: &'c mut C, params: &'a GetParams) -> ToolQuery<'c, 'a, 's, C, Tool, 2> {
        self.bind(client, &params.tenant_id, &params.id)
    }
}
pub struct GetByNameStmt(&'static str, Option<postgres::Statement>);
pub fn get_by_name() -> GetByNameStmt {
    GetByNameStmt(
        "SELECT tenant_id, id, name, schema, permissions, cost_model, created_at, updated_at FROM tools WHERE tenant_id = $1 AND name = $2",
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
        tenant_id: &'a uuid::Uuid,
        name: &'a T1,
    ) -> ToolQuery<'c, 'a, 's, C, Tool, 2> {
        ToolQuery {
            client,
            params: [tenant_id, name],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<ToolBorrowed, postgres::Error> {
                Ok(ToolBorrowed {
                    tenant_id: row.try_get(0)?,
                    id: row.try_get(1)?,
                    name: row.try_get(2)?,
                    schema: row.try_get(3)?,
                    permissions: row.try_get(4)?,
                    cost_model: row.try_get(5)?,
                    created_at: row.try_get(6)?,
                    updated_at: row.try_get(7)?,
                })
            },
            mapper: |it| Tool::from(it),
        }
    }
}
impl<'c, 'a, 's, C: GenericClient, T1: crate::StringSql>
    crate::client::sync::Params<'c, 'a, 's, GetByNameParams<T1>, ToolQuery<'c, 'a, 's, C, Tool, 2>, C>
    for GetByNameStmt
{
    fn params(
        &'s self,
        client: &'c mut C,
        params: &'a GetByNameParams<T1>,
    ) -> ToolQuery<'c, 'a, 's, C, Tool, 2> {
        self.bind(client, &params.tenant_id, &params.name)
    }
}
pub struct ListStmt(&'static str, Option<postgres::Statement>);
/// A page of the tenant's tools in order of id: `after` is the last id of the page before, null for the first page.
pub fn list() -> ListStmt {
    ListStmt(
        "SELECT tenant_id, id, name, schema, permissions, cost_model, created_at, updated_at FROM tools WHERE tenant_id = $1 AND ($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT $3",
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
        after: &'a Option<uuid::Uuid>,
        max_rows: &'a i64,
    ) -> ToolQuery<'c, 'a, 's, C, Tool, 3> {
        ToolQuery {
            client,
            params: [tenant_id, after, max_rows],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<ToolBorrowed, postgres::Error> {
                Ok(ToolBorrowed {
                    tenant_id: row.try_get(0)?,
                    id: row.try_get(1)?,
                    name: row.try_get(2)?,
                    schema: row.try_get(3)?,
                    permissions: row.try_get(4)?,
                    cost_model: row.try_get(5)?,
                    created_at: row.try_get(6)?,
                    updated_at: row.try_get(7)?,
                })
            },
            mapper: |it| Tool::from(it),
        }
    }
}
impl<'c, 'a, 's, C: GenericClient>
    crate::client::sync::Params<'c, 'a, 's, ListParams, ToolQuery<'c, 'a, 's, C, Tool, 3>, C> for ListStmt
{
    fn params(&'s self, client: &'c mut C, params: &'a ListParams) -> ToolQuery<'c, 'a, 's, C, Tool, 3> {
        self.bind(client, &params.tenant_id, &params.after, &params.max_rows)
    }
}
pub struct ListByPermissionsStmt(&'static str, Option<postgres::Statement>);
/// The tenant's tools that need all of some permissions (`@>`).
pub fn list_by_permissions() -> ListByPermissionsStmt {
    ListByPermissionsStmt(
        "SELECT tenant_id, id, name, schema, permissions, cost_model, created_at, updated_at FROM tools WHERE tenant_id = $1 AND permissions @> $2 ORDER BY id",
        None,
    )
}
impl ListByPermissionsStmt {
    pub fn prepare<'a, C: GenericClient>(mut self, client: &'a mut C) -> Result<Self, postgres::Error> {
        self.1 = Some(client.prepare(self.0)?);
        Ok(self)
    }
    pub fn bind<'c, 'a, 's, C: GenericClient, T1: crate::JsonSql>(
        &'s self,
        client: &'c mut C,
        tenant_id: &'a uuid::Uuid,
        permissions: &'a T1,
    ) -> ToolQuery<'c, 'a, 's, C, Tool, 2> {
        ToolQuery {
            client,
            params: [tenant_id, permissions],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<ToolBorrowed, postgres::Error> {
                Ok(ToolBorrowed {
                    tenant_id: row.try_get(0)?,
                    id: row.try_get(1)?,
                    name: row.try_get(2)?,
                    schema: row.try_get(3)?,
                    permissions: row.try_get(4)?,
                    cost_model: row.try_get(5)?,
                    created_at: row.try_get(6)?,
                    updated_at: row.try_get(7)?,
                })
            },
            mapper: |it| Tool::from(it),
        }
    }
}
impl<'c, 'a, 's, C: GenericClient, T1: crate::JsonSql>
    crate::client::sync::Params<'c, 'a, 's, ListByPermissionsParams<T1>, ToolQuery<'c, 'a, 's, C, Tool, 2>, C>
    for ListByPermissionsStmt
{
    fn params(
        &'s self,
        client: &'c mut C,
        params: &'a ListByPermissionsParams<T1>,
    ) -> ToolQuery<'c, 'a, 's, C, Tool, 2> {
        self.bind(client, &params.tenant_id, &params.permissions)
    }
}
pub struct UpdateStmt(&'static str, Option<postgres::Statement>);
pub fn update() -> UpdateStmt {
    UpdateStmt(
        "UPDATE tools SET name = $1, schema = $2, permissions = $3, cost_model = $4 WHERE tenant_id = $5 AND id = $6 RETURNING tenant_id, id, name, schema, permissions, cost_model, created_at, updated_at",
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
        T2: crate::JsonSql,
        T3: crate::JsonSql,
        T4: crate::JsonSql,
    >(
        &'s self,
        client: &'c mut C,
        name: &'a T1,
        schema: &'a T2,
        permissions: &'a T3,
        cost_model: &'a T4,
        tenant_id: &'a uuid::Uuid,
        id: &'a uuid::Uuid,
    ) -> ToolQuery<'c, 'a, 's, C, Tool, 6> {
        ToolQuery {
            client,
            params: [name, schema, permissions, cost_model, tenant_id, id],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<ToolBorrowed, postgres::Error> {
                Ok(ToolBorrowed {
                    tenant_id: row.try_get(0)?,
                    id: row.try_get(1)?,
                    name: row.try_get(2)?,
                    schema: row.try_get(3)?,
                    permissions: row.try_get(4)?,
                    cost_model: row.try_get(5)?,
                    created_at: row.try_get(6)?,
                    updated_at: row.try_get(7)?,
                })
            },
            mapper: |it| Tool::from(it),
        }
    }
}
impl<
    'c,
    'a,
    's,
    C: GenericClient,
    T1: crate::StringSql,
    T2: crate::JsonSql,
    T3: crate::JsonSql,
    T4: crate::JsonSql,
> crate::client::sync::Params<'c, 'a, 's, UpdateParams<T1, T2, T3, T4>, ToolQuery<'c, 'a, 's, C, Tool, 6>, C>
    for UpdateStmt
{
    fn params(
        &'s self,
        client: &'c mut C,
        params: &'a UpdateParams<T1, T2, T3, T4>,
    ) -> ToolQuery<'c, 'a, 's, C, Tool, 6> {
        self.bind(
            client,
            &params.name,
            &params.schema,
            &params.permissions,
            &params.cost_model,
            &params.tenant_id,
            &params.id,
        )
    }
}
pub struct DeleteStmt(&'static str, Option<postgres::Statement>);
pub fn delete() -> DeleteStmt {
    DeleteStmt("DELETE FROM tools WHERE tenant_id = $1 AND id = $2", None)
}
impl DeleteStmt {
    pub fn prepare<'a, C: GenericClient>(mut self, client: &'a mut C) -> Result<Self, postgres::Error> {
        self.1 = Some(client.prepare(self.0)?);
        Ok(self)
    }
    pub fn bind<'c, 'a, 's, C: GenericClient>(
        &'s self,
        client: &'c mut C,
        tenant_id: &'a uuid::Uuid,
        id: &'a uuid::Uuid,
    ) -> Result<u64, postgres::Error> {
        client.execute(self.0, &[tenant_id, id])
    }
}
impl<'c, 'a, 's, C: GenericClient>
    crate::client::sync::Params<'c, 'a, 's, DeleteParams, Result<u64, postgres::Error>, C> for DeleteStmt
{
    fn params(&'s self, client: &'c mut C, params: &'a DeleteParams) -> Result<u64, postgres::Error> {
        self.bind(client, &params.tenant_id, &params.id)
    }
}
