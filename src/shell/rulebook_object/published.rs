//! What is published, what single visitors preview, and both compiled anew when another release has compiled them.

use super::addressed;
use super::draft::Working;
use super::store::{Entry, Store, Version};
use crate::engine::rules;
use crate::rulebook::Kind;
use crate::rulebook::check::Documents;
use crate::shell::config::{Preview, Previewing, Published};
use crate::shell::{clock, js};
use uuid::Uuid;
use worker::{Result, State};

/// What is published now: the newest version, or the defaults while nothing was ever published.
pub(super) fn published(store: &Store) -> Result<Published> {
    let (version, hash) = store.newest()?.unwrap_or_else(|| (0, defaults().0));
    let preview = preview(store)?.filter(|preview| preview.hash != hash);
    Ok(Published { version, hash, preview })
}

/// The draft for those who preview it, while there are any.
fn preview(store: &Store) -> Result<Option<Preview>> {
    let Some((revision, hash)) = store.draft_piece()? else { return Ok(None) };
    let previewing = |row: super::store::PreviewRow| {
        let visitor = Uuid::try_parse(&row.visitor).ok()?;
        Some(Previewing { visitor, until_ms: super::store::whole(row.until_ms) })
    };
    let visitors: Vec<Previewing> = store.previews(clock::now())?.into_iter().filter_map(previewing).collect();
    Ok((!visitors.is_empty()).then_some(Preview { revision, hash, visitors }))
}

/// What a site without documents of its own has.
pub(super) fn defaults() -> (String, Vec<u8>) {
    addressed(&rules::compile(&[], &[], &[]).0)
}

/// All documents that are published.
pub(super) fn documents(store: &Store) -> Result<Documents> {
    let mut documents = Documents::default();
    for kind in Kind::ALL {
        for row in store.documents(kind)? {
            documents.push(kind, row.id, row.body);
        }
    }
    Ok(documents)
}

/// Publishes what is stored as this release compiles it, when that is not what is published: as a new version, since it
/// may have another meaning. The same for a draft that is previewed.
pub(super) fn recompile(state: &State) -> Result<Published> {
    let store = Store::open(state)?;
    let now_ms = clock::now();
    if let Some((version, before)) = store.newest()? {
        let (hash, piece) = addressed(&documents(&store)?.check().rules);
        if before != hash || store.piece(&hash)?.is_none_or(|stored| stored != piece) {
            let store = store.clone();
            js::transaction(&state.storage(), move || {
                let next = version + 1;
                let (author, role, change) = ("", "", "recompile");
                let entry = Version { version: next, hash: &hash, at_ms: now_ms, change, author, role, comment: None };
                store.publish(&entry, &piece)?;
                let (from_version, to_version) = (Some(version), Some(next));
                let action = "rulebook.recompile";
                store.log(&Entry { at_ms: now_ms, action, from_version, to_version, ..Entry::default() })
            })?;
        }
    }
    if let (Some((_, before)), Some(working)) = (store.draft_piece()?, Working::open(&store)?)
        && !store.previews(now_ms)?.is_empty()
    {
        let (hash, piece) = addressed(&working.documents(&store)?.check().rules);
        if before != hash || store.piece(&hash)?.is_none_or(|stored| stored != piece) {
            let store = store.clone();
            js::transaction(&state.storage(), move || {
                let revision = store.log(&Entry { at_ms: now_ms, action: "draft.recompile", ..Entry::default() })?;
                store.keep_draft_piece(revision, &hash, &piece)
            })?;
        }
    }
    published(&store)
}
