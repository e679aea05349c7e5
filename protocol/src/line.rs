//! What sinks outside of the platform get: one JSON object for each record, and for each visitor who was erased.

use crate::Object;
use crate::record::{Erasure, Record, RecordBatch, record_id};
use serde::Serialize;
use uuid::Uuid;

/// A record. Its `id` is what a sink keeps to have each one once.
#[derive(Debug, Serialize)]
pub struct Line<'a> {
    v: u32,
    id: String,
    site: &'a str,
    visitor: Uuid,
    incarnation: Uuid,
    seq: u64,
    at_ms: u64,
    kind: &'static str,
    name: &'a str,
    session: u32,
    data: &'a Object,
}

impl<'a> Line<'a> {
    /// A record of a batch.
    pub fn of(batch: &'a RecordBatch, record: &'a Record) -> Self {
        Self {
            v: 1,
            id: record_id(batch.incarnation, record.seq),
            site: &batch.site,
            visitor: batch.visitor,
            incarnation: batch.incarnation,
            seq: record.seq,
            at_ms: record.at_ms,
            kind: record.kind.as_str(),
            name: &record.name,
            session: record.session,
            data: &record.data,
        }
    }
}

/// A visitor was erased: whoever keeps records of these lives deletes them, and takes none of them any more.
#[derive(Debug, Serialize)]
pub struct ErasureLine<'a> {
    v: u32,
    id: String,
    site: &'a str,
    visitor: Uuid,
    incarnations: &'a [Uuid],
    at_ms: u64,
    kind: &'static str,
}

impl<'a> ErasureLine<'a> {
    /// The notice of an erasure.
    pub fn of(erasure: &'a Erasure) -> Self {
        let Erasure { site, visitor, incarnations, at_ms, .. } = erasure;
        let id = format!("erased-{}-{at_ms}", visitor.simple());
        Self { v: 1, id, site, visitor: *visitor, incarnations, at_ms: *at_ms, kind: "visitor_erased" }
    }
}
