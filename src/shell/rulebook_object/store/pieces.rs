//! Compiled pieces on disk, under the hash of their bytes.

use super::{Store, number};
use worker::{Error, Result, SqlStorageValue};

/// A piece is kept in rows of so many bytes, since the platform's rows hold at most 2 MB.
const PART_BYTES: usize = 1_000_000;
/// Versions whose pieces are kept: an isolate may be about to fetch a piece that was just replaced.
const PIECES_KEPT: u64 = 16;
/// Pieces of a draft that are kept, for the same reason.
const DRAFT_PIECES_KEPT: u64 = 4;

impl Store {
    /// A piece's bytes.
    pub(in super::super) fn piece(&self, hash: &str) -> Result<Option<Vec<u8>>> {
        if !self.exists {
            return Ok(None);
        }
        let mut bytes = None;
        for row in self.sql.exec("SELECT b FROM pieces WHERE hash = ? ORDER BY part", vec![hash.into()])?.raw() {
            match row?.into_iter().next() {
                Some(SqlStorageValue::Blob(part)) => bytes.get_or_insert_with(Vec::new).extend(part),
                _ => return Err(Error::RustError("a part of a piece holds no bytes".into())),
            }
        }
        Ok(bytes)
    }

    /// Keeps a piece.
    pub(super) fn keep_piece(&self, hash: &str, piece: &[u8]) -> Result<()> {
        for (part, bytes) in piece.chunks(PART_BYTES).enumerate() {
            let part = number(u64::try_from(part).unwrap_or(u64::MAX))?;
            let values = vec![hash.into(), part, SqlStorageValue::Blob(bytes.to_vec())];
            self.exec("INSERT OR REPLACE INTO pieces (hash, part, b) VALUES (?, ?, ?)", values)?;
        }
        Ok(())
    }

    /// Keeps what a draft compiles to, as its piece from this revision on.
    pub(in super::super) fn keep_draft_piece(&self, revision: u64, hash: &str, piece: &[u8]) -> Result<()> {
        self.keep_piece(hash, piece)?;
        let values = vec![number(revision)?, hash.into()];
        self.exec("INSERT OR REPLACE INTO previewed (revision, hash) VALUES (?, ?)", values)?;
        self.exec(
            "DELETE FROM previewed WHERE revision NOT IN \
             (SELECT revision FROM previewed ORDER BY revision DESC LIMIT ?)",
            vec![number(DRAFT_PIECES_KEPT)?],
        )?;
        self.drop_pieces(self.newest()?.map_or(0, |(version, _)| version))
    }

    /// Drops the pieces that no isolate can still ask for.
    pub(super) fn drop_pieces(&self, version: u64) -> Result<()> {
        let oldest = number(version.saturating_sub(PIECES_KEPT))?;
        self.exec(
            "DELETE FROM pieces WHERE hash NOT IN (SELECT hash FROM versions WHERE version > ?) \
             AND hash NOT IN (SELECT hash FROM previewed)",
            vec![oldest],
        )
    }
}
