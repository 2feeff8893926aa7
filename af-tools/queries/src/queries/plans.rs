// This file was generated with `cornucopia`. Do not modify.

#[derive(Debug)]
pub struct CreateParams<T1: crate::StringSql, T2: crate::JsonSql, T3: crate::JsonSql, T4: crate::JsonSql> {
    pub tenant_id: uuid::Uuid,
    pub workflow_id: uuid::Uuid,
    pub state: T1,
    pub steps: T2,
    pub assignments: T3,
    pub cost: T4,
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
pub struct ListByWorkflowParams {
    pub tenant_id: uuid::Uuid,
    pub workflow_id: uuid::Uuid,
    pub before_created_at: Option<time::OffsetDateTime>,
    pub before_id: Option<uuid::Uuid>,
    pub max_rows: i64,
}
#[derive(Debug)]
pub struct ListByStateParams<T1: crate::StringSql> {
    pub tenant_id: uuid::Uuid,
    pub state: T1,
    pub after_updated_at: Option<time::OffsetDateTime>,
    pub after_id: Option<uuid::Uuid>,
    pub max_rows: i64,
}
#[derive(Debug)]
pub struct UpdateParams<T1: crate::StringSql, T2: crate::JsonSql, T3: crate::JsonSql, T4: crate::JsonSql> {
    pub state: T1,
    pub steps: T2,
    pub assignments: T3,
    pub cost: T4,
    pub tenant_id: uuid::Uuid,
    pub id: uuid::Uuid,
}
#[derive(Debug)]
pub struct ChangeStateParams<T1: crate::StringSql, T2: crate::StringSql> {
    pub new_state: T1,
    pub tenant_id: uuid::Uuid,
    pub id: uuid::Uuid,
    pub old_state: T2,
}
#[derive(Clone, Copy, Debug)]
pub struct DeleteParams {
    pub tenant_id: uuid::Uuid,
    pub id: uuid::Uuid,
}
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    pub tenant_id: uuid::Uuid,
    pub id: uuid::Uuid,
    pub workflow_id: uuid::Uuid,
    pub state: String,
    pub steps: serde_json::Value,
    pub assignments: serde_json::Value,
    pub cost: serde_json::Value,
    pub created_at: time::OffsetDateTime,
    pub updated_at: time::OffsetDateTime,
}
pub struct PlanBorrowed<'a> {
    pub tenant_id: uuid::Uuid,
    pub id: uuid::Uuid,
    pub workflow_id: uuid::Uuid,
    pub state: &'a str,
    pub steps: serde_json::Value,
    pub assignments: serde_json::Value,
    pub cost: serde_json::Value,
    pub created_at: time::OffsetDateTime,
    pub updated_at: time::OffsetDateTime,
}
impl<'a> From<PlanBorrowed<'a>> for Plan {
    fn from(
        PlanBorrowed {
            tenant_id,
            id,
            workflow_id,
            state,
            steps,
            assignments,
            cost,
            created_at,
            updated_at,
        }: PlanBorrowed<'a>,
    ) -> Self {
        Self {
            tenant_id,
            id,
            workflow_id,
            state: state.into(),
            steps,
            assignments,
            cost,
            created_at,
            updated_at,
        }
    }
}
use crate::client::sync::GenericClient;
use postgres::fallible_iterator::FallibleIterator;
pub struct PlanQuery<'c, 'a, 's, C: GenericClient, T, const N: usize> {
    client: &'c mut C,
    params: [&'a (dyn postgres_types::ToSql + Sync); N],
    query: &'static str,
    cached: Option<&'s postgres::Statement>,
    extractor: fn(&postgres::Row) -> Result<PlanBorrowed, postgres::Error>,
    mapper: fn(PlanBorrowed) -> T,
}
impl<'c, 'a, 's, C, T: 'c, const N: usize> PlanQuery<'c, 'a, 's, C, T, N>
where
    C: GenericClient,
{
    pub fn map<R>(self, mapper: fn(PlanBorrowed) -> R) -> PlanQuery<'c, 'a, 's, C, R, N> {
        PlanQuery {
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
        "INSERT INTO plans (tenant_id, workflow_id, state, steps, assignments, cost) VALUES ($1, $2, $3, $4, $5, $6) RETURNING tenant_id, id, workflow_id, state, steps, assignments, cost, created_at, updated_at",
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
        workflow_id: &'a uuid::Uuid,
        state: &'a T1,
        steps: &'a T2,
        assignments: &'a T3,
        cost: &'a T4,
    ) -> PlanQuery<'c, 'a, 's, C, Plan, 6> {
        PlanQuery {
            client,
            params: [tenant_id, workflow_id, state, steps, assignments, cost],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<PlanBorrowed, postgres::Error> {
                Ok(PlanBorrowed {
                    tenant_id: row.try_get(0)?,
                    id: row.try_get(1)?,
                    workflow_id: row.try_get(2)?,
                    state: row.try_get(3)?,
                    steps: row.try_get(4)?,
                    assignments: row.try_get(5)?,
                    cost: row.try_get(6)?,
                    created_at: row.try_get(7)?,
                    updated_at: row.try_get(8)?,
                })
            },
            mapper: |it| Plan::from(it),
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
> crate::client::sync::Params<'c, 'a, 's, CreateParams<T1, T2, T3, T4>, PlanQuery<'c, 'a, 's, C, Plan, 6>, C>
    for CreateStmt
{
    fn params(
        &'s self,
        client: &'c mut C,
        params: &'a CreateParams<T1, T2, T3, T4>,
    ) -> PlanQuery<'c, 'a, 's, C, Plan, 6> {
        self.bind(
            client,
            &params.tenant_id,
            &params.workflow_id,
            &params.state,
            &params.steps,
            &params.assignments,
            &params.cost,
        )
    }
}
pub struct GetStmt(&'static str, Option<postgres::Statement>);
pub fn get() -> GetStmt {
    GetStmt(
        "SELECT tenant_id, id, workflow_id, state, steps, assignments, cost, created_at, updated_at FROM plans WHERE tenant_id = $1 AND id = $2",
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
    ) -> PlanQuery<'c, 'a, 's, C, Plan, 2> {
        PlanQuery {
            client,
            params: [tenant_id, id],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<PlanBorrowed, postgres::Error> {
                Ok(PlanBorrowed {
                    tenant_id: row.try_get(0)?,
                    id: row.try_get(1)?,
                    workflow_id: row.try_get(2)?,
                    state: row.try_get(3)?,
                    steps: row.try_get(4)?,
                    assignments: row.try_get(5)?,
                    cost: row.try_get(6)?,
                    created_at: row.try_get(7)?,
                    updated_at: row.try_get(8)?,
                })
            },
            mapper: |it| Plan::from(it),
        }
    }
}
impl<'c, 'a, 's, C: GenericClient>
    crate::client::sync::Params<'c, 'a, 's, GetParams, PlanQuery<'c, 'a, 's, C, Plan, 2>, C> for GetStmt
{
    fn params(&'s self, client: &'c mut C, params: &'a GetParams) -> PlanQuery<'c, 'a, 's, C, Plan, 2> {
        self.bind(client, &params.tenant_id, &params.id)
    }
}
pub struct ListStmt(&'static str, Option<postgres::Statement>);
/// A page of the tenant's plans in order of id: `after` is the last id of the page before, null for the first page.
pub fn list() -> ListStmt {
    ListStmt(
        "SELECT tenant_id, id, workflow_id, state, steps, assignments, cost, created_at, updated_at FROM plans WHERE tenant_id = $1 AND ($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT $3",
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
    ) -> PlanQuery<'c, 'a, 's, C, Plan, 3> {
        PlanQuery {
            client,
            params: [tenant_id, after, max_rows],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<PlanBorrowed, postgres::Error> {
                Ok(PlanBorrowed {
                    tenant_id: row.try_get(0)?,
                    id: row.try_get(1)?,
                    workflow_id: row.try_get(2)?,
                    state: row.try_get(3)?,
                    steps: row.try_get(4)?,
                    assignments: row.try_get(5)?,
                    cost: row.try_get(6)?,
                    created_at: row.try_get(7)?,
                    updated_at: row.try_get(8)?,
                })
            },
            mapper: |it| Plan::from(it),
        }
    }
}
impl<'c, 'a, 's, C: GenericClient>
    crate::client::sync::Params<'c, 'a, 's, ListParams, PlanQuery<'c, 'a, 's, C, Plan, 3>, C> for ListStmt
{
    fn params(&'s self, client: &'c mut C, params: &'a ListParams) -> PlanQuery<'c, 'a, 's, C, Plan, 3> {
        self.bind(client, &params.tenant_id, &params.after, &params.max_rows)
    }
}
pub struct ListByWorkflowStmt(&'static str, Option<postgres::Statement>);
/// A page of a workflow's plans, the newest first: `before_…` are those of the last plan of the page before, null for
/// the first page.
pub fn list_by_workflow() -> ListByWorkflowStmt {
    ListByWorkflowStmt(
        "SELECT tenant_id, id, workflow_id, state, steps, assignments, cost, created_at, updated_at FROM plans WHERE tenant_id = $1 AND workflow_id = $2 AND ($3::timestamptz IS NULL OR (created_at, id) < ($3, $4::uuid)) ORDER BY created_at DESC, id DESC LIMIT $5",
        None,
    )
}
impl ListByWorkflowStmt {
    pub fn prepare<'a, C: GenericClient>(mut self, client: &'a mut C) -> Result<Self, postgres::Error> {
        self.1 = Some(client.prepare(self.0)?);
        Ok(self)
    }
    pub fn bind<'c, 'a, 's, C: GenericClient>(
        &'s self,
        client: &'c mut C,
        tenant_id: &'a uuid::Uuid,
        workflow_id: &'a uuid::Uuid,
        before_created_at: &'a Option<time::OffsetDateTime>,
        before_id: &'a Option<uuid::Uuid>,
        max_rows: &'a i64,
    ) -> PlanQuery<'c, 'a, 's, C, Plan, 5> {
        PlanQuery {
            client,
            params: [tenant_id, workflow_id, before_created_at, before_id, max_rows],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<PlanBorrowed, postgres::Error> {
                Ok(PlanBorrowed {
                    tenant_id: row.try_get(0)?,
                    id: row.try_get(1)?,
                    workflow_id: row.try_get(2)?,
                    state: row.try_get(3)?,
                    steps: row.try_get(4)?,
                    assignments: row.try_get(5)?,
                    cost: row.try_get(6)?,
                    created_at: row.try_get(7)?,
                    updated_at: row.try_get(8)?,
                })
            },
            mapper: |it| Plan::from(it),
        }
    }
}
impl<'c, 'a, 's, C: GenericClient>
    crate::client::sync::Params<'c, 'a, 's, ListByWorkflowParams, PlanQuery<'c, 'a, 's, C, Plan, 5>, C>
    for ListByWorkflowStmt
{
    fn params(
        &'s self,
        client: &'c mut C,
        params: &'a ListByWorkflowParams,
    ) -> PlanQuery<'c, 'a, 's, C, Plan, 5> {
        self.bind(
            client,
            &params.tenant_id,
            &params.workflow_id,
            &params.before_created_at,
            &params.before_id,
            &params.max_rows,
        )
    }
}
pub struct ListByStateStmt(&'static str, Option<postgres::Statement>);
/// A page of the plans in a state, the one that has been in it unchanged for longest first: what is to be run next, and
/// what hangs. `after_…` are those of the last plan of the page before, null for the first page.
pub fn list_by_state() -> ListByStateStmt {
    ListByStateStmt(
        "SELECT tenant_id, id, workflow_id, state, steps, assignments, cost, created_at, updated_at FROM plans WHERE tenant_id = $1 AND state = $2 AND ($3::timestamptz IS NULL OR (updated_at, id) > ($3, $4::uuid)) ORDER BY updated_at, id LIMIT $5",
        None,
    )
}
impl ListByStateStmt {
    pub fn prepare<'a, C: GenericClient>(mut self, client: &'a mut C) -> Result<Self, postgres::Error> {
        self.1 = Some(client.prepare(self.0)?);
        Ok(self)
    }
    pub fn bind<'c, 'a, 's, C: GenericClient, T1: crate::StringSql>(
        &'s self,
        client: &'c mut C,
        tenant_id: &'a uuid::Uuid,
        state: &'a T1,
        after_updated_at: &'a Option<time::OffsetDateTime>,
        after_id: &'a Option<uuid::Uuid>,
        max_rows: &'a i64,
    ) -> PlanQuery<'c, 'a, 's, C, Plan, 5> {
        PlanQuery {
            client,
            params: [tenant_id, state, after_updated_at, after_id, max_rows],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<PlanBorrowed, postgres::Error> {
                Ok(PlanBorrowed {
                    tenant_id: row.try_get(0)?,
                    id: row.try_get(1)?,
                    workflow_id: row.try_get(2)?,
                    state: row.try_get(3)?,
                    steps: row.try_get(4)?,
                    assignments: row.try_get(5)?,
                    cost: row.try_get(6)?,
                    created_at: row.try_get(7)?,
                    updated_at: row.try_get(8)?,
                })
            },
            mapper: |it| Plan::from(it),
        }
    }
}
impl<'c, 'a, 's, C: GenericClient, T1: crate::StringSql>
    crate::client::sync::Params<'c, 'a, 's, ListByStateParams<T1>, PlanQuery<'c, 'a, 's, C, Plan, 5>, C>
    for ListByStateStmt
{
    fn params(
        &'s self,
        client: &'c mut C,
        params: &'a ListByStateParams<T1>,
    ) -> PlanQuery<'c, 'a, 's, C, Plan, 5> {
        self.bind(
            client,
            &params.tenant_id,
            &params.state,
            &params.after_updated_at,
            &params.after_id,
            &params.max_rows,
        )
    }
}
pub struct UpdateStmt(&'static str, Option<postgres::Statement>);
pub fn update() -> UpdateStmt {
    UpdateStmt(
        "UPDATE plans SET state = $1, steps = $2, assignments = $3, cost = $4 WHERE tenant_id = $5 AND id = $6 RETURNING tenant_id, id, workflow_id, state, steps, assignments, cost, created_at, updated_at",
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
        state: &'a T1,
        steps: &'a T2,
        assignments: &'a T3,
        cost: &'a T4,
        tenant_id: &'a uuid::Uuid,
        id: &'a uuid::Uuid,
    ) -> PlanQuery<'c, 'a, 's, C, Plan, 6> {
        PlanQuery {
            client,
            params: [state, steps, assignments, cost, tenant_id, id],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<PlanBorrowed, postgres::Error> {
                Ok(PlanBorrowed {
                    tenant_id: row.try_get(0)?,
                    id: row.try_get(1)?,
                    workflow_id: row.try_get(2)?,
                    state: row.try_get(3)?,
                    steps: row.try_get(4)?,
                    assignments: row.try_get(5)?,
                    cost: row.try_get(6)?,
                    created_at: row.try_get(7)?,
                    updated_at: row.try_get(8)?,
                })
            },
            mapper: |it| Plan::from(it),
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
> crate::client::sync::Params<'c, 'a, 's, UpdateParams<T1, T2, T3, T4>, PlanQuery<'c, 'a, 's, C, Plan, 6>, C>
    for UpdateStmt
{
    fn params(
        &'s self,
        client: &'c mut C,
        params: &'a UpdateParams<T1, T2, T3, T4>,
    ) -> PlanQuery<'c, 'a, 's, C, Plan, 6> {
        self.bind(
            client,
            &params.state,
            &params.steps,
            &params.assignments,
            &params.cost,
            &params.tenant_id,
            &params.id,
        )
    }
}
pub struct ChangeStateStmt(&'static str, Option<postgres::Statement>);
/// From one state to another. No row if the plan is no longer in the first: somebody else was quicker.
pub fn change_state() -> ChangeStateStmt {
    ChangeStateStmt(
        "UPDATE plans SET state = $1 WHERE tenant_id = $2 AND id = $3 AND state = $4 RETURNING tenant_id, id, workflow_id, state, steps, assignments, cost, created_at, updated_at",
        None,
    )
}
impl ChangeStateStmt {
    pub fn prepare<'a, C: GenericClient>(mut self, client: &'a mut C) -> Result<Self, postgres::Error> {
        self.1 = Some(client.prepare(self.0)?);
        Ok(self)
    }
    pub fn bind<'c, 'a, 's, C: GenericClient, T1: crate::StringSql, T2: crate::StringSql>(
        &'s self,
        client: &'c mut C,
        new_state: &'a T1,
        tenant_id: &'a uuid::Uuid,
        id: &'a uuid::Uuid,
        old_state: &'a T2,
    ) -> PlanQuery<'c, 'a, 's, C, Plan, 4> {
        PlanQuery {
            client,
            params: [new_state, tenant_id, id, old_state],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<PlanBorrowed, postgres::Error> {
                Ok(PlanBorrowed {
                    tenant_id: row.try_get(0)?,
                    id: row.try_get(1)?,
                    workflow_id: row.try_get(2)?,
                    state: row.try_get(3)?,
                    steps: row.try_get(4)?,
                    assignments: row.try_get(5)?,
                    cost: row.try_get(6)?,
                    created_at: row.try_get(7)?,
                    updated_at: row.try_get(8)?,
                })
            },
            mapper: |it| Plan::from(it),
        }
    }
}
impl<'c, 'a, 's, C: GenericClient, T1: crate::StringSql, T2: crate::StringSql>
    crate::client::sync::Params<'c, 'a, 's, ChangeStateParams<T1, T2>, PlanQuery<'c, 'a, 's, C, Plan, 4>, C>
    for ChangeStateStmt
{
    fn params(
        &'s self,
        client: &'c mut C,
        params: &'a ChangeStateParams<T1, T2>,
    ) -> PlanQuery<'c, 'a, 's, C, Plan, 4> {
        self.bind(client, &params.new_state, &params.tenant_id, &params.id, &params.old_state)
    }
}
pub struct DeleteStmt(&'static str, Option<postgres::Statement>);
pub fn delete() -> DeleteStmt {
    DeleteStmt("DELETE FROM plans WHERE tenant_id = $1 AND id = $2", None)
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
