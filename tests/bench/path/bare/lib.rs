//! An empty router and object: a request's body is kept as one row of a fixed size, and acknowledged.

use std::cell::Cell;
use worker::{
    DurableObject, Env, Request, Response, ResponseBuilder, Result, SqlStorageValue, State, durable_object, event,
};

const TABLE: &str = "CREATE TABLE IF NOT EXISTS hot (id INTEGER PRIMARY KEY CHECK (id = 1), b BLOB NOT NULL)";
// Overwrites in place what has the same length.
const PUT: &str = "INSERT INTO hot (id, b) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET b = excluded.b";

/// One object for each visitor.
#[durable_object(fetch)]
pub struct Bare {
    state: State,
    /// How many bytes an event writes.
    bytes: usize,
    made: Cell<bool>,
}

impl std::panic::UnwindSafe for Bare {}
impl std::panic::RefUnwindSafe for Bare {}

impl DurableObject for Bare {
    fn new(state: State, env: Env) -> Self {
        let bytes = env.var("BYTES").ok().and_then(|value| value.to_string().parse().ok()).unwrap_or(1024);
        Self { state, bytes, made: Cell::new(false) }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let mut value = request.bytes().await?;
        value.resize(self.bytes, 0);
        let sql = self.state.storage().sql();
        if !self.made.replace(true) {
            sql.exec(TABLE, None)?;
        }
        sql.exec(PUT, vec![SqlStorageValue::Blob(value)])?;
        Ok(ResponseBuilder::new().with_status(204).empty())
    }
}

#[event(fetch)]
async fn fetch(request: Request, env: Env, _context: worker::Context) -> Result<Response> {
    let path = request.path();
    env.durable_object("OBJECT")?.get_by_name(&path)?.fetch_with_request(request).await
}
