//! Compiles a rulebook whole and says what is published.

use super::addressed;
use super::documents::Kind;
use super::store::{Store, Version};
use crate::engine::fault::RuleFault;
use crate::engine::rules::{self, RuleSet};
use crate::shell::config::Published;
use crate::shell::{clock, js};
use footfall_protocol::Value;
use serde::Serialize;
use worker::{Result, State};

/// What is published now: the newest version, or the defaults while nothing was ever written.
pub(super) fn published(store: &Store) -> Result<Published> {
    let newest = store.newest()?;
    let (version, hash) = newest.unwrap_or_else(|| (0, defaults().0));
    Ok(Published { version, hash })
}

/// What a site without documents of its own has.
pub(super) fn defaults() -> (String, Vec<u8>) {
    addressed(&rules::compile(&[], &[], &[]).0)
}

/// All documents compiled as they would be after a change.
pub(super) struct Compiled {
    pub(super) rules: RuleSet,
    /// What keeps the changed document from running.
    pub(super) refused: Vec<RuleFault>,
    /// Documents that do not run although they were accepted once, and what an author may not have meant.
    pub(super) warnings: Vec<Warning>,
}

/// Something that an author should know.
#[derive(Debug, Serialize)]
pub(super) struct Warning {
    kind: &'static str,
    id: String,
    #[serde(flatten)]
    fault: RuleFault,
}

/// Publishes what is stored as this release compiles it, when that is not what is published: as a new version, since it
/// may have another meaning.
pub(super) fn recompile(state: &State) -> Result<Published> {
    let store = Store::new(state);
    let before = published(&store)?;
    let (hash, piece) = addressed(&compile_with(&store, Kind::Rules, "", None)?.rules);
    if before.version == 0 || before.hash == hash && store.piece(&hash)?.is_some_and(|stored| stored == piece) {
        return Ok(before);
    }
    let now = Published { version: before.version + 1, hash };
    let after = now.clone();
    js::transaction(&state.storage(), move || {
        let Published { version, hash } = &now;
        let entry = Version { version: *version, hash, at_ms: clock::now(), change: "recompile", author: "" };
        store.publish(&entry, &piece)
    })?;
    Ok(after)
}

/// Compiles all documents as they would be with one of them changed (`None`: deleted).
pub(super) fn compile_with(store: &Store, kind: Kind, id: &str, changed: Option<&Value>) -> Result<Compiled> {
    let all = |of: Kind| -> Result<(Vec<String>, Vec<Value>)> {
        let (mut ids, mut values) = (Vec::new(), Vec::new());
        for row in store.documents(of.as_str())? {
            if of != kind || row.id != id {
                values.push(serde_json::from_str(&row.body)?);
                ids.push(row.id);
            }
        }
        if let Some(value) = changed.filter(|_| of == kind) {
            values.push(value.clone());
            ids.push(id.to_owned());
        }
        Ok((ids, values))
    };
    let (rules, segments, stages) = (all(Kind::Rules)?, all(Kind::Segments)?, all(Kind::Stages)?);
    let (compiled, faults) = rules::compile(&rules.1, &segments.1, &stages.1);
    let mut refused = Vec::new();
    let mut warnings = Vec::new();
    for of in faults {
        let kind_of = stored(of.kind);
        let ids = match of.kind {
            rules::Kind::Rule => &rules.0,
            rules::Kind::Segment => &segments.0,
            rules::Kind::Stage => &stages.0,
        };
        let faulty = ids.get(of.index).map(String::as_str).unwrap_or_default();
        if kind_of == kind && faulty == id {
            refused.extend(of.faults);
        } else {
            let warning = |fault| Warning { kind: kind_of.as_str(), id: faulty.to_owned(), fault };
            warnings.extend(of.faults.into_iter().map(warning));
        }
    }
    let own = changed.map(rules::warnings).unwrap_or_default();
    warnings.extend(own.into_iter().map(|fault| Warning { kind: kind.as_str(), id: id.to_owned(), fault }));
    let among = rules::warnings_among(&compiled).into_iter();
    warnings.extend(among.map(|(of, id, fault)| Warning { kind: stored(of).as_str(), id, fault }));
    Ok(Compiled { rules: compiled, refused, warnings })
}

/// Where documents of a kind are kept.
const fn stored(kind: rules::Kind) -> Kind {
    match kind {
        rules::Kind::Rule => Kind::Rules,
        rules::Kind::Segment => Kind::Segments,
        rules::Kind::Stage => Kind::Stages,
    }
}
