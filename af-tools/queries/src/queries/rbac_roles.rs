// This file was generated with `cornucopia`. Do not modify.

#[derive(Debug)]
pub struct CreateParams<T1: crate::StringSql, T2: crate::JsonSql> {
    pub tenant_id: uuid::Uuid,
    pub name: T1,
    pub permissions: T2,
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
pub struct ListByUserParams {
    pub tenant_id: uuid::Uuid,
    pub user_id: uuid::Uuid,
}
#[derive(Debug)]
pub struct UpdateParams<T1: crate::StringSql, T2: crate::JsonSql> {
    pub name: T1,
    pub permissions: T2,
    pub tenant_id: uuid::Uuid,
    pub id: uuid::Uuid,
}
#[derive(Clone, Copy, Debug)]
pub struct DeleteParams {
    pub tenant_id: uuid::Uuid,
    pub id: uuid::Uuid,
}
#[derive(Debug, Clone, PartialEq)]
pub struct Role {
    pub tenant_id: uuid::Uuid,
    pub id: uuid::Uuid,
    pub name: String,
    pub permissions: serde_json::Value,
    pub created_at: time::OffsetDateTime,
}
pub struct RoleBorrowed<'a> {
    pub tenant_id: uuid::Uuid,
    pub id: uuid::Uuid,
    pub name: &'a str,
    pub permissions: serde_json::Value,
    pub created_at: time::OffsetDateTime,
}
impl<'a> From<RoleBorrowed<'a>> for Role {
    fn from(RoleBorrowed { tenant_id, id, name, permissions, created_at }: RoleBorrowed<'a>) -> Self {
        Self { tenant_id, id, name: name.into(), permissions, created_at }
    }
}
use crate::client::sync::GenericClient;
use postgres::fallible_iterator::FallibleIterator;
pub struct RoleQuery<'c, 'a, 's, C: GenericClient, T, const N: usize> {
    client: &'c mut C,
    params: [&'a (dyn postgres_types::ToSql + Sync); N],
    query: &'static str,
    cached: Option<&'s postgres::Statement>,
    extractor: fn(&postgres::Row) -> Result<RoleBorrowed, postgres::Error>,
    mapper: fn(RoleBorrowed) -> T,
}
impl<'c, 'a, 's, C, T: 'c, const N: usize> RoleQuery<'c, 'a, 's, C, T, N>
where
    C: GenericClient,
{
    pub fn map<R>(self, mapper: fn(RoleBorrowed) -> R) -> RoleQuery<'c, 'a, 's, C, R, N> {
        RoleQuery {
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
        "INSERT INTO rbac_roles (tenant_id, name, permissions) VALUES ($1, $2, $3) RETURNING tenant_id, id, name, permissions, created_at",
        None,
    )
}
impl CreateStmt {
    pub fn prepare<'a, C: GenericClient>(mut self, client: &'a mut C) -> Result<Self, postgres::Error> {
        self.1 = Some(client.prepare(self.0)?);
        Ok(self)
    }
    pub fn bind<'c, 'a, 's, C: GenericClient, T1: crate::StringSql, T2: crate::JsonSql>(
        &'s self,
        client: &'c mut C,
        tenant_id: &'a uuid::Uuid,
        name: &'a T1,
        permissions: &'a T2,
    ) -> RoleQuery<'c, 'a, 's, C, Role, 3> {
        RoleQuery {
            client,
            params: [tenant_id, name, permissions],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<RoleBorrowed, postgres::Error> {
                Ok(RoleBorrowed {
                    tenant_id: row.try_get(0)?,
                    id: row.try_get(1)?,
                    name: row.try_get(2)?,
                    permissions: row.try_get(3)?,
                    created_at: row.try_get(4)?,
                })
            },
            mapper: |it| Role::from(it),
        }
    }
}
impl<'c, 'a, 's, C: GenericClient, T1: crate::StringSql, T2: crate::JsonSql>
    crate::client::sync::Params<'c, 'a, 's, CreateParams<T1, T2>, RoleQuery<'c, 'a, 's, C, Role, 3>, C>
    for CreateStmt
{
    fn params(
        &'s self,
        client: &'c mut C,
        params: &'a CreateParams<T1, T2>,
    ) -> RoleQuery<'c, 'a, 's, C, Role, 3> {
        self.bind(client, &params.tenant_id, &params.name, &params.permissions)
    }
}
pub struct GetStmt(&'static str, Option<postgres::Statement>);
pub fn get() -> GetStmt {
    GetStmt(
        "SELECT tenant_id, id, name, permissions, created_at FROM rbac_roles WHERE tenant_id = $1 AND id = $2",
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
    ) -> RoleQuery<'c, 'a, 's, C, Role, 2> {
        RoleQuery {
            client,
            params: [tenant_id, id],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<RoleBorrowed, postgres::Error> {
                Ok(RoleBorrowed {
                    tenant_id: row.try_get(0)?,
                    id: row.try_get(1)?,
                    name: row.try_get(2)?,
                    permissions: row.try_get(3)?,
                    created_at: row.try_get(4)?,
                })
            },
            mapper: |it| Role::from(it),
        }
    }
}
impl<'c, 'a, 's, C: GenericClient>
    crate::client::sync::Params<'c, 'a, 's, GetParams, RoleQuery<'c, 'a, 's, C, Role, 2>, C> for GetStmt
{
    fn params(&'s self, client: &'c mut C, params: &'a GetParams) -> RoleQuery<'c, 'a, 's, C, Role, 2> {
        self.bind(client, &params.tenant_id, &params.id)
    }
}
pub struct GetByNameStmt(&'static str, Option<postgres::Statement>);
pub fn get_by_name() -> GetByNameStmt {
    GetByNameStmt(
        "SELECT tenant_id, id, name, permissions, created_at FROM rbac_roles WHERE tenant_id = $1 AND name = $2",
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
    ) -> RoleQuery<'c, 'a, 's, C, Role, 2> {
        RoleQuery {
            client,
            params: [tenant_id, name],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<RoleBorrowed, postgres::Error> {
                Ok(RoleBorrowed {
                    tenant_id: row.try_get(0)?,
                    id: row.try_get(1)?,
                    name: row.try_get(2)?,
                    permissions: row.try_get(3)?,
                    created_at: row.try_get(4)?,
                })
            },
            mapper: |it| Role::from(it),
        }
    }
}
impl<'c, 'a, 's, C: GenericClient, T1: crate::StringSql>
    crate::client::sync::Params<'c, 'a, 's, GetByNameParams<T1>, RoleQuery<'c, 'a, 's, C, Role, 2>, C>
    for GetByNameStmt
{
    fn params(
        &'s self,
        client: &'c mut C,
        params: &'a GetByNameParams<T1>,
    ) -> RoleQuery<'c, 'a, 's, C, Role, 2> {
        self.bind(client, &params.tenant_id, &params.name)
    }
}
pub struct ListStmt(&'static str, Option<postgres::Statement>);
/// A page of the tenant's roles in order of id: `after` is the last id of the page before, null for the first page.
pub fn list() -> ListStmt {
    ListStmt(
        "SELECT tenant_id, id, name, permissions, created_at FROM rbac_roles WHERE tenant_id = $1 AND ($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT $3",
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
    ) -> RoleQuery<'c, 'a, 's, C, Role, 3> {
        RoleQuery {
            client,
            params: [tenant_id, after, max_rows],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<RoleBorrowed, postgres::Error> {
                Ok(RoleBorrowed {
                    tenant_id: row.try_get(0)?,
                    id: row.try_get(1)?,
                    name: row.try_get(2)?,
                    permissions: row.try_get(3)?,
                    created_at: row.try_get(4)?,
                })
            },
            mapper: |it| Role::from(it),
        }
    }
}
impl<'c, 'a, 's, C: GenericClient>
    crate::client::sync::Params<'c, 'a, 's, ListParams, RoleQuery<'c, 'a, 's, C, Role, 3>, C> for ListStmt
{
    fn params(&'s self, client: &'c mut C, params: &'a ListParams) -> RoleQuery<'c, 'a, 's, C, Role, 3> {
        self.bind(client, &params.tenant_id, &params.after, &params.max_rows)
    }
}
pub struct ListByUserStmt(&'static str, Option<postgres::Statement>);
/// What a user may do beyond users.role.
pub fn list_by_user() -> ListByUserStmt {
    ListByUserStmt(
        "SELECT r.tenant_id, r.id, r.name, r.permissions, r.created_at FROM rbac_bindings AS b JOIN rbac_roles AS r ON r.tenant_id = b.tenant_id AND r.id = b.role_id WHERE b.tenant_id = $1 AND b.user_id = $2 ORDER BY r.id",
        None,
    )
}
impl ListByUserStmt {
    pub fn prepare<'a, C: GenericClient>(mut self, client: &'a mut C) -> Result<Self, postgres::Error> {
        self.1 = Some(client.prepare(self.0)?);
        Ok(self)
    }
    pub fn bind<'c, 'a, 's, C: GenericClient>(
        &'s self,
        client: &'c mut C,
        tenant_id: &'a uuid::Uuid,
        user_id: &'a uuid::Uuid,
    ) -> RoleQuery<'c, 'a, 's, C, Role, 2> {
        RoleQuery {
            client,
            params: [tenant_id, user_id],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<RoleBorrowed, postgres::Error> {
                Ok(RoleBorrowed {
                    tenant_id: row.try_get(0)?,
                    id: row.try_get(1)?,
                    name: row.try_get(2)?,
                    permissions: row.try_get(3)?,
                    created_at: row.try_get(4)?,
                })
            },
            mapper: |it| Role::from(it),
        }
    }
}
impl<'c, 'a, 's, C: GenericClient>
    crate::client::sync::Params<'c, 'a, 's, ListByUserParams, RoleQuery<'c, 'a, 's, C, Role, 2>, C>
    for ListByUserStmt
{
    fn params(
        &'s self,
        client: &'c mut C,
        params: &'a ListByUserParams,
    ) -> RoleQuery<'c, 'a, 's, C, Role, 2> {
        self.bind(client, &params.tenant_id, &params.user_id)
    }
}
pub struct UpdateStmt(&'static str, Option<postgres::Statement>);
pub fn update() -> UpdateStmt {
    UpdateStmt(
        "UPDATE rbac_roles SET name = $1, permissions = $2 WHERE tenant_id = $3 AND id = $4 RETURNING tenant_id, id, name, permissions, created_at",
        None,
    )
}
impl UpdateStmt {
    pub fn prepare<'a, C: GenericClient>(mut self, client: &'a mut C) -> Result<Self, postgres::Error> {
        self.1 = Some(client.prepare(self.0)?);
        Ok(self)
    }
    pub fn bind<'c, 'a, 's, C: GenericClient, T1: crate::StringSql, T2: crate::JsonSql>(
        &'s self,
        client: &'c mut C,
        name: &'a T1,
        permissions: &'a T2,
        tenant_id: &'a uuid::Uuid,
        id: &'a uuid::Uuid,
    ) -> RoleQuery<'c, 'a, 's, C, Role, 4> {
        RoleQuery {
            client,
            params: [name, permissions, tenant_id, id],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<RoleBorrowed, postgres::Error> {
                Ok(RoleBorrowed {
                    tenant_id: row.try_get(0)?,
                    id: row.try_get(1)?,
                    name: row.try_get(2)?,
                    permissions: row.try_get(3)?,
                    created_at: row.try_get(4)?,
                })
            },
            mapper: |it| Role::from(it),
        }
    }
}
impl<'c, 'a, 's, C: GenericClient, T1: crate::StringSql, T2: crate::JsonSql>
    crate::client::sync::Params<'c, 'a, 's, UpdateParams<T1, T2>, RoleQuery<'c, 'a, 's, C, Role, 4>, C>
    for UpdateStmt
{
    fn params(
        &'s self,
        client: &'c mut C,
        params: &'a UpdateParams<T1, T2>,
    ) -> RoleQuery<'c, 'a, 's, C, Role, 4> {
        self.bind(client, &params.name, &params.permissions, &params.tenant_id, &params.id)
    }
}
pub struct DeleteStmt(&'static str, Option<postgres::Statement>);
/// Refused (23503) as long as somebody has the role.
pub fn delete() -> DeleteStmt {
    DeleteStmt("DELETE FROM rbac_roles WHERE tenant_id = $1 AND id = $2", None)
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
