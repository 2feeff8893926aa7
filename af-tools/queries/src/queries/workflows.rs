// This file was generated with `cornucopia`. Do not modify.

#[derive(Debug)]
pub struct CreateParams<
    T1: crate::StringSql,
    T2: crate::StringSql,
    T3: crate::StringSql,
    T4: crate::StringSql,
    T5: crate::StringSql,
> {
    pub tenant_id: uuid::Uuid,
    pub name: T1,
    pub version: T2,
    pub config_yaml: T3,
    pub planner_type: T4,
    pub template_version_constraint: Option<T5>,
}
#[derive(Clone, Copy, Debug)]
pub struct GetParams {
    pub tenant_id: uuid::Uuid,
    pub id: uuid::Uuid,
}
#[derive(Debug)]
pub struct GetByNameAndVersionParams<T1: crate::StringSql, T2: crate::StringSql> {
    pub tenant_id: uuid::Uuid,
    pub name: T1,
    pub version: T2,
}
#[derive(Debug)]
pub struct LatestVersionsParams<T1: crate::StringSql> {
    pub tenant_id: uuid::Uuid,
    pub name: T1,
    pub max_rows: i64,
}
#[derive(Clone, Copy, Debug)]
pub struct ListParams {
    pub tenant_id: uuid::Uuid,
    pub after: Option<uuid::Uuid>,
    pub max_rows: i64,
}
#[derive(Debug)]
pub struct UpdateParams<T1: crate::StringSql, T2: crate::StringSql, T3: crate::StringSql> {
    pub config_yaml: T1,
    pub planner_type: T2,
    pub template_version_constraint: Option<T3>,
    pub tenant_id: uuid::Uuid,
    pub id: uuid::Uuid,
}
#[derive(Clone, Copy, Debug)]
pub struct DeleteParams {
    pub tenant_id: uuid::Uuid,
    pub id: uuid::Uuid,
}
#[derive(Debug, Clone, PartialEq)]
pub struct Workflow {
    pub tenant_id: uuid::Uuid,
    pub id: uuid::Uuid,
    pub name: String,
    pub version: String,
    pub config_yaml: String,
    pub planner_type: String,
    pub template_version_constraint: Option<String>,
    pub created_at: time::OffsetDateTime,
    pub updated_at: time::OffsetDateTime,
}
pub struct WorkflowBorrowed<'a> {
    pub tenant_id: uuid::Uuid,
    pub id: uuid::Uuid,
    pub name: &'a str,
    pub version: &'a str,
    pub config_yaml: &'a str,
    pub planner_type: &'a str,
    pub template_version_constraint: Option<&'a str>,
    pub created_at: time::OffsetDateTime,
    pub updated_at: time::OffsetDateTime,
}
impl<'a> From<WorkflowBorrowed<'a>> for Workflow {
    fn from(
        WorkflowBorrowed {
            tenant_id,
            id,
            name,
            version,
            config_yaml,
            planner_type,
            template_version_constraint,
            created_at,
            updated_at,
        }: WorkflowBorrowed<'a>,
    ) -> Self {
        Self {
            tenant_id,
            id,
            name: name.into(),
            version: version.into(),
            config_yaml: config_yaml.into(),
            planner_type: planner_type.into(),
            template_version_constraint: template_version_constraint.map(|v| v.into()),
            created_at,
            updated_at,
        }
    }
}
use crate::client::sync::GenericClient;
use postgres::fallible_iterator::FallibleIterator;
pub struct WorkflowQuery<'c, 'a, 's, C: GenericClient, T, const N: usize> {
    client: &'c mut C,
    params: [&'a (dyn postgres_types::ToSql + Sync); N],
    query: &'static str,
    cached: Option<&'s postgres::Statement>,
    extractor: fn(&postgres::Row) -> Result<WorkflowBorrowed, postgres::Error>,
    mapper: fn(WorkflowBorrowed) -> T,
}
impl<'c, 'a, 's, C, T: 'c, const N: usize> WorkflowQuery<'c, 'a, 's, C, T, N>
where
    C: GenericClient,
{
    pub fn map<R>(self, mapper: fn(WorkflowBorrowed) -> R) -> WorkflowQuery<'c, 'a, 's, C, R, N> {
        WorkflowQuery {
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
/// Adds a version of a workflow beside those that there are.
pub fn create() -> CreateStmt {
    CreateStmt(
        "INSERT INTO workflows (tenant_id, name, version, config_yaml, planner_type, template_version_constraint) VALUES ($1, $2, $3, $4, $5, $6) RETURNING tenant_id, id, name, version, config_yaml, planner_type, template_version_constraint, created_at, updated_at",
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
        T4: crate::StringSql,
        T5: crate::StringSql,
    >(
        &'s self,
        client: &'c mut C,
        tenant_id: &'a uuid::Uuid,
        name: &'a T1,
        version: &'a T2,
        config_yaml: &'a T3,
        planner_type: &'a T4,
        template_version_constraint: &'a Option<T5>,
    ) -> WorkflowQuery<'c, 'a, 's, C, Workflow, 6> {
        WorkflowQuery {
            client,
            params: [tenant_id, name, version, config_yaml, planner_type, template_version_constraint],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<WorkflowBorrowed, postgres::Error> {
                Ok(WorkflowBorrowed {
                    tenant_id: row.try_get(0)?,
                    id: row.try_get(1)?,
                    name: row.try_get(2)?,
                    version: row.try_get(3)?,
                    config_yaml: row.try_get(4)?,
                    planner_type: row.try_get(5)?,
                    template_version_constraint: row.try_get(6)?,
                    created_at: row.try_get(7)?,
                    updated_at: row.try_get(8)?,
                })
            },
            mapper: |it| Workflow::from(it),
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
    T4: crate::StringSql,
    T5: crate::StringSql,
>
    crate::client::sync::Params<
        'c,
        'a,
        's,
        CreateParams<T1, T2, T3, T4, T5>,
        WorkflowQuery<'c, 'a, 's, C, Workflow, 6>,
        C,
    > for CreateStmt
{
    fn params(
        &'s self,
        client: &'c mut C,
        params: &'a CreateParams<T1, T2, T3, T4, T5>,
    ) -> WorkflowQuery<'c, 'a, 's, C, Workflow, 6> {
        self.bind(
            client,
            &params.tenant_id,
            &params.name,
            &params.version,
            &params.config_yaml,
            &params.planner_type,
            &params.template_version_constraint,
        )
    }
}
pub struct GetStmt(&'static str, Option<postgres::Statement>);
pub fn get() -> GetStmt {
    GetStmt(
        "SELECT tenant_id, id, name, version, config_yaml, planner_type, template_version_constraint, created_at, updated_at FROM workflows WHERE tenant_id = $1 AND id = $2",
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
    ) -> WorkflowQuery<'c, 'a, 's, C, Workflow, 2> {
        WorkflowQuery {
            client,
            params: [tenant_id, id],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<WorkflowBorrowed, postgres::Error> {
                Ok(WorkflowBorrowed {
                    tenant_id: row.try_get(0)?,
                    id: row.try_get(1)?,
                    name: row.try_get(2)?,
                    version: row.try_get(3)?,
                    config_yaml: row.try_get(4)?,
                    planner_type: row.try_get(5)?,
                    template_version_constraint: row.try_get(6)?,
                    created_at: row.try_get(7)?,
                    updated_at: row.try_get(8)?,
                })
            },
            mapper: |it| Workflow::from(it),
        }
    }
}
impl<'c, 'a, 's, C: GenericClient>
    crate::client::sync::Params<'c, 'a, 's, GetParams, WorkflowQuery<'c, 'a, 's, C, Workflow, 2>, C>
    for GetStmt
{
    fn params(
        &'s self,
        client: &'c mut C,
        params: &'a GetParams,
    ) -> WorkflowQuery<'c, 'a, 's, C, Workflow, 2> {
        self.bind(client, &params.tenant_id, &params.id)
    }
}
pub struct GetByNameAndVersionStmt(&'static str, Option<postgres::Statement>);
pub fn get_by_name_and_version() -> GetByNameAndVersionStmt {
    GetByNameAndVersionStmt(
        "SELECT tenant_id, id, name, version, config_yaml, planner_type, template_version_constraint, created_at, updated_at FROM workflows WHERE tenant_id = $1 AND name = $2 AND version = $3",
        None,
    )
}
impl GetByNameAndVersionStmt {
    pub fn prepare<'a, C: GenericClient>(mut self, client: &'a mut C) -> Result<Self, postgres::Error> {
        self.1 = Some(client.prepare(self.0)?);
        Ok(self)
    }
    pub fn bind<'c, 'a, 's, C: GenericClient, T1: crate::StringSql, T2: crate::StringSql>(
        &'s self,
        client: &'c mut C,
        tenant_id: &'a uuid::Uuid,
        name: &'a T1,
        version: &'a T2,
    ) -> WorkflowQuery<'c, 'a, 's, C, Workflow, 3> {
        WorkflowQuery {
            client,
            params: [tenant_id, name, version],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<WorkflowBorrowed, postgres::Error> {
                Ok(WorkflowBorrowed {
                    tenant_id: row.try_get(0)?,
                    id: row.try_get(1)?,
                    name: row.try_get(2)?,
                    version: row.try_get(3)?,
                    config_yaml: row.try_get(4)?,
                    planner_type: row.try_get(5)?,
                    template_version_constraint: row.try_get(6)?,
                    created_at: row.try_get(7)?,
                    updated_at: row.try_get(8)?,
                })
            },
            mapper: |it| Workflow::from(it),
        }
    }
}
impl<'c, 'a, 's, C: GenericClient, T1: crate::StringSql, T2: crate::StringSql>
    crate::client::sync::Params<
        'c,
        'a,
        's,
        GetByNameAndVersionParams<T1, T2>,
        WorkflowQuery<'c, 'a, 's, C, Workflow, 3>,
        C,
    > for GetByNameAndVersionStmt
{
    fn params(
        &'s self,
        client: &'c mut C,
        params: &'a GetByNameAndVersionParams<T1, T2>,
    ) -> WorkflowQuery<'c, 'a, 's, C, Workflow, 3> {
        self.bind(client, &params.tenant_id, &params.name, &params.version)
    }
}
pub struct LatestVersionsStmt(&'static str, Option<postgres::Statement>);
/// The versions of a workflow, the one that was added last first. By time and not by number: version is free text.
pub fn latest_versions() -> LatestVersionsStmt {
    LatestVersionsStmt(
        "SELECT tenant_id, id, name, version, config_yaml, planner_type, template_version_constraint, created_at, updated_at FROM workflows WHERE tenant_id = $1 AND name = $2 ORDER BY created_at DESC, id DESC LIMIT $3",
        None,
    )
}
impl LatestVersionsStmt {
    pub fn prepare<'a, C: GenericClient>(mut self, client: &'a mut C) -> Result<Self, postgres::Error> {
        self.1 = Some(client.prepare(self.0)?);
        Ok(self)
    }
    pub fn bind<'c, 'a, 's, C: GenericClient, T1: crate::StringSql>(
        &'s self,
        client: &'c mut C,
        tenant_id: &'a uuid::Uuid,
        name: &'a T1,
        max_rows: &'a i64,
    ) -> WorkflowQuery<'c, 'a, 's, C, Workflow, 3> {
        WorkflowQuery {
            client,
            params: [tenant_id, name, max_rows],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<WorkflowBorrowed, postgres::Error> {
                Ok(WorkflowBorrowed {
                    tenant_id: row.try_get(0)?,
                    id: row.try_get(1)?,
                    name: row.try_get(2)?,
                    version: row.try_get(3)?,
                    config_yaml: row.try_get(4)?,
                    planner_type: row.try_get(5)?,
                    template_version_constraint: row.try_get(6)?,
                    created_at: row.try_get(7)?,
                    updated_at: row.try_get(8)?,
                })
            },
            mapper: |it| Workflow::from(it),
        }
    }
}
impl<'c, 'a, 's, C: GenericClient, T1: crate::StringSql>
    crate::client::sync::Params<
        'c,
        'a,
        's,
        LatestVersionsParams<T1>,
        WorkflowQuery<'c, 'a, 's, C, Workflow, 3>,
        C,
    > for LatestVersionsStmt
{
    fn params(
        &'s self,
        client: &'c mut C,
        params: &'a LatestVersionsParams<T1>,
    ) -> WorkflowQuery<'c, 'a, 's, C, Workflow, 3> {
        self.bind(client, &params.tenant_id, &params.name, &params.max_rows)
    }
}
pub struct ListStmt(&'static str, Option<postgres::Statement>);
/// A page of the tenant's workflows in order of id: `after` is the last id of the page before, null for the first page.
pub fn list() -> ListStmt {
    ListStmt(
        "SELECT tenant_id, id, name, version, config_yaml, planner_type, template_version_constraint, created_at, updated_at FROM workflows WHERE tenant_id = $1 AND ($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT $3",
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
    ) -> WorkflowQuery<'c, 'a, 's, C, Workflow, 3> {
        WorkflowQuery {
            client,
            params: [tenant_id, after, max_rows],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<WorkflowBorrowed, postgres::Error> {
                Ok(WorkflowBorrowed {
                    tenant_id: row.try_get(0)?,
                    id: row.try_get(1)?,
                    name: row.try_get(2)?,
                    version: row.try_get(3)?,
                    config_yaml: row.try_get(4)?,
                    planner_type: row.try_get(5)?,
                    template_version_constraint: row.try_get(6)?,
                    created_at: row.try_get(7)?,
                    updated_at: row.try_get(8)?,
                })
            },
            mapper: |it| Workflow::from(it),
        }
    }
}
impl<'c, 'a, 's, C: GenericClient>
    crate::client::sync::Params<'c, 'a, 's, ListParams, WorkflowQuery<'c, 'a, 's, C, Workflow, 3>, C>
    for ListStmt
{
    fn params(
        &'s self,
        client: &'c mut C,
        params: &'a ListParams,
    ) -> WorkflowQuery<'c, 'a, 's, C, Workflow, 3> {
        self.bind(client, &params.tenant_id, &params.after, &params.max_rows)
    }
}
pub struct UpdateStmt(&'static str, Option<postgres::Statement>);
/// Changes a version in place. What it is called stays: a plan that refers to it would be one of something else.
pub fn update() -> UpdateStmt {
    UpdateStmt(
        "UPDATE workflows SET config_yaml = $1, planner_type = $2, template_version_constraint = $3 WHERE tenant_id = $4 AND id = $5 RETURNING tenant_id, id, name, version, config_yaml, planner_type, template_version_constraint, created_at, updated_at",
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
    >(
        &'s self,
        client: &'c mut C,
        config_yaml: &'a T1,
        planner_type: &'a T2,
        template_version_constraint: &'a Option<T3>,
        tenant_id: &'a uuid::Uuid,
        id: &'a uuid::Uuid,
    ) -> WorkflowQuery<'c, 'a, 's, C, Workflow, 5> {
        WorkflowQuery {
            client,
            params: [config_yaml, planner_type, template_version_constraint, tenant_id, id],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<WorkflowBorrowed, postgres::Error> {
                Ok(WorkflowBorrowed {
                    tenant_id: row.try_get(0)?,
                    id: row.try_get(1)?,
                    name: row.try_get(2)?,
                    version: row.try_get(3)?,
                    config_yaml: row.try_get(4)?,
                    planner_type: row.try_get(5)?,
                    template_version_constraint: row.try_get(6)?,
                    created_at: row.try_get(7)?,
                    updated_at: row.try_get(8)?,
                })
            },
            mapper: |it| Workflow::from(it),
        }
    }
}
impl<'c, 'a, 's, C: GenericClient, T1: crate::StringSql, T2: crate::StringSql, T3: crate::StringSql>
    crate::client::sync::Params<
        'c,
        'a,
        's,
        UpdateParams<T1, T2, T3>,
        WorkflowQuery<'c, 'a, 's, C, Workflow, 5>,
        C,
    > for UpdateStmt
{
    fn params(
        &'s self,
        client: &'c mut C,
        params: &'a UpdateParams<T1, T2, T3>,
    ) -> WorkflowQuery<'c, 'a, 's, C, Workflow, 5> {
        self.bind(
            client,
            &params.config_yaml,
            &params.planner_type,
            &params.template_version_constraint,
            &params.tenant_id,
            &params.id,
        )
    }
}
pub struct DeleteStmt(&'static str, Option<postgres::Statement>);
/// Refused (23503) as long as there are plans of it.
pub fn delete() -> DeleteStmt {
    DeleteStmt("DELETE FROM workflows WHERE tenant_id = $1 AND id = $2", None)
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
