// This file was generated with `cornucopia`. Do not modify.

#[derive(Debug)]
pub struct CreateParams<T1: crate::StringSql, T2: crate::StringSql, T3: crate::StringSql> {
    pub tenant_id: uuid::Uuid,
    pub email: T1,
    pub role: T2,
    pub hashed_secret: Option<T3>,
}
#[derive(Clone, Copy, Debug)]
pub struct GetParams {
    pub tenant_id: uuid::Uuid,
    pub id: uuid::Uuid,
}
#[derive(Debug)]
pub struct GetByEmailParams<T1: crate::StringSql> {
    pub tenant_id: uuid::Uuid,
    pub email: T1,
}
#[derive(Debug)]
pub struct GetCredentialsParams<T1: crate::StringSql> {
    pub tenant_id: uuid::Uuid,
    pub email: T1,
}
#[derive(Clone, Copy, Debug)]
pub struct ListParams {
    pub tenant_id: uuid::Uuid,
    pub after: Option<uuid::Uuid>,
    pub max_rows: i64,
}
#[derive(Debug)]
pub struct UpdateParams<T1: crate::StringSql, T2: crate::StringSql> {
    pub email: T1,
    pub role: T2,
    pub tenant_id: uuid::Uuid,
    pub id: uuid::Uuid,
}
#[derive(Debug)]
pub struct SetSecretParams<T1: crate::StringSql> {
    pub hashed_secret: Option<T1>,
    pub tenant_id: uuid::Uuid,
    pub id: uuid::Uuid,
}
#[derive(Clone, Copy, Debug)]
pub struct DeleteParams {
    pub tenant_id: uuid::Uuid,
    pub id: uuid::Uuid,
}
#[derive(Debug, Clone, PartialEq)]
pub struct User {
    pub tenant_id: uuid::Uuid,
    pub id: uuid::Uuid,
    pub email: String,
    pub role: String,
    pub created_at: time::OffsetDateTime,
    pub updated_at: time::OffsetDateTime,
}
pub struct UserBorrowed<'a> {
    pub tenant_id: uuid::Uuid,
    pub id: uuid::Uuid,
    pub email: &'a str,
    pub role: &'a str,
    pub created_at: time::OffsetDateTime,
    pub updated_at: time::OffsetDateTime,
}
impl<'a> From<UserBorrowed<'a>> for User {
    fn from(UserBorrowed { tenant_id, id, email, role, created_at, updated_at }: UserBorrowed<'a>) -> Self {
        Self { tenant_id, id, email: email.into(), role: role.into(), created_at, updated_at }
    }
}
#[derive(Debug, Clone, PartialEq)]
pub struct Credentials {
    pub id: uuid::Uuid,
    pub role: String,
    pub hashed_secret: Option<String>,
}
pub struct CredentialsBorrowed<'a> {
    pub id: uuid::Uuid,
    pub role: &'a str,
    pub hashed_secret: Option<&'a str>,
}
impl<'a> From<CredentialsBorrowed<'a>> for Credentials {
    fn from(CredentialsBorrowed { id, role, hashed_secret }: CredentialsBorrowed<'a>) -> Self {
        Self { id, role: role.into(), hashed_secret: hashed_secret.map(|v| v.into()) }
    }
}
use crate::client::sync::GenericClient;
use postgres::fallible_iterator::FallibleIterator;
pub struct UserQuery<'c, 'a, 's, C: GenericClient, T, const N: usize> {
    client: &'c mut C,
    params: [&'a (dyn postgres_types::ToSql + Sync); N],
    query: &'static str,
    cached: Option<&'s postgres::Statement>,
    extractor: fn(&postgres::Row) -> Result<UserBorrowed, postgres::Error>,
    mapper: fn(UserBorrowed) -> T,
}
impl<'c, 'a, 's, C, T: 'c, const N: usize> UserQuery<'c, 'a, 's, C, T, N>
where
    C: GenericClient,
{
    pub fn map<R>(self, mapper: fn(UserBorrowed) -> R) -> UserQuery<'c, 'a, 's, C, R, N> {
        UserQuery {
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
pub struct CredentialsQuery<'c, 'a, 's, C: GenericClient, T, const N: usize> {
    client: &'c mut C,
    params: [&'a (dyn postgres_types::ToSql + Sync); N],
    query: &'static str,
    cached: Option<&'s postgres::Statement>,
    extractor: fn(&postgres::Row) -> Result<CredentialsBorrowed, postgres::Error>,
    mapper: fn(CredentialsBorrowed) -> T,
}
impl<'c, 'a, 's, C, T: 'c, const N: usize> CredentialsQuery<'c, 'a, 's, C, T, N>
where
    C: GenericClient,
{
    pub fn map<R>(self, mapper: fn(CredentialsBorrowed) -> R) -> CredentialsQuery<'c, 'a, 's, C, R, N> {
        CredentialsQuery {
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
/// Adds a user; without a secret where it signs in elsewhere.
pub fn create() -> CreateStmt {
    CreateStmt(
        "INSERT INTO users (tenant_id, email, role, hashed_secret) VALUES ($1, $2, $3, $4) RETURNING tenant_id, id, email, role, created_at, updated_at",
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
    >(
        &'s self,
        client: &'c mut C,
        tenant_id: &'a uuid::Uuid,
        email: &'a T1,
        role: &'a T2,
        hashed_secret: &'a Option<T3>,
    ) -> UserQuery<'c, 'a, 's, C, User, 4> {
        UserQuery {
            client,
            params: [tenant_id, email, role, hashed_secret],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<UserBorrowed, postgres::Error> {
                Ok(UserBorrowed {
                    tenant_id: row.try_get(0)?,
                    id: row.try_get(1)?,
                    email: row.try_get(2)?,
                    role: row.try_get(3)?,
                    created_at: row.try_get(4)?,
                    updated_at: row.try_get(5)?,
                })
            },
            mapper: |it| User::from(it),
        }
    }
}
impl<'c, 'a, 's, C: GenericClient, T1: crate::StringSql, T2: crate::StringSql, T3: crate::StringSql>
    crate::client::sync::Params<'c, 'a, 's, CreateParams<T1, T2, T3>, UserQuery<'c, 'a, 's, C, User, 4>, C>
    for CreateStmt
{
    fn params(
        &'s self,
        client: &'c mut C,
        params: &'a CreateParams<T1, T2, T3>,
    ) -> UserQuery<'c, 'a, 's, C, User, 4> {
        self.bind(client, &params.tenant_id, &params.email, &params.role, &params.hashed_secret)
    }
}
pub struct GetStmt(&'static str, Option<postgres::Statement>);
pub fn get() -> GetStmt {
    GetStmt(
        "SELECT tenant_id, id, email, role, created_at, updated_at FROM users WHERE tenant_id = $1 AND id = $2",
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
    ) -> UserQuery<'c, 'a, 's, C, User, 2> {
        UserQuery {
            client,
            params: [tenant_id, id],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<UserBorrowed, postgres::Error> {
                Ok(UserBorrowed {
                    tenant_id: row.try_get(0)?,
                    id: row.try_get(1)?,
                    email: row.try_get(2)?,
                    role: row.try_get(3)?,
                    created_at: row.try_get(4)?,
                    updated_at: row.try_get(5)?,
                })
            },
            mapper: |it| User::from(it),
        }
    }
}
impl<'c, 'a, 's, C: GenericClient>
    crate::client::sync::Params<'c, 'a, 's, GetParams, UserQuery<'c, 'a, 's, C, User, 2>, C> for GetStmt
{
    fn params(&'s self, client: &'c mut C, params: &'a GetParams) -> UserQuery<'c, 'a, 's, C, User, 2> {
        self.bind(client, &params.tenant_id, &params.id)
    }
}
pub struct GetByEmailStmt(&'static str, Option<postgres::Statement>);
pub fn get_by_email() -> GetByEmailStmt {
    GetByEmailStmt(
        "SELECT tenant_id, id, email, role, created_at, updated_at FROM users WHERE tenant_id = $1 AND email = $2",
        None,
    )
}
impl GetByEmailStmt {
    pub fn prepare<'a, C: GenericClient>(mut self, client: &'a mut C) -> Result<Self, postgres::Error> {
        self.1 = Some(client.prepare(self.0)?);
        Ok(self)
    }
    pub fn bind<'c, 'a, 's, C: GenericClient, T1: crate::StringSql>(
        &'s self,
        client: &'c mut C,
        tenant_id: &'a uuid::Uuid,
        email: &'a T1,
    ) -> UserQuery<'c, 'a, 's, C, User, 2> {
        UserQuery {
            client,
            params: [tenant_id, email],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<UserBorrowed, postgres::Error> {
                Ok(UserBorrowed {
                    tenant_id: row.try_get(0)?,
                    id: row.try_get(1)?,
                    email: row.try_get(2)?,
                    role: row.try_get(3)?,
                    created_at: row.try_get(4)?,
                    updated_at: row.try_get(5)?,
                })
            },
            mapper: |it| User::from(it),
        }
    }
}
impl<'c, 'a, 's, C: GenericClient, T1: crate::StringSql>
    crate::client::sync::Params<'c, 'a, 's, GetByEmailParams<T1>, UserQuery<'c, 'a, 's, C, User, 2>, C>
    for GetByEmailStmt
{
    fn params(
        &'s self,
        client: &'c mut C,
        params: &'a GetByEmailParams<T1>,
    ) -> UserQuery<'c, 'a, 's, C, User, 2> {
        self.bind(client, &params.tenant_id, &params.email)
    }
}
pub struct GetCredentialsStmt(&'static str, Option<postgres::Statement>);
/// What signing in is checked against.
pub fn get_credentials() -> GetCredentialsStmt {
    GetCredentialsStmt("SELECT id, role, hashed_secret FROM users WHERE tenant_id = $1 AND email = $2", None)
}
impl GetCredentialsStmt {
    pub fn prepare<'a, C: GenericClient>(mut self, client: &'a mut C) -> Result<Self, postgres::Error> {
        self.1 = Some(client.prepare(self.0)?);
        Ok(self)
    }
    pub fn bind<'c, 'a, 's, C: GenericClient, T1: crate::StringSql>(
        &'s self,
        client: &'c mut C,
        tenant_id: &'a uuid::Uuid,
        email: &'a T1,
    ) -> CredentialsQuery<'c, 'a, 's, C, Credentials, 2> {
        CredentialsQuery {
            client,
            params: [tenant_id, email],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<CredentialsBorrowed, postgres::Error> {
                Ok(CredentialsBorrowed {
                    id: row.try_get(0)?,
                    role: row.try_get(1)?,
                    hashed_secret: row.try_get(2)?,
                })
            },
            mapper: |it| Credentials::from(it),
        }
    }
}
impl<'c, 'a, 's, C: GenericClient, T1: crate::StringSql>
    crate::client::sync::Params<
        'c,
        'a,
        's,
        GetCredentialsParams<T1>,
        CredentialsQuery<'c, 'a, 's, C, Credentials, 2>,
        C,
    > for GetCredentialsStmt
{
    fn params(
        &'s self,
        client: &'c mut C,
        params: &'a GetCredentialsParams<T1>,
    ) -> CredentialsQuery<'c, 'a, 's, C, Credentials, 2> {
        self.bind(client, &params.tenant_id, &params.email)
    }
}
pub struct ListStmt(&'static str, Option<postgres::Statement>);
/// A page of the tenant's users in order of id: `after` is the last id of the page before, null for the first page.
pub fn list() -> ListStmt {
    ListStmt(
        "SELECT tenant_id, id, email, role, created_at, updated_at FROM users WHERE tenant_id = $1 AND ($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT $3",
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
    ) -> UserQuery<'c, 'a, 's, C, User, 3> {
        UserQuery {
            client,
            params: [tenant_id, after, max_rows],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<UserBorrowed, postgres::Error> {
                Ok(UserBorrowed {
                    tenant_id: row.try_get(0)?,
                    id: row.try_get(1)?,
                    email: row.try_get(2)?,
                    role: row.try_get(3)?,
                    created_at: row.try_get(4)?,
                    updated_at: row.try_get(5)?,
                })
            },
            mapper: |it| User::from(it),
        }
    }
}
impl<'c, 'a, 's, C: GenericClient>
    crate::client::sync::Params<'c, 'a, 's, ListParams, UserQuery<'c, 'a, 's, C, User, 3>, C> for ListStmt
{
    fn params(&'s self, client: &'c mut C, params: &'a ListParams) -> UserQuery<'c, 'a, 's, C, User, 3> {
        self.bind(client, &params.tenant_id, &params.after, &params.max_rows)
    }
}
pub struct UpdateStmt(&'static str, Option<postgres::Statement>);
pub fn update() -> UpdateStmt {
    UpdateStmt(
        "UPDATE users SET email = $1, role = $2 WHERE tenant_id = $3 AND id = $4 RETURNING tenant_id, id, email, role, created_at, updated_at",
        None,
    )
}
impl UpdateStmt {
    pub fn prepare<'a, C: GenericClient>(mut self, client: &'a mut C) -> Result<Self, postgres::Error> {
        self.1 = Some(client.prepare(self.0)?);
        Ok(self)
    }
    pub fn bind<'c, 'a, 's, C: GenericClient, T1: crate::StringSql, T2: crate::StringSql>(
        &'s self,
        client: &'c mut C,
        email: &'a T1,
        role: &'a T2,
        tenant_id: &'a uuid::Uuid,
        id: &'a uuid::Uuid,
    ) -> UserQuery<'c, 'a, 's, C, User, 4> {
        UserQuery {
            client,
            params: [email, role, tenant_id, id],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<UserBorrowed, postgres::Error> {
                Ok(UserBorrowed {
                    tenant_id: row.try_get(0)?,
                    id: row.try_get(1)?,
                    email: row.try_get(2)?,
                    role: row.try_get(3)?,
                    created_at: row.try_get(4)?,
                    updated_at: row.try_get(5)?,
                })
            },
            mapper: |it| User::from(it),
        }
    }
}
impl<'c, 'a, 's, C: GenericClient, T1: crate::StringSql, T2: crate::StringSql>
    crate::client::sync::Params<'c, 'a, 's, UpdateParams<T1, T2>, UserQuery<'c, 'a, 's, C, User, 4>, C>
    for UpdateStmt
{
    fn params(
        &'s self,
        client: &'c mut C,
        params: &'a UpdateParams<T1, T2>,
    ) -> UserQuery<'c, 'a, 's, C, User, 4> {
        self.bind(client, &params.email, &params.role, &params.tenant_id, &params.id)
    }
}
pub struct SetSecretStmt(&'static str, Option<postgres::Statement>);
/// Replaces the secret's hash; null for who signs in elsewhere from now on.
pub fn set_secret() -> SetSecretStmt {
    SetSecretStmt("UPDATE users SET hashed_secret = $1 WHERE tenant_id = $2 AND id = $3", None)
}
impl SetSecretStmt {
    pub fn prepare<'a, C: GenericClient>(mut self, client: &'a mut C) -> Result<Self, postgres::Error> {
        self.1 = Some(client.prepare(self.0)?);
        Ok(self)
    }
    pub fn bind<'c, 'a, 's, C: GenericClient, T1: crate::StringSql>(
        &'s self,
        client: &'c mut C,
        hashed_secret: &'a Option<T1>,
        tenant_id: &'a uuid::Uuid,
        id: &'a uuid::Uuid,
    ) -> Result<u64, postgres::Error> {
        client.execute(self.0, &[hashed_secret, tenant_id, id])
    }
}
impl<'c, 'a, 's, C: GenericClient, T1: crate::StringSql>
    crate::client::sync::Params<'c, 'a, 's, SetSecretParams<T1>, Result<u64, postgres::Error>, C>
    for SetSecretStmt
{
    fn params(&'s self, client: &'c mut C, params: &'a SetSecretParams<T1>) -> Result<u64, postgres::Error> {
        self.bind(client, &params.hashed_secret, &params.tenant_id, &params.id)
    }
}
pub struct DeleteStmt(&'static str, Option<postgres::Statement>);
/// Takes the user's bindings along.
pub fn delete() -> DeleteStmt {
    DeleteStmt("DELETE FROM users WHERE tenant_id = $1 AND id = $2", None)
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
