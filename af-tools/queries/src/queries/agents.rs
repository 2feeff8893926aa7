// This file was generated with `cornucopia`. Do not modify.

#[derive(Debug)]
pub struct CreateParams<
    T1: crate::StringSql,
    T2: crate::StringSql,
    T3: crate::StringSql,
    T4: crate::JsonSql,
    T5: crate::JsonSql,
> {
    pub tenant_id: uuid::Uuid,
    pub name: T1,
    pub r#type: T2,
    pub role: T3,
    pub config_json: T4,
    pub policies_json: T5,
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
#[derive(Debug)]
pub struct UpdateParams<
    T1: crate::StringSql,
    T2: crate::StringSql,
    T3: crate::StringSql,
    T4: crate::JsonSql,
    T5: crate::JsonSql,
> {
    pub name: T1,
    pub r#type: T2,
    pub role: T3,
    pub config_json: T4,
    pub policies_json: T5,
    pub tenant_id: uuid::Uuid,
    pub id: uuid::Uuid,
}
#[derive(Clone, Copy, Debug)]
pub struct DeleteParams {
    pub tenant_id: uuid::Uuid,
    pub id: uuid::Uuid,
}
#[derive(Debug, Clone, PartialEq)]
pub struct Agent {
    pub tenant_id: uuid::Uuid,
    pub id: uuid::Uuid,
    pub name: String,
    pub r#type: String,
    pub role: String,
    pub config_json: serde_json::Value,
    pub policies_json: serde_json::Value,
    pub created_at: time::OffsetDateTime,
    pub updated_at: time::OffsetDateTime,
}
pub struct AgentBorrowed<'a> {
    pub tenant_id: uuid::Uuid,
    pub id: uuid::Uuid,
    pub name: &'a str,
    pub r#type: &'a str,
    pub role: &'a str,
    pub config_json: serde_json::Value,
    pub policies_json: serde_json::Value,
    pub created_at: time::OffsetDateTime,
    pub updated_at: time::OffsetDateTime,
}
impl<'a> From<AgentBorrowed<'a>> for Agent {
    fn from(
        AgentBorrowed {
            tenant_id,
            id,
            name,
            r#type,
            role,
            config_json,
            policies_json,
            created_at,
            updated_at,
        }: AgentBorrowed<'a>,
    ) -> Self {
        Self {
            tenant_id,
            id,
            name: name.into(),
            r#type: r#type.into(),
            role: role.into(),
            config_json,
            policies_json,
            created_at,
            updated_at,
        }
    }
}
use crate::client::sync::GenericClient;
use postgres::fallible_iterator::FallibleIterator;
pub struct AgentQuery<'c, 'a, 's, C: GenericClient, T, const N: usize> {
    client: &'c mut C,
    params: [&'a (dyn postgres_types::ToSql + Sync); N],
    query: &'static str,
    cached: Option<&'s postgres::Statement>,
    extractor: fn(&postgres::Row) -> Result<AgentBorrowed, postgres::Error>,
    mapper: fn(AgentBorrowed) -> T,
}
impl<'c, 'a, 's, C, T: 'c, const N: usize> AgentQuery<'c, 'a, 's, C, T, N>
where
    C: GenericClient,
{
    pub fn map<R>(self, mapper: fn(AgentBorrowed) -> R) -> AgentQuery<'c, 'a, 's, C, R, N> {
        AgentQuery {
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
        "INSERT INTO agents (tenant_id, name, type, role, config_json, policies_json) VALUES ($1, $2, $3, $4, $5, $6) RETURNING tenant_id, id, name, type, role, config_json, policies_json, created_at, updated_at",
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
        T4: crate::JsonSql,
        T5: crate::JsonSql,
    >(
        &'s self,
        client: &'c mut C,
        tenant_id: &'a uuid::Uuid,
        name: &'a T1,
        r#type: &'a T2,
        role: &'a T3,
        config_json: &'a T4,
        policies_json: &'a T5,
    ) -> AgentQuery<'c, 'a, 's, C, Agent, 6> {
        AgentQuery {
            client,
            params: [tenant_id, name, r#type, role, config_json, policies_json],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<AgentBorrowed, postgres::Error> {
                Ok(AgentBorrowed {
                    tenant_id: row.try_get(0)?,
                    id: row.try_get(1)?,
                    name: row.try_get(2)?,
                    r#type: row.try_get(3)?,
                    role: row.try_get(4)?,
                    config_json: row.try_get(5)?,
                    policies_json: row.try_get(6)?,
                    created_at: row.try_get(7)?,
                    updated_at: row.try_get(8)?,
                })
            },
            mapper: |it| Agent::from(it),
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
    T4: crate::JsonSql,
    T5: crate::JsonSql,
>
    crate::client::sync::Params<
        'c,
        'a,
        's,
        CreateParams<T1, T2, T3, T4, T5>,
        AgentQuery<'c, 'a, 's, C, Agent, 6>,
        C,
    > for CreateStmt
{
    fn params(
        &'s self,
        client: &'c mut C,
        params: &'a CreateParams<T1, T2, T3, T4, T5>,
    ) -> AgentQuery<'c, 'a, 's, C, Agent, 6> {
        self.bind(
            client,
            &params.tenant_id,
            &params.name,
            &params.r#type,
            &params.role,
            &params.config_json,
            &params.policies_json,
        )
    }
}
pub struct GetStmt(&'static str, Option<postgres::Statement>);
pub fn get() -> GetStmt {
    GetStmt(
        "SELECT tenant_id, id, name, type, role, config_json, policies_json, created_at, updated_at FROM agents WHERE tenant_id = $1 AND id = $2",
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
    ) -> AgentQuery<'c, 'a, 's, C, Agent, 2> {
        AgentQuery {
            client,
            params: [tenant_id, id],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<AgentBorrowed, postgres::Error> {
                Ok(AgentBorrowed {
                    tenant_id: row.try_get(0)?,
                    id: row.try_get(1)?,
                    name: row.try_get(2)?,
                    r#type: row.try_get(3)?,
                    role: row.try_get(4)?,
                    config_json: row.try_get(5)?,
                    policies_json: row.try_get(6)?,
                    created_at: row.try_get(7)?,
                    updated_at: row.try_get(8)?,
                })
            },
            mapper: |it| Agent::from(it),
        }
    }
}
impl<'c, 'a, 's, C: GenericClient>
    crate::client::sync::Params<'c, 'a, 's, GetParams, AgentQuery<'c, 'a, 's, C, Agent, 2>, C> for GetStmt
{
    fn params(&'s self, client: &'c mut C, params: &'a GetParams) -> AgentQuery<'c, 'a, 's, C, Agent, 2> {
        self.bind(client, &params.tenant_id, &params.id)
    }
}
pub struct GetByNameStmt(&'static str, Option<postgres::Statement>);
pub fn get_by_name() -> GetByNameStmt {
    GetByNameStmt(
        "SELECT tenant_id, id, name, type, role, config_json, policies_json, created_at, updated_at FROM agents WHERE tenant_id = $1 AND name = $2",
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
    ) -> AgentQuery<'c, 'a, 's, C, Agent, 2> {
        AgentQuery {
            client,
            params: [tenant_id, name],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<AgentBorrowed, postgres::Error> {
                Ok(AgentBorrowed {
                    tenant_id: row.try_get(0)?,
                    id: row.try_get(1)?,
                    name: row.try_get(2)?,
                    r#type: row.try_get(3)?,
                    role: row.try_get(4)?,
                    config_json: row.try_get(5)?,
                    policies_json: row.try_get(6)?,
                    created_at: row.try_get(7)?,
                    updated_at: row.try_get(8)?,
                })
            },
            mapper: |it| Agent::from(it),
        }
    }
}
impl<'c, 'a, 's, C: GenericClient, T1: crate::StringSql>
    crate::client::sync::Params<'c, 'a, 's, GetByNameParams<T1>, AgentQuery<'c, 'a, 's, C, Agent, 2>, C>
    for GetByNameStmt
{
    fn params(
        &'s self,
        client: &'c mut C,
        params: &'a GetByNameParams<T1>,
    ) -> AgentQuery<'c, 'a, 's, C, Agent, 2> {
        self.bind(client, &params.tenant_id, &params.name)
    }
}
pub struct ListStmt(&'static str, Option<postgres::Statement>);
/// A page of the tenant's agents in order of id: `after` is the last id of the page before, null for the first page.
pub fn list() -> ListStmt {
    ListStmt(
        "SELECT tenant_id, id, name, type, role, config_json, policies_json, created_at, updated_at FROM agents WHERE tenant_id = $1 AND ($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT $3",
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
    ) -> AgentQuery<'c, 'a, 's, C, Agent, 3> {
        AgentQuery {
            client,
            params: [tenant_id, after, max_rows],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<AgentBorrowed, postgres::Error> {
                Ok(AgentBorrowed {
                    tenant_id: row.try_get(0)?,
                    id: row.try_get(1)?,
                    name: row.try_get(2)?,
                    r#type: row.try_get(3)?,
                    role: row.try_get(4)?,
                    config_json: row.try_get(5)?,
                    policies_json: row.try_get(6)?,
                    created_at: row.try_get(7)?,
                    updated_at: row.try_get(8)?,
                })
            },
            mapper: |it| Agent::from(it),
        }
    }
}
impl<'c, 'a, 's, C: GenericClient>
    crate::client::sync::Params<'c, 'a, 's, ListParams, AgentQuery<'c, 'a, 's, C, Agent, 3>, C> for ListStmt
{
    fn params(&'s self, client: &'c mut C, params: &'a ListParams) -> AgentQuery<'c, 'a, 's, C, Agent, 3> {
        self.bind(client, &params.tenant_id, &params.after, &params.max_rows)
    }
}
pub struct UpdateStmt(&'static str, Option<postgres::Statement>);
pub fn update() -> UpdateStmt {
    UpdateStmt(
        "UPDATE agents SET name = $1, type = $2, role = $3, config_json = $4, policies_json = $5 WHERE tenant_id = $6 AND id = $7 RETURNING tenant_id, id, name, type, role, config_json, policies_json, created_at, updated_at",
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
        T3: crate::StringSql,
        T4: crate::JsonSql,
        T5: crate::JsonSql,
    >(
        &'s self,
        client: &'c mut C,
        name: &'a T1,
        r#type: &'a T2,
        role: &'a T3,
        config_json: &'a T4,
        policies_json: &'a T5,
        tenant_id: &'a uuid::Uuid,
        id: &'a uuid::Uuid,
    ) -> AgentQuery<'c, 'a, 's, C, Agent, 7> {
        AgentQuery {
            client,
            params: [name, r#type, role, config_json, policies_json, tenant_id, id],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<AgentBorrowed, postgres::Error> {
                Ok(AgentBorrowed {
                    tenant_id: row.try_get(0)?,
                    id: row.try_get(1)?,
                    name: row.try_get(2)?,
                    r#type: row.try_get(3)?,
                    role: row.try_get(4)?,
                    config_json: row.try_get(5)?,
                    policies_json: row.try_get(6)?,
                    created_at: row.try_get(7)?,
                    updated_at: row.try_get(8)?,
                })
            },
            mapper: |it| Agent::from(it),
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
    T4: crate::JsonSql,
    T5: crate::JsonSql,
>
    crate::client::sync::Params<
        'c,
        'a,
        's,
        UpdateParams<T1, T2, T3, T4, T5>,
        AgentQuery<'c, 'a, 's, C, Agent, 7>,
        C,
    > for UpdateStmt
{
    fn params(
        &'s self,
        client: &'c mut C,
        params: &'a UpdateParams<T1, T2, T3, T4, T5>,
    ) -> AgentQuery<'c, 'a, 's, C, Agent, 7> {
        self.bind(
            client,
            &params.name,
            &params.r#type,
            &params.role,
            &params.config_json,
            &params.policies_json,
            &params.tenant_id,
            &params.id,
        )
    }
}
pub struct DeleteStmt(&'static str, Option<postgres::Statement>);
pub fn delete() -> DeleteStmt {
    DeleteStmt("DELETE FROM agents WHERE tenant_id = $1 AND id = $2", None)
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
