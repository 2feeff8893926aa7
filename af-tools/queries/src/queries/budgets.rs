// This file was generated with `cornucopia`. Do not modify.

#[derive(Debug)]
pub struct CreateParams<
    T1: crate::StringSql,
    T2: crate::StringSql,
    T3: crate::StringSql,
    T4: crate::JsonSql,
    T5: crate::StringSql,
> {
    pub tenant_id: uuid::Uuid,
    pub name: T1,
    pub r#type: T2,
    pub resource_id: Option<T3>,
    pub limits: T4,
    pub period: T5,
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
pub struct ListByResourceParams<T1: crate::StringSql, T2: crate::StringSql> {
    pub tenant_id: uuid::Uuid,
    pub r#type: T1,
    pub resource_id: T2,
}
#[derive(Debug)]
pub struct UpdateParams<
    T1: crate::StringSql,
    T2: crate::StringSql,
    T3: crate::StringSql,
    T4: crate::JsonSql,
    T5: crate::StringSql,
> {
    pub name: T1,
    pub r#type: T2,
    pub resource_id: Option<T3>,
    pub limits: T4,
    pub period: T5,
    pub tenant_id: uuid::Uuid,
    pub id: uuid::Uuid,
}
#[derive(Clone, Copy, Debug)]
pub struct AddUsageParams<T1: crate::JsonSql> {
    pub used: T1,
    pub tenant_id: uuid::Uuid,
    pub id: uuid::Uuid,
}
#[derive(Clone, Copy, Debug)]
pub struct ResetUsageParams {
    pub tenant_id: uuid::Uuid,
    pub id: uuid::Uuid,
}
#[derive(Clone, Copy, Debug)]
pub struct DeleteParams {
    pub tenant_id: uuid::Uuid,
    pub id: uuid::Uuid,
}
#[derive(Debug, Clone, PartialEq)]
pub struct Budget {
    pub tenant_id: uuid::Uuid,
    pub id: uuid::Uuid,
    pub name: String,
    pub r#type: String,
    pub resource_id: Option<String>,
    pub limits: serde_json::Value,
    pub current_usage: serde_json::Value,
    pub period: String,
    pub created_at: time::OffsetDateTime,
    pub updated_at: time::OffsetDateTime,
}
pub struct BudgetBorrowed<'a> {
    pub tenant_id: uuid::Uuid,
    pub id: uuid::Uuid,
    pub name: &'a str,
    pub r#type: &'a str,
    pub resource_id: Option<&'a str>,
    pub limits: serde_json::Value,
    pub current_usage: serde_json::Value,
    pub period: &'a str,
    pub created_at: time::OffsetDateTime,
    pub updated_at: time::OffsetDateTime,
}
impl<'a> From<BudgetBorrowed<'a>> for Budget {
    fn from(
        BudgetBorrowed {
            tenant_id,
            id,
            name,
            r#type,
            resource_id,
            limits,
            current_usage,
            period,
            created_at,
            updated_at,
        }: BudgetBorrowed<'a>,
    ) -> Self {
        Self {
            tenant_id,
            id,
            name: name.into(),
            r#type: r#type.into(),
            resource_id: resource_id.map(|v| v.into()),
            limits,
            current_usage,
            period: period.into(),
            created_at,
            updated_at,
        }
    }
}
use crate::client::sync::GenericClient;
use postgres::fallible_iterator::FallibleIterator;
pub struct BudgetQuery<'c, 'a, 's, C: GenericClient, T, const N: usize> {
    client: &'c mut C,
    params: [&'a (dyn postgres_types::ToSql + Sync); N],
    query: &'static str,
    cached: Option<&'s postgres::Statement>,
    extractor: fn(&postgres::Row) -> Result<BudgetBorrowed, postgres::Error>,
    mapper: fn(BudgetBorrowed) -> T,
}
impl<'c, 'a, 's, C, T: 'c, const N: usize> BudgetQuery<'c, 'a, 's, C, T, N>
where
    C: GenericClient,
{
    pub fn map<R>(self, mapper: fn(BudgetBorrowed) -> R) -> BudgetQuery<'c, 'a, 's, C, R, N> {
        BudgetQuery {
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
/// Adds a budget, of which nothing has been used. A null resource_id is for all things of the type.
pub fn create() -> CreateStmt {
    CreateStmt(
        "INSERT INTO budgets (tenant_id, name, type, resource_id, limits, period) VALUES ($1, $2, $3, $4, $5, $6) RETURNING tenant_id, id, name, type, resource_id, limits, current_usage, period, created_at, updated_at",
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
        T5: crate::StringSql,
    >(
        &'s self,
        client: &'c mut C,
        tenant_id: &'a uuid::Uuid,
        name: &'a T1,
        r#type: &'a T2,
        resource_id: &'a Option<T3>,
        limits: &'a T4,
        period: &'a T5,
    ) -> BudgetQuery<'c, 'a, 's, C, Budget, 6> {
        BudgetQuery {
            client,
            params: [tenant_id, name, r#type, resource_id, limits, period],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<BudgetBorrowed, postgres::Error> {
                Ok(BudgetBorrowed {
                    tenant_id: row.try_get(0)?,
                    id: row.try_get(1)?,
                    name: row.try_get(2)?,
                    r#type: row.try_get(3)?,
                    resource_id: row.try_get(4)?,
                    limits: row.try_get(5)?,
                    current_usage: row.try_get(6)?,
                    period: row.try_get(7)?,
                    created_at: row.try_get(8)?,
                    updated_at: row.try_get(9)?,
                })
            },
            mapper: |it| Budget::from(it),
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
    T5: crate::StringSql,
>
    crate::client::sync::Params<
        'c,
        'a,
        's,
        CreateParams<T1, T2, T3, T4, T5>,
        BudgetQuery<'c, 'a, 's, C, Budget, 6>,
        C,
    > for CreateStmt
{
    fn params(
        &'s self,
        client: &'c mut C,
        params: &'a CreateParams<T1, T2, T3, T4, T5>,
    ) -> BudgetQuery<'c, 'a, 's, C, Budget, 6> {
        self.bind(
            client,
            &params.tenant_id,
            &params.name,
            &params.r#type,
            &params.resource_id,
            &params.limits,
            &params.period,
        )
    }
}
pub struct GetStmt(&'static str, Option<postgres::Statement>);
pub fn get() -> GetStmt {
    GetStmt(
        "SELECT tenant_id, id, name, type, resource_id, limits, current_usage, period, created_at, updated_at FROM budgets WHERE tenant_id = $1 AND id = $2",
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
    ) -> BudgetQuery<'c, 'a, 's, C, Budget, 2> {
        BudgetQuery {
            client,
            params: [tenant_id, id],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<BudgetBorrowed, postgres::Error> {
                Ok(BudgetBorrowed {
                    tenant_id: row.try_get(0)?,
                    id: row.try_get(1)?,
                    name: row.try_get(2)?,
                    r#type: row.try_get(3)?,
                    resource_id: row.try_get(4)?,
                    limits: row.try_get(5)?,
                    current_usage: row.try_get(6)?,
                    period: row.try_get(7)?,
                    created_at: row.try_get(8)?,
                    updated_at: row.try_get(9)?,
                })
            },
            mapper: |it| Budget::from(it),
        }
    }
}
impl<'c, 'a, 's, C: GenericClient>
    crate::client::sync::Params<'c, 'a, 's, GetParams, BudgetQuery<'c, 'a, 's, C, Budget, 2>, C> for GetStmt
{
    fn params(&'s self, client: &'c mut C, params: &'a GetParams) -> BudgetQuery<'c, 'a, 's, C, Budget, 2> {
        self.bind(client, &params.tenant_id, &params.id)
    }
}
pub struct GetByNameStmt(&'static str, Option<postgres::Statement>);
pub fn get_by_name() -> GetByNameStmt {
    GetByNameStmt(
        "SELECT tenant_id, id, name, type, resource_id, limits, current_usage, period, created_at, updated_at FROM budgets WHERE tenant_id = $1 AND name = $2",
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
    ) -> BudgetQuery<'c, 'a, 's, C, Budget, 2> {
        BudgetQuery {
            client,
            params: [tenant_id, name],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<BudgetBorrowed, postgres::Error> {
                Ok(BudgetBorrowed {
                    tenant_id: row.try_get(0)?,
                    id: row.try_get(1)?,
                    name: row.try_get(2)?,
                    r#type: row.try_get(3)?,
                    resource_id: row.try_get(4)?,
                    limits: row.try_get(5)?,
                    current_usage: row.try_get(6)?,
                    period: row.try_get(7)?,
                    created_at: row.try_get(8)?,
                    updated_at: row.try_get(9)?,
                })
            },
            mapper: |it| Budget::from(it),
        }
    }
}
impl<'c, 'a, 's, C: GenericClient, T1: crate::StringSql>
    crate::client::sync::Params<'c, 'a, 's, GetByNameParams<T1>, BudgetQuery<'c, 'a, 's, C, Budget, 2>, C>
    for GetByNameStmt
{
    fn params(
        &'s self,
        client: &'c mut C,
        params: &'a GetByNameParams<T1>,
    ) -> BudgetQuery<'c, 'a, 's, C, Budget, 2> {
        self.bind(client, &params.tenant_id, &params.name)
    }
}
pub struct ListStmt(&'static str, Option<postgres::Statement>);
/// A page of the tenant's budgets in order of id: `after` is the last id of the page before, null for the first page.
pub fn list() -> ListStmt {
    ListStmt(
        "SELECT tenant_id, id, name, type, resource_id, limits, current_usage, period, created_at, updated_at FROM budgets WHERE tenant_id = $1 AND ($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT $3",
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
    ) -> BudgetQuery<'c, 'a, 's, C, Budget, 3> {
        BudgetQuery {
            client,
            params: [tenant_id, after, max_rows],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<BudgetBorrowed, postgres::Error> {
                Ok(BudgetBorrowed {
                    tenant_id: row.try_get(0)?,
                    id: row.try_get(1)?,
                    name: row.try_get(2)?,
                    r#type: row.try_get(3)?,
                    resource_id: row.try_get(4)?,
                    limits: row.try_get(5)?,
                    current_usage: row.try_get(6)?,
                    period: row.try_get(7)?,
                    created_at: row.try_get(8)?,
                    updated_at: row.try_get(9)?,
                })
            },
            mapper: |it| Budget::from(it),
        }
    }
}
impl<'c, 'a, 's, C: GenericClient>
    crate::client::sync::Params<'c, 'a, 's, ListParams, BudgetQuery<'c, 'a, 's, C, Budget, 3>, C>
    for ListStmt
{
    fn params(&'s self, client: &'c mut C, params: &'a ListParams) -> BudgetQuery<'c, 'a, 's, C, Budget, 3> {
        self.bind(client, &params.tenant_id, &params.after, &params.max_rows)
    }
}
pub struct ListByResourceStmt(&'static str, Option<postgres::Statement>);
/// The budgets that a thing draws on: its own, and those for all things of its type.
pub fn list_by_resource() -> ListByResourceStmt {
    ListByResourceStmt(
        "SELECT tenant_id, id, name, type, resource_id, limits, current_usage, period, created_at, updated_at FROM budgets WHERE tenant_id = $1 AND type = $2 AND (resource_id = $3 OR resource_id IS NULL) ORDER BY id",
        None,
    )
}
impl ListByResourceStmt {
    pub fn prepare<'a, C: GenericClient>(mut self, client: &'a mut C) -> Result<Self, postgres::Error> {
        self.1 = Some(client.prepare(self.0)?);
        Ok(self)
    }
    pub fn bind<'c, 'a, 's, C: GenericClient, T1: crate::StringSql, T2: crate::StringSql>(
        &'s self,
        client: &'c mut C,
        tenant_id: &'a uuid::Uuid,
        r#type: &'a T1,
        resource_id: &'a T2,
    ) -> BudgetQuery<'c, 'a, 's, C, Budget, 3> {
        BudgetQuery {
            client,
            params: [tenant_id, r#type, resource_id],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<BudgetBorrowed, postgres::Error> {
                Ok(BudgetBorrowed {
                    tenant_id: row.try_get(0)?,
                    id: row.try_get(1)?,
                    name: row.try_get(2)?,
                    r#type: row.try_get(3)?,
                    resource_id: row.try_get(4)?,
                    limits: row.try_get(5)?,
                    current_usage: row.try_get(6)?,
                    period: row.try_get(7)?,
                    created_at: row.try_get(8)?,
                    updated_at: row.try_get(9)?,
                })
            },
            mapper: |it| Budget::from(it),
        }
    }
}
impl<'c, 'a, 's, C: GenericClient, T1: crate::StringSql, T2: crate::StringSql>
    crate::client::sync::Params<
        'c,
        'a,
        's,
        ListByResourceParams<T1, T2>,
        BudgetQuery<'c, 'a, 's, C, Budget, 3>,
        C,
    > for ListByResourceStmt
{
    fn params(
        &'s self,
        client: &'c mut C,
        params: &'a ListByResourceParams<T1, T2>,
    ) -> BudgetQuery<'c, 'a, 's, C, Budget, 3> {
        self.bind(client, &params.tenant_id, &params.r#type, &params.resource_id)
    }
}
pub struct UpdateStmt(&'static str, Option<postgres::Statement>);
/// Changes what the budget is; what has been used stays.
pub fn update() -> UpdateStmt {
    UpdateStmt(
        "UPDATE budgets SET name = $1, type = $2, resource_id = $3, limits = $4, period = $5 WHERE tenant_id = $6 AND id = $7 RETURNING tenant_id, id, name, type, resource_id, limits, current_usage, period, created_at, updated_at",
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
        T5: crate::StringSql,
    >(
        &'s self,
        client: &'c mut C,
        name: &'a T1,
        r#type: &'a T2,
        resource_id: &'a Option<T3>,
        limits: &'a T4,
        period: &'a T5,
        tenant_id: &'a uuid::Uuid,
        id: &'a uuid::Uuid,
    ) -> BudgetQuery<'c, 'a, 's, C, Budget, 7> {
        BudgetQuery {
            client,
            params: [name, r#type, resource_id, limits, period, tenant_id, id],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<BudgetBorrowed, postgres::Error> {
                Ok(BudgetBorrowed {
                    tenant_id: row.try_get(0)?,
                    id: row.try_get(1)?,
                    name: row.try_get(2)?,
                    r#type: row.try_get(3)?,
                    resource_id: row.try_get(4)?,
                    limits: row.try_get(5)?,
                    current_usage: row.try_get(6)?,
                    period: row.try_get(7)?,
                    created_at: row.try_get(8)?,
                    updated_at: row.try_get(9)?,
                })
            },
            mapper: |it| Budget::from(it),
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
    T5: crate::StringSql,
>
    crate::client::sync::Params<
        'c,
        'a,
        's,
        UpdateParams<T1, T2, T3, T4, T5>,
        BudgetQuery<'c, 'a, 's, C, Budget, 7>,
        C,
    > for UpdateStmt
{
    fn params(
        &'s self,
        client: &'c mut C,
        params: &'a UpdateParams<T1, T2, T3, T4, T5>,
    ) -> BudgetQuery<'c, 'a, 's, C, Budget, 7> {
        self.bind(
            client,
            &params.name,
            &params.r#type,
            &params.resource_id,
            &params.limits,
            &params.period,
            &params.tenant_id,
            &params.id,
        )
    }
}
pub struct AddUsageStmt(&'static str, Option<postgres::Statement>);
/// Adds to each measure that `used` names: {"tokens": 120, "usd": 0.0042}. Decimal numbers are added exactly, and what
/// sessions add at the same time is all counted. JSON null adds nothing; what is no number is refused (22023).
pub fn add_usage() -> AddUsageStmt {
    AddUsageStmt(
        "UPDATE budgets SET current_usage = current_usage || coalesce( ( SELECT jsonb_object_agg( u.measure, coalesce(NULLIF(current_usage -> u.measure, 'null')::numeric, 0) + coalesce(NULLIF(u.amount, 'null')::numeric, 0) ) FROM jsonb_each($1) AS u (measure, amount) ), '{}' ) WHERE tenant_id = $2 AND id = $3 RETURNING tenant_id, id, name, type, resource_id, limits, current_usage, period, created_at, updated_at",
        None,
    )
}
impl AddUsageStmt {
    pub fn prepare<'a, C: GenericClient>(mut self, client: &'a mut C) -> Result<Self, postgres::Error> {
        self.1 = Some(client.prepare(self.0)?);
        Ok(self)
    }
    pub fn bind<'c, 'a, 's, C: GenericClient, T1: crate::JsonSql>(
        &'s self,
        client: &'c mut C,
        used: &'a T1,
        tenant_id: &'a uuid::Uuid,
        id: &'a uuid::Uuid,
    ) -> BudgetQuery<'c, 'a, 's, C, Budget, 3> {
        BudgetQuery {
            client,
            params: [used, tenant_id, id],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<BudgetBorrowed, postgres::Error> {
                Ok(BudgetBorrowed {
                    tenant_id: row.try_get(0)?,
                    id: row.try_get(1)?,
                    name: row.try_get(2)?,
                    r#type: row.try_get(3)?,
                    resource_id: row.try_get(4)?,
                    limits: row.try_get(5)?,
                    current_usage: row.try_get(6)?,
                    period: row.try_get(7)?,
                    created_at: row.try_get(8)?,
                    updated_at: row.try_get(9)?,
                })
            },
            mapper: |it| Budget::from(it),
        }
    }
}
impl<'c, 'a, 's, C: GenericClient, T1: crate::JsonSql>
    crate::client::sync::Params<'c, 'a, 's, AddUsageParams<T1>, BudgetQuery<'c, 'a, 's, C, Budget, 3>, C>
    for AddUsageStmt
{
    fn params(
        &'s self,
        client: &'c mut C,
        params: &'a AddUsageParams<T1>,
    ) -> BudgetQuery<'c, 'a, 's, C, Budget, 3> {
        self.bind(client, &params.used, &params.tenant_id, &params.id)
    }
}
pub struct ResetUsageStmt(&'static str, Option<postgres::Statement>);
/// Begins a period: nothing has been used.
pub fn reset_usage() -> ResetUsageStmt {
    ResetUsageStmt(
        "UPDATE budgets SET current_usage = '{}' WHERE tenant_id = $1 AND id = $2 RETURNING tenant_id, id, name, type, resource_id, limits, current_usage, period, created_at, updated_at",
        None,
    )
}
impl ResetUsageStmt {
    pub fn prepare<'a, C: GenericClient>(mut self, client: &'a mut C) -> Result<Self, postgres::Error> {
        self.1 = Some(client.prepare(self.0)?);
        Ok(self)
    }
    pub fn bind<'c, 'a, 's, C: GenericClient>(
        &'s self,
        client: &'c mut C,
        tenant_id: &'a uuid::Uuid,
        id: &'a uuid::Uuid,
    ) -> BudgetQuery<'c, 'a, 's, C, Budget, 2> {
        BudgetQuery {
            client,
            params: [tenant_id, id],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<BudgetBorrowed, postgres::Error> {
                Ok(BudgetBorrowed {
                    tenant_id: row.try_get(0)?,
                    id: row.try_get(1)?,
                    name: row.try_get(2)?,
                    r#type: row.try_get(3)?,
                    resource_id: row.try_get(4)?,
                    limits: row.try_get(5)?,
                    current_usage: row.try_get(6)?,
                    period: row.try_get(7)?,
                    created_at: row.try_get(8)?,
                    updated_at: row.try_get(9)?,
                })
            },
            mapper: |it| Budget::from(it),
        }
    }
}
impl<'c, 'a, 's, C: GenericClient>
    crate::client::sync::Params<'c, 'a, 's, ResetUsageParams, BudgetQuery<'c, 'a, 's, C, Budget, 2>, C>
    for ResetUsageStmt
{
    fn params(
        &'s self,
        client: &'c mut C,
        params: &'a ResetUsageParams,
    ) -> BudgetQuery<'c, 'a, 's, C, Budget, 2> {
        self.bind(client, &params.tenant_id, &params.id)
    }
}
pub struct DeleteStmt(&'static str, Option<postgres::Statement>);
pub fn delete() -> DeleteStmt {
    DeleteStmt("DELETE FROM budgets WHERE tenant_id = $1 AND id = $2", None)
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
