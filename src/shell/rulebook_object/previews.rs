//! Previews: single visitors who run the draft's rules instead of what is published, for a while.

use super::ask::{Answer, Ask, pointed, settings, tagged};
use super::draft::Working;
use super::drafting::done;
use super::store::{Entry, PreviewRow, whole};
use super::{addressed, js, not_found};
use crate::shell::clock;
use crate::shell::reply::{Problem, json};
use footfall_protocol::Value;
use footfall_protocol::duration::parse_ms;
use footfall_protocol::limits::{PREVIEW_MS_MAX, PREVIEW_MS_MIN, PREVIEWS_MAX};
use serde_json::json as object;
use uuid::Uuid;

impl Ask<'_> {
    /// `GET /previews`
    pub(super) fn previews(&self) -> Answer {
        let items: Vec<_> = self.store.previews(clock::now())?.iter().map(shown).collect();
        Ok(json(200, &object!({ "items": items }))?)
    }

    /// `PUT /previews/{visitor}`: begins a preview, or gives it another end.
    pub(super) fn begin_preview(&self, visitor: &str, body: &[u8]) -> Answer {
        let visitor = named(visitor)?;
        let for_ms = duration(body)?;
        let now_ms = clock::now();
        let active = self.store.previews(now_ms)?;
        let before = active.iter().find(|row| row.visitor == visitor);
        self.check(before.map(tag).as_deref())?;
        let no_draft = || Problem::new(409, "no_draft", "There is no draft to preview; write to /draft/… first.");
        let working = Working::open(&self.store)?.ok_or_else(no_draft)?;
        if before.is_none() && active.len() >= PREVIEWS_MAX {
            let detail = format!("At most {PREVIEWS_MAX} visitors preview a draft at once; end another one first.");
            return Err(Problem::new(409, "too_many_previews", detail));
        }
        let piece = self.store.draft_piece()?;
        // While nobody previewed it, the draft was not compiled at each change.
        let compiled = match piece {
            Some((since, _)) if since >= working.draft.revision => None,
            Some(_) | None => Some(addressed(&working.documents(&self.store)?.check().rules)),
        };
        let until_ms = now_ms + for_ms;
        let entry = Entry {
            kind: Some("previews"),
            id: Some(visitor.clone()),
            comment: Some(format!("until {until_ms}")),
            ..self.entry("preview.begin")
        };
        let (store, author, name) = (self.store.clone(), self.author.clone(), visitor.clone());
        js::transaction(&self.state.storage(), move || {
            let revision = store.log(&entry)?;
            if let Some((hash, piece)) = compiled {
                store.keep_draft_piece(revision, &hash, &piece)?;
            }
            store.write_preview(&name, now_ms, until_ms, &author)
        })?;
        let status = if before.is_none() { 201 } else { 200 };
        #[expect(clippy::cast_precision_loss, reason = "times stay far below 2^53")]
        let row =
            PreviewRow { visitor, begun_ms: now_ms as f64, until_ms: until_ms as f64, author: self.author.clone() };
        Ok(tagged(json(status, &shown(&row))?, &tag(&row))?)
    }

    /// `DELETE /previews/{visitor}`: the visitor goes on with what is published.
    pub(super) fn end_preview(&self, visitor: &str) -> Answer {
        let visitor = named(visitor)?;
        let active = self.store.previews(clock::now())?;
        let before = active.iter().find(|row| row.visitor == visitor);
        self.check(before.map(tag).as_deref())?;
        before.ok_or_else(not_found)?;
        let entry = Entry { kind: Some("previews"), id: Some(visitor.clone()), ..self.entry("preview.end") };
        let store = self.store.clone();
        js::transaction(&self.state.storage(), move || {
            store.log(&entry)?;
            store.end_preview(&visitor)
        })?;
        done()
    }
}

/// The visitor's name in its one form.
fn named(visitor: &str) -> Result<String, Problem> {
    let id = Uuid::try_parse(visitor);
    let id = id.map_err(|_| Problem::new(400, "malformed", "A visitor is named by a UUID."))?;
    Ok(id.hyphenated().to_string())
}

/// How long the preview shall be, in milliseconds: `{"for": "1h"}`.
fn duration(body: &[u8]) -> Result<u64, Problem> {
    let settings = settings(body, &["for"])?;
    let fault = |code, message: &str| Err(Problem::unfit(vec![pointed(code, "/for", message)]));
    match settings.get("for") {
        None => fault("missing", "say how long: \"1h\""),
        Some(Value::String(text)) => match parse_ms(text) {
            Some(ms) if (PREVIEW_MS_MIN..=PREVIEW_MS_MAX).contains(&ms) => Ok(ms),
            Some(_) => fault("out_of_range", "a preview lasts one minute (\"1m\") to 24 hours (\"24h\")"),
            None => fault("invalid", "wants a whole number with one of the units s, m, h, d: \"1h\""),
        },
        Some(_) => fault("invalid", "wants a string such as \"1h\""),
    }
}

fn shown(row: &PreviewRow) -> serde_json::Value {
    object!({
        "visitor": row.visitor,
        "begun_ms": whole(row.begun_ms),
        "until_ms": whole(row.until_ms),
        "author": row.author,
    })
}

fn tag(row: &PreviewRow) -> String {
    format!("\"until-{}\"", whole(row.until_ms))
}
