// This file was generated with `cornucopia`. Do not modify.

#[derive(Debug)]
pub struct CreateParams<
    T1: crate::StringSql,
    T2: crate::StringSql,
    T3: crate::StringSql,
    T4: crate::StringSql,
    T5: crate::StringSql,
    T6: crate::JsonSql,
    T7: crate::JsonSql,
    T8: crate::JsonSql,
    T9: crate::StringSql,
> {
    pub tenant_id: uuid::Uuid,
    pub id: uuid::Uuid,
    pub trace_id: Option<T1>,
    pub span_id: Option<T2>,
    pub from_agent: T3,
    pub to_agent: T4,
    pub r#type: T5,
    pub payload: T6,
    pub metadata: T7,
    pub cost: T8,
    pub ts: time::OffsetDateTime,
    pub envelope_hash: T9,
}
#[derive(Clone, Copy, Debug)]
pub struct GetParams {
    pub tenant_id: uuid::Uuid,
    pub id: uuid::Uuid,
}
#[derive(Clone, Copy, Debug)]
pub struct ListParams {
    pub tenant_id: uuid::Uuid,
    pub after_ts: Option<time::OffsetDateTime>,
    pub after_id: Option<uuid::Uuid>,
    pub max_rows: i64,
}
#[derive(Clone, Copy, Debug)]
pub struct ListLatestParams {
    pub tenant_id: uuid::Uuid,
    pub before_ts: Option<time::OffsetDateTime>,
    pub before_id: Option<uuid::Uuid>,
    pub max_rows: i64,
}
#[derive(Debug)]
pub struct ListByTraceParams<T1: crate::StringSql> {
    pub tenant_id: uuid::Uuid,
    pub trace_id: T1,
    pub after_ts: Option<time::OffsetDateTime>,
    pub after_id: Option<uuid::Uuid>,
    pub max_rows: i64,
}
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    pub tenant_id: uuid::Uuid,
    pub id: uuid::Uuid,
    pub trace_id: Option<String>,
    pub span_id: Option<String>,
    pub from_agent: String,
    pub to_agent: String,
    pub r#type: String,
    pub payload: serde_json::Value,
    pub metadata: serde_json::Value,
    pub cost: serde_json::Value,
    pub ts: time::OffsetDateTime,
    pub envelope_hash: String,
}
pub struct MessageBorrowed<'a> {
    pub tenant_id: uuid::Uuid,
    pub id: uuid::Uuid,
    pub trace_id: Option<&'a str>,
    pub span_id: Option<&'a str>,
    pub from_agent: &'a str,
    pub to_agent: &'a str,
    pub r#type: &'a str,
    pub payload: serde_json::Value,
    pub metadata: serde_json::Value,
    pub cost: serde_json::Value,
    pub ts: time::OffsetDateTime,
    pub envelope_hash: &'a str,
}
impl<'a> From<MessageBorrowed<'a>> for Message {
    fn from(
        MessageBorrowed {
            tenant_id,
            id,
            trace_id,
            span_id,
            from_agent,
            to_agent,
            r#type,
            payload,
            metadata,
            cost,
            ts,
            envelope_hash,
        }: MessageBorrowed<'a>,
    ) -> Self {
        Self {
            tenant_id,
            id,
            trace_id: trace_id.map(|v| v.into()),
            span_id: span_id.map(|v| v.into()),
            from_agent: from_agent.into(),
            to_agent: to_agent.into(),
            r#type: r#type.into(),
            payload,
            metadata,
            cost,
            ts,
            envelope_hash: envelope_hash.into(),
        }
    }
}
use crate::client::sync::GenericClient;
use postgres::fallible_iterator::FallibleIterator;
pub struct MessageQuery<'c, 'a, 's, C: GenericClient, T, const N: usize> {
    client: &'c mut C,
    params: [&'a (dyn postgres_types::ToSql + Sync); N],
    query: &'static str,
    cached: Option<&'s postgres::Statement>,
    extractor: fn(&postgres::Row) -> Result<MessageBorrowed, postgres::Error>,
    mapper: fn(MessageBorrowed) -> T,
}
impl<'c, 'a, 's, C, T: 'c, const N: usize> MessageQuery<'c, 'a, 's, C, T, N>
where
    C: GenericClient,
{
    pub fn map<R>(self, mapper: fn(MessageBorrowed) -> R) -> MessageQuery<'c, 'a, 's, C, R, N> {
        MessageQuery {
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
/// Stores a message as its producer made it: id, ts and envelope_hash are the producer's. Refused (23514) if the hash is
/// not that of the envelope.
pub fn create() -> CreateStmt {
    CreateStmt(
        "INSERT INTO messages (tenant_id, id, trace_id, span_id, from_agent, to_agent, type, payload, metadata, cost, ts, envelope_hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING tenant_id, id, trace_id, span_id, from_agent, to_agent, type, payload, metadata, cost, ts, envelope_hash",
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
        T6: crate::JsonSql,
        T7: crate::JsonSql,
        T8: crate::JsonSql,
        T9: crate::StringSql,
    >(
        &'s self,
        client: &'c mut C,
        tenant_id: &'a uuid::Uuid,
        id: &'a uuid::Uuid,
        trace_id: &'a Option<T1>,
        span_id: &'a Option<T2>,
        from_agent: &'a T3,
        to_agent: &'a T4,
        r#type: &'a T5,
        payload: &'a T6,
        metadata: &'a T7,
        cost: &'a T8,
        ts: &'a time::OffsetDateTime,
        envelope_hash: &'a T9,
    ) -> MessageQuery<'c, 'a, 's, C, Message, 12> {
        MessageQuery {
            client,
            params: [
                tenant_id,
                id,
                trace_id,
                span_id,
                from_agent,
                to_agent,
                r#type,
                payload,
                metadata,
                cost,
                ts,
                envelope_hash,
            ],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<MessageBorrowed, postgres::Error> {
                Ok(MessageBorrowed {
                    tenant_id: row.try_get(0)?,
                    id: row.try_get(1)?,
                    trace_id: row.try_get(2)?,
                    span_id: row.try_get(3)?,
                    from_agent: row.try_get(4)?,
                    to_agent: row.try_get(5)?,
                    r#type: row.try_get(6)?,
                    payload: row.try_get(7)?,
                    metadata: row.try_get(8)?,
                    cost: row.try_get(9)?,
                    ts: row.try_get(10)?,
                    envelope_hash: row.try_get(11)?,
                })
            },
            mapper: |it| Message::from(it),
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
    T6: crate::JsonSql,
    T7: crate::JsonSql,
    T8: crate::JsonSql,
    T9: crate::StringSql,
>
    crate::client::sync::Params<
        'c,
        'a,
        's,
        CreateParams<T1, T2, T3, T4, T5, T6, T7, T8, T9>,
        MessageQuery<'c, 'a, 's, C, Message, 12>,
        C,
    > for CreateStmt
{
    fn params(
        &'s self,
        client: &'c mut C,
        params: &'a CreateParams<T1, T2, T3, T4, T5, T6, T7, T8, T9>,
    ) -> MessageQuery<'c, 'a, 's, C, Message, 12> {
        self.bind(
            client,
            &params.tenant_id,
            &params.id,
            &params.trace_id,
            &params.span_id,
            &params.from_agent,
            &params.to_agent,
            &params.r#type,
            &params.payload,
            &params.metadata,
            &params.cost,
            &params.ts,
            &params.envelope_hash,
        )
    }
}
pub struct GetStmt(&'static str, Option<postgres::Statement>);
pub fn get() -> GetStmt {
    GetStmt(
        "SELECT tenant_id, id, trace_id, span_id, from_agent, to_agent, type, payload, metadata, cost, ts, envelope_hash FROM messages WHERE tenant_id = $1 AND id = $2",
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
    ) -> MessageQuery<'c, 'a, 's, C, Message, 2> {
        MessageQuery {
            client,
            params: [tenant_id, id],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<MessageBorrowed, postgres::Error> {
                Ok(MessageBorrowed {
                    tenant_id: row.try_get(0)?,
                    id: row.try_get(1)?,
                    trace_id: row.try_get(2)?,
                    span_id: row.try_get(3)?,
                    from_agent: row.try_get(4)?,
                    to_agent: row.try_get(5)?,
                    r#type: row.try_get(6)?,
                    payload: row.try_get(7)?,
                    metadata: row.try_get(8)?,
                    cost: row.try_get(9)?,
                    ts: row.try_get(10)?,
                    envelope_hash: row.try_get(11)?,
                })
            },
            mapper: |it| Message::from(it),
        }
    }
}
impl<'c, 'a, 's, C: GenericClient>
    crate::client::sync::Params<'c, 'a, 's, GetParams, MessageQuery<'c, 'a, 's, C, Message, 2>, C>
    for GetStmt
{
    fn params(&'s self, client: &'c mut C, params: &'a GetParams) -> MessageQuery<'c, 'a, 's, C, Message, 2> {
        self.bind(client, &params.tenant_id, &params.id)
    }
}
pub struct ListStmt(&'static str, Option<postgres::Statement>);
/// A page of the tenant's messages, the oldest first: `after_…` are those of the last message of the page before, null
/// for the first page.
pub fn list() -> ListStmt {
    ListStmt(
        "SELECT tenant_id, id, trace_id, span_id, from_agent, to_agent, type, payload, metadata, cost, ts, envelope_hash FROM messages WHERE tenant_id = $1 AND ($2::timestamptz IS NULL OR (ts, id) > ($2, $3::uuid)) ORDER BY ts, id LIMIT $4",
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
        after_ts: &'a Option<time::OffsetDateTime>,
        after_id: &'a Option<uuid::Uuid>,
        max_rows: &'a i64,
    ) -> MessageQuery<'c, 'a, 's, C, Message, 4> {
        MessageQuery {
            client,
            params: [tenant_id, after_ts, after_id, max_rows],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<MessageBorrowed, postgres::Error> {
                Ok(MessageBorrowed {
                    tenant_id: row.try_get(0)?,
                    id: row.try_get(1)?,
                    trace_id: row.try_get(2)?,
                    span_id: row.try_get(3)?,
                    from_agent: row.try_get(4)?,
                    to_agent: row.try_get(5)?,
                    r#type: row.try_get(6)?,
                    payload: row.try_get(7)?,
                    metadata: row.try_get(8)?,
                    cost: row.try_get(9)?,
                    ts: row.try_get(10)?,
                    envelope_hash: row.try_get(11)?,
                })
            },
            mapper: |it| Message::from(it),
        }
    }
}
impl<'c, 'a, 's, C: GenericClient>
    crate::client::sync::Params<'c, 'a, 's, ListParams, MessageQuery<'c, 'a, 's, C, Message, 4>, C>
    for ListStmt
{
    fn params(
        &'s self,
        client: &'c mut C,
        params: &'a ListParams,
    ) -> MessageQuery<'c, 'a, 's, C, Message, 4> {
        self.bind(client, &params.tenant_id, &params.after_ts, &params.after_id, &params.max_rows)
    }
}
pub struct ListLatestStmt(&'static str, Option<postgres::Statement>);
/// The same from the other end, the newest first.
pub fn list_latest() -> ListLatestStmt {
    ListLatestStmt(
        "SELECT tenant_id, id, trace_id, span_id, from_agent, to_agent, type, payload, metadata, cost, ts, envelope_hash FROM messages WHERE tenant_id = $1 AND ($2::timestamptz IS NULL OR (ts, id) < ($2, $3::uuid)) ORDER BY ts DESC, id DESC LIMIT $4",
        None,
    )
}
impl ListLatestStmt {
    pub fn prepare<'a, C: GenericClient>(mut self, client: &'a mut C) -> Result<Self, postgres::Error> {
        self.1 = Some(client.prepare(self.0)?);
        Ok(self)
    }
    pub fn bind<'c, 'a, 's, C: GenericClient>(
        &'s self,
        client: &'c mut C,
        tenant_id: &'a uuid::Uuid,
        before_ts: &'a Option<time::OffsetDateTime>,
        before_id: &'a Option<uuid::Uuid>,
        max_rows: &'a i64,
    ) -> MessageQuery<'c, 'a, 's, C, Message, 4> {
        MessageQuery {
            client,
            params: [tenant_id, before_ts, before_id, max_rows],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<MessageBorrowed, postgres::Error> {
                Ok(MessageBorrowed {
                    tenant_id: row.try_get(0)?,
                    id: row.try_get(1)?,
                    trace_id: row.try_get(2)?,
                    span_id: row.try_get(3)?,
                    from_agent: row.try_get(4)?,
                    to_agent: row.try_get(5)?,
                    r#type: row.try_get(6)?,
                    payload: row.try_get(7)?,
                    metadata: row.try_get(8)?,
                    cost: row.try_get(9)?,
                    ts: row.try_get(10)?,
                    envelope_hash: row.try_get(11)?,
                })
            },
            mapper: |it| Message::from(it),
        }
    }
}
impl<'c, 'a, 's, C: GenericClient>
    crate::client::sync::Params<'c, 'a, 's, ListLatestParams, MessageQuery<'c, 'a, 's, C, Message, 4>, C>
    for ListLatestStmt
{
    fn params(
        &'s self,
        client: &'c mut C,
        params: &'a ListLatestParams,
    ) -> MessageQuery<'c, 'a, 's, C, Message, 4> {
        self.bind(client, &params.tenant_id, &params.before_ts, &params.before_id, &params.max_rows)
    }
}
pub struct ListByTraceStmt(&'static str, Option<postgres::Statement>);
/// A page of a trace's messages in order.
pub fn list_by_trace() -> ListByTraceStmt {
    ListByTraceStmt(
        "SELECT tenant_id, id, trace_id, span_id, from_agent, to_agent, type, payload, metadata, cost, ts, envelope_hash FROM messages WHERE tenant_id = $1 AND trace_id = $2 AND ($3::timestamptz IS NULL OR (ts, id) > ($3, $4::uuid)) ORDER BY ts, id LIMIT $5",
        None,
    )
}
impl ListByTraceStmt {
    pub fn prepare<'a, C: GenericClient>(mut self, client: &'a mut C) -> Result<Self, postgres::Error> {
        self.1 = Some(client.prepare(self.0)?);
        Ok(self)
    }
    pub fn bind<'c, 'a, 's, C: GenericClient, T1: crate::StringSql>(
        &'s self,
        client: &'c mut C,
        tenant_id: &'a uuid::Uuid,
        trace_id: &'a T1,
        after_ts: &'a Option<time::OffsetDateTime>,
        after_id: &'a Option<uuid::Uuid>,
        max_rows: &'a i64,
    ) -> MessageQuery<'c, 'a, 's, C, Message, 5> {
        MessageQuery {
            client,
            params: [tenant_id, trace_id, after_ts, after_id, max_rows],
            query: self.0,
            cached: self.1.as_ref(),
            extractor: |row: &postgres::Row| -> Result<MessageBorrowed, postgres::Error> {
                Ok(MessageBorrowed {
                    tenant_id: row.try_get(0)?,
                    id: row.try_get(1)?,
                    trace_id: row.try_get(2)?,
                    span_id: row.try_get(3)?,
                    from_agent: row.try_get(4)?,
                    to_agent: row.try_get(5)?,
                    r#type: row.try_get(6)?,
                    payload: row.try_get(7)?,
                    metadata: row.try_get(8)?,
                    cost: row.try_get(9)?,
                    ts: row.try_get(10)?,
                    envelope_hash: row.try_get(11)?,
                })
            },
            mapper: |it| Message::from(it),
        }
    }
}
impl<'c, 'a, 's, C: GenericClient, T1: crate::StringSql>
    crate::client::sync::Params<'c, 'a, 's, ListByTraceParams<T1>, MessageQuery<'c, 'a, 's, C, Message, 5>, C>
    for ListByTraceStmt
{
    fn params(
        &'s self,
        client: &'c mut C,
        params: &'a ListByTraceParams<T1>,
    ) -> MessageQuery<'c, 'a, 's, C, Message, 5> {
        self.bind(
            client,
            &params.tenant_id,
            &params.trace_id,
            &params.after_ts,
            &params.after_id,
            &params.max_rows,
        )
    }
}
