//! The two halves of the log as one: what the visitor's object still has, and what has arrived in the database.
//!
//! The object is asked first. What leaves it for the queue meanwhile is in its answer already, and what the database has
//! by then as well is known by its id: so nothing is missed and nothing is given twice. What neither has is on its way.

use super::{database, gaps};
use crate::log::{Order, Place, Row, Wanted};
use crate::shell::deliver::Whose;
use crate::shell::reply::Problem;
use footfall_protocol::record::Record;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;
use worker::{Env, Response};

/// What a visitor's object answers: the records that the database may not have yet.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::shell) struct Waiting {
    /// The visitor's present life.
    pub(in crate::shell) incarnation: Uuid,
    /// The number of its last record, 0 for none.
    pub(in crate::shell) last_seq: u64,
    /// Records with their lives: those that wait for the queue, and those that it took a moment ago.
    pub(in crate::shell) records: Vec<(Uuid, Record)>,
}

/// A visitor's log, as it is at the moment.
pub(in crate::shell) struct Log {
    env: Env,
    whose: Whose,
    incarnation: Uuid,
    /// What the object has, by place.
    here: BTreeMap<Place, Row>,
    /// Records of the present life that neither the object nor the database has.
    pub(in crate::shell) under_way: u64,
    /// The lowest number of those.
    missing: Option<u64>,
}

/// One page.
pub(in crate::shell) struct Page {
    pub(in crate::shell) rows: Vec<Row>,
    /// Where to go on.
    pub(in crate::shell) next: Option<Place>,
}

impl Log {
    /// Asks the object; a look, which stores nothing. The other answer is the object's own, when it cannot be reached.
    pub(in crate::shell) async fn open(env: &Env, whose: &Whose) -> Result<Result<Self, Response>, Problem> {
        let mut reply = whose.reach(env)?.fetch_with_str("https://visitor/waiting").await?;
        if reply.status_code() != 200 {
            return Ok(Err(reply));
        }
        let Waiting { incarnation, last_seq, records } = reply.json().await?;
        let mut here = BTreeMap::new();
        for (life, record) in records {
            let row = Row::of(life, record);
            here.insert(row.place(), row);
        }
        let mut log = Self { env: env.clone(), whose: whose.clone(), incarnation, here, under_way: 0, missing: None };
        log.find_missing(last_seq).await?;
        Ok(Ok(log))
    }

    /// Only what has arrived in the database.
    pub(in crate::shell) fn arrived(env: &Env, whose: &Whose) -> Self {
        let (env, whose) = (env.clone(), whose.clone());
        Self { env, whose, incarnation: Uuid::nil(), here: BTreeMap::new(), under_way: 0, missing: None }
    }

    /// Also in the order of the oldest first, nothing is held back for what is on its way.
    pub(in crate::shell) fn with_gaps(self) -> Self {
        Self { missing: None, ..self }
    }

    /// Records of the present life are numbered without gaps, so that it shows what is on its way.
    async fn find_missing(&mut self, last_seq: u64) -> Result<(), Problem> {
        let mut first_here = last_seq + 1;
        for row in self.here.values().rev().filter(|row| row.incarnation == self.incarnation) {
            if row.seq + 1 != first_here {
                break;
            }
            first_here = row.seq;
        }
        let life = (&self.whose.site, self.whose.visitor, self.incarnation);
        (self.under_way, self.missing) = gaps::look(&self.env, life, first_here).await?;
        Ok(())
    }

    /// A page. In the order of the oldest first it ends before the first record that is on its way, and the next page
    /// begins there: who follows it gets every record once.
    pub(in crate::shell) async fn page(&self, wanted: &Wanted) -> Result<Page, Problem> {
        // One more, which says whether there is another page.
        let stored = database::page(&self.env, &self.whose.site, self.whose.visitor, wanted, wanted.limit + 1).await?;
        // What comes behind it in the database was too much for one answer.
        let cut = stored.rows.last().filter(|_| stored.cut).map(Row::place);
        let mut found: BTreeMap<Place, Row> = stored.rows.into_iter().map(|row| (row.place(), row)).collect();
        let here = self.here.values().filter(|row| wanted.takes(row));
        found.extend(here.map(|row| (row.place(), row.clone())));
        let mut rows: Vec<Row> = match wanted.order {
            Order::Newest => found.into_values().rev().collect(),
            Order::Oldest => found.into_values().collect(),
        };
        let later = |row: &Row| row.incarnation == self.incarnation && self.missing.is_some_and(|seq| row.seq > seq);
        let stops = if wanted.order == Order::Oldest { rows.iter().position(later) } else { None };
        rows.truncate(stops.unwrap_or(rows.len()));
        let cut = cut.and_then(|cut| rows.iter().position(|row| row.place() == cut));
        rows.truncate(cut.map_or(rows.len(), |at| at + 1));
        let more = rows.len() > wanted.limit || stops.is_some() || cut.is_some();
        rows.truncate(wanted.limit);
        let next = rows.last().map_or(wanted.after, Row::place);
        Ok(Page { next: more.then_some(next), rows })
    }

    /// Records by their ids.
    pub(in crate::shell) async fn by_id(&self, ids: &[String]) -> Result<BTreeMap<String, Row>, Problem> {
        let mut known: BTreeMap<String, Row> =
            self.here.values().filter(|row| ids.contains(&row.id)).map(|row| (row.id.clone(), row.clone())).collect();
        let wanted: Vec<String> = ids.iter().filter(|id| !known.contains_key(*id)).cloned().collect();
        if !wanted.is_empty() {
            let rows = database::by_id(&self.env, &self.whose.site, &wanted).await?;
            known.extend(rows.into_iter().map(|row| (row.id.clone(), row)));
        }
        Ok(known)
    }
}
