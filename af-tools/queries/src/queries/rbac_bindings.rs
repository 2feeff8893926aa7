// This file was generated with `cornucopia`. Do not modify.

#[derive(Clone, Copy, Debug)]
pub struct CreateParams {
    pub tenant_id: uuid::Uuid,
    pub user_id: uuid::Uuid,
    pub role_id: uuid::Uuid,
}
#[derive(Clone, Copy, Debug)]
pub struct GetParams {
    pub tenant_id: uuid::Uuid,
    pub id: uuid::Uuid,
}
#[derive(Clone, Copy, Debug)]
pub struct ListParams {
    pub tenant_id: uuid::Uuid,
    pub after: Option<uuid::Uuid>,
    pub max_rows: i64,
}
#[derive(Clone, Copy, Debug)]
pub struct ListUsersByRoleParams {
    pub tenant_id: uuid::Uuid,
    pub role_id: uuid::Uuid,
}
#[derive(Clone, Copy, Debug)]
pub struct DeleteParams {
    pub tenant_id: uuid::Uuid,
    pub id: uuid::Uuid,
}
#[derive(Clone, Copy, Debug)]
pub struct DeleteByUserAndRoleParams {
    pub tenant_id: uuid::Uuid,
    pub user_id: uuid::Uuid,
    pub role_id: uuid::Uuid,
}
#[derive(Debug, Clone, PartialEq, Copy)]
pub struct Binding {
    pub tenant_id: uuid::Uuid,
    pub id: uuid::Uuid,
    pub user_id: uuid::Uuid,
    pub role_id: uuid::Uuid,
    pub created_at: time::OffsetDateTime,
}
#[derive(Debug, Clone, PartialEq)]
pub struct ListUsersByRole {
    pub id: uuid::Uuid,
    pub email: String,
    pub bound_at: time::OffsetDateTime,
}
pub struct ListUsersByRoleBorrowed<'a> {
    pub id: uuid::Uuid,
    pub email: &'a str,
    pub bound_at: time::OffsetDateTime,
}
impl<'a> From<ListUsersByRoleBorrowed<'a>> for ListUsersByRole {
    fn from(ListUsersByRoleBorrowed { id, email, bound_at }: ListUsersByRoleBorrowed<'a>) -> Self {
        Self { id, email: email.into(), bound_at }
    }
}
use crate::client::sync::GenericClient;
use postgres::fallible_iterator::FallibleIterator;
pub struct BindingQuery<'c, 'a, 's, C: GenericClient, T, const N: usize> {
    client: &'c mut C,
    params: [&'a (dyn postgres_types::ToSql + Sync); N],
    query: &'static str,
    cached: Option<&'s postgres::Statement>,
    extractor: fn(&postgres::Row) -> Result<Binding, postgres::Error>,
    mapper: fn(Binding) -> T,
}
impl<'c, 'a, 's, C, T: 'c, const N: usize> BindingQuery<'c, 'a, 's, C, T, N>
where
    C: GenericClient,
{
    pub fn map<R>(self, mapper: fn(Binding) -> R) -> BindingQuery<'c, 'a, 's, C, R, N> {
        BindingQuery {
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
pub struct ListUsersByRoleQuery<'c, 'a, 's, C: GenericClient, T, const N: usize> {
    client: &'c mut C,
    params: [&'a (dyn postgres_types::ToSql + Sync); N],
    query: &'static str,
    cached: Option<&'s postgres::Statement>,
    extractor: fn(&postgres::Row) -> Result<ListUsersByRoleBorrowed, postgres::Error>,
    mapper: fn(ListUsersByRoleBorrowed) -> T,
}
impl<'c, 'a, 's, C, T: 'c, const N: usize> ListUsersByRoleQuery<'c, 'a, 's, C, T, N>
where
    C: GenericClient,
{
    pub fn map<R>(
        self,
        mapper: fn(ListUsersByRoleBorrowed) -> R,
    ) -> ListUsersByRoleQuery<'c, 'a, 's, C, R, N> {
        ListUsersByRoleQuery {
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
/// Gives a user a role.
pub fn create() -> CreateStmt {
    CreateStmt(
        "INSERT INTO rbac_bindings (tenant_id, user_id, role_id) VALUES ($1, $2, $3) RETURNING tenant_id, id, user_id, role_id, created_at",
        None,
    )
}
impl CreateStmt {
    pub fn prepare<'a, C: GenericClient>(mut self, client: &'a mut C) -> Result<Self, postgres::Error> {
        self.1 = Some(client.prepare(self.0)?);
        Ok(self)
    }
    pub fn bind<'c, 'a, 's, C: GenericClient>(
        &'s self,
        client: &'c mut C,
        tenant_id: &'a uuid::Uuid,
        user_id: &'a uuid::Uuid,
        role_id: &'a uuid::Uuid,
    ) -> BindingQuery<'c, 'a, 's, C, Binding, 3> {
        BindingQuery {
            client,
            params: [tenant_id, user_id, role_id],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<Binding, postgres::Error> {
                Ok(Binding {
                    tenant_id: row.try_get(0)?,
                    id: row.try_get(1)?,
                    user_id: row.try_get(2)?,
                    role_id: row.try_get(3)?,
                    created_at: row.try_get(4)?,
                })
            },
            mapper: |it| Binding::from(it),
        }
    }
}
impl<'c, 'a, 's, C: GenericClient>
    crate::client::sync::Params<'c, 'a, 's, CreateParams, BindingQuery<'c, 'a, 's, C, Binding, 3>, C>
    for CreateStmt
{
    fn params(
        &'s self,
        client: &'c mut C,
        params: &'a CreateParams,
    ) -> BindingQuery<'c, 'a, 's, C, Binding, 3> {
        self.bind(client, &params.tenant_id, &params.user_id, &params.role_id)
    }
}
pub struct GetStmt(&'static str, Option<postgres::Statement>);
pub fn get() -> GetStmt {
    GetStmt(
        "SELECT tenant_id, id, user_id, role_id, created_at FROM rbac_bindings WHERE tenant_id = $1 AND id = $2",
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
    ) -> BindingQuery<'c, 'a, 's, C, Binding, 2> {
        BindingQuery {
            client,
            params: [tenant_id, id],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<Binding, postgres::Error> {
                Ok(Binding {
                    tenant_id: row.try_get(0)?,
                    id: row.try_get(1)?,
                    user_id: row.try_get(2)?,
                    role_id: row.try_get(3)?,
                    created_at: row.try_get(4)?,
                })
            },
            mapper: |it| Binding::from(it),
        }
    }
}
impl<'c, 'a, 's, C: GenericClient>
    crate::client::sync::Params<'c, 'a, 's, GetParams, BindingQuery<'c, 'a, 's, C, Binding, 2>, C>
    for GetStmt
{
    fn params(&'s self, client: &'c mut C, params: &'a GetParams) -> BindingQuery<'c, 'a, 's, C, Binding, 2> {
        self.bind(client, &params.tenant_id, &params.id)
    }
}
pub struct ListStmt(&'static str, Option<postgres::Statement>);
/// A page of the tenant's bindings in order of id: `after` is the last id of the page before, null for the first page.
pub fn list() -> ListStmt {
    ListStmt(
        "SELECT tenant_id, id, user_id, role_id, created_at FROM rbac_bindings WHERE tenant_id = $1 AND ($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT $3",
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
    ) -> BindingQuery<'c, 'a, 's, C, Binding, 3> {
        BindingQuery {
            client,
            params: [tenant_id, after, max_rows],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<Binding, postgres::Error> {
                Ok(Binding {
                    tenant_id: row.try_get(0)?,
                    id: row.try_get(1)?,
                    user_id: row.try_get(2)?,
                    role_id: row.try_get(3)?,
                    created_at: row.try_get(4)?,
                })
            },
            mapper: |it| Binding::from(it),
        }
    }
}
impl<'c, 'a, 's, C: GenericClient>
    crate::client::sync::Params<'c, 'a, 's, ListParams, BindingQuery<'c, 'a, 's, C, Binding, 3>, C>
    for ListStmt
{
    fn params(
        &'s self,
        client: &'c mut C,
        params: &'a ListParams,
    ) -> BindingQuery<'c, 'a, 's, C, Binding, 3> {
        self.bind(client, &params.tenant_id, &params.after, &params.max_rows)
    }
}
pub struct ListUsersByRoleStmt(&'static str, Option<postgres::Statement>);
/// Who has a role.
pub fn list_users_by_role() -> ListUsersByRoleStmt {
    ListUsersByRoleStmt(
        "SELECT u.id, u.email, b.created_at AS bound_at FROM rbac_bindings AS b JOIN users AS u ON u.tenant_id = b.tenant_id AND u.id = b.user_id WHERE b.tenant_id = $1 AND b.role_id = $2 ORDER BY u.id",
        None,
    )
}
impl ListUsersByRoleStmt {
    pub fn prepare<'a, C: GenericClient>(mut self, client: &'a mut C) -> Result<Self, postgres::Error> {
        self.1 = Some(client.prepare(self.0)?);
        Ok(self)
    }
    pub fn bind<'c, 'a, 's, C: GenericClient>(
        &'s self,
        client: &'c mut C,
        tenant_id: &'a uuid::Uuid,
        role_id: &'a uuid::Uuid,
    ) -> ListUsersByRoleQuery<'c, 'a, 's, C, ListUsersByRole, 2> {
        ListUsersByRoleQuery {
            client,
            params: [tenant_id, role_id],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<ListUsersByRoleBorrowed, postgres::Error> {
                Ok(ListUsersByRoleBorrowed {
                    id: row.try_get(0)?,
                    email: row.try_get(1)?,
                    bound_at: row.try_get(2)?,
                })
            },
            mapper: |it| ListUsersByRole::from(it),
        }
    }
}
impl<'c, 'a, 's, C: GenericClient>
    crate::client::sync::Params<
        'c,
        'a,
        's,
        ListUsersByRoleParams,
        ListUsersByRoleQuery<'c, 'a, 's, C, ListUsersByRole, 2>,
        C,
    > for ListUsersByRoleStmt
{
    fn params(
        &'s self,
        client: &'c mut C,
        params: &'a ListUsersByRoleParams,
    ) -> ListUsersByRoleQuery<'c, 'a, 's, C, ListUsersByRole, 2> {
        self.bind(client, &params.tenant_id, &params.role_id)
    }
}
pub struct DeleteStmt(&'static str, Option<postgres::Statement>);
pub fn delete() -> DeleteStmt {
    DeleteStmt("DELETE FROM rbac_bindings WHERE tenant_id = $1 AND id = $2", None)
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
pub struct DeleteByUserAndRoleStmt(&'static str, Option<postgres::Statement>);
/// Takes a role from a user.
pub fn delete_by_user_and_role() -> DeleteByUserAndRoleStmt {
    DeleteByUserAndRoleStmt(
        "DELETE FROM rbac_bindings WHERE tenant_id = $1 AND user_id = $2 AND role_id = $3",
        None,
    )
}
impl DeleteByUserAndRoleStmt {
    pub fn prepare<'a, C: GenericClient>(mut self, client: &'a mut C) -> Result<Self, postgres::Error> {
        self.1 = Some(client.prepare(self.0)?);
        Ok(self)
    }
    pub fn bind<'c, 'a, 's, C: GenericClient>(
        &'s self,
        client: &'c mut C,
        tenant_id: &'a uuid::Uuid,
        user_id: &'a uuid::Uuid,
        role_id: &'a uuid::Uuid,
    ) -> Result<u64, postgres::Error> {
        client.execute(self.0, &[tenant_id, user_id, role_id])
    }
}
impl<'c, 'a, 's, C: GenericClient>
    crate::client::sync::Params<'c, 'a, 's, DeleteByUserAndRoleParams, Result<u64, postgres::Error>, C>
    for DeleteByUserAndRoleStmt
{
    fn params(
        &'s self,
        client: &'c mut C,
        params: &'a DeleteByUserAndRoleParams,
    ) -> Result<u64, postgres::Error> {
        self.bind(client, &params.tenant_id, &params.user_id, &params.role_id)
    }
}
