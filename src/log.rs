//! The log of a visitor: its records in one order, whichever room they are in at the moment, and what a reader asks of it.
//! Pure; `shell::log` reads.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use footfall_protocol::Object;
use footfall_protocol::limits::{EVENT_NAME_BYTES_MAX, LOG_ENTRIES_MAX, PAGE_ENTRIES_MAX};
use footfall_protocol::query;
use footfall_protocol::record::{Record, RecordKind, record_id};
use serde::Serialize;
use serde_json::Value as Json;
use uuid::Uuid;

/// Greater than every time and every number, and still exact as a JavaScript number.
pub const END: u64 = (1 << 53) - 1;

/// Where a record stands among all records of its visitor: by time, then by life, then by number. No two stand at one
/// place, and within a life the order is that in which things happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The record's time, in milliseconds since the epoch.
    pub at_ms: u64,
    /// The life that it belongs to.
    pub incarnation: Uuid,
    /// Its number there.
    pub seq: u64,
}

impl Place {
    /// Before all records.
    pub const FIRST: Self = Self { at_ms: 0, incarnation: Uuid::nil(), seq: 0 };
    /// After all records.
    pub const LAST: Self = Self { at_ms: END, incarnation: Uuid::max(), seq: END };

    /// The place as readers are given it, to go on from.
    pub fn cursor(self) -> String {
        let parts = [&self.at_ms.to_be_bytes()[..], self.incarnation.as_bytes(), &self.seq.to_be_bytes()];
        URL_SAFE_NO_PAD.encode(parts.concat())
    }

    /// The place that a cursor names; `None` when it is no cursor.
    pub fn parse(cursor: &str) -> Option<Self> {
        let bytes: [u8; 32] = URL_SAFE_NO_PAD.decode(cursor).ok()?.try_into().ok()?;
        let (at_ms, rest) = bytes.split_first_chunk::<8>()?;
        let (incarnation, seq) = rest.split_first_chunk::<16>()?;
        let number = |bytes: [u8; 8]| Some(u64::from_be_bytes(bytes)).filter(|number| *number <= END);
        Some(Self {
            at_ms: number(*at_ms)?,
            incarnation: Uuid::from_bytes(*incarnation),
            seq: number(seq.try_into().ok()?)?,
        })
    }
}

/// A record as every reader of the log sees it, and as the database has it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// Unique over all visitors and all their lives.
    pub id: String,
    /// The life that it belongs to.
    pub incarnation: Uuid,
    /// Its number there, from 1, without gaps.
    pub seq: u64,
    /// The engine's time, in milliseconds since the epoch.
    pub at_ms: u64,
    /// What it is about.
    pub kind: String,
    /// The event's name, the segment's, stage's or rule's id.
    pub name: String,
    /// The session it belongs to, by number from 1; 0 for none.
    pub session: u64,
    /// Details, in the order in which they were said.
    pub data: Object,
}

impl Row {
    /// A record that the database does not have yet.
    pub fn of(incarnation: Uuid, record: Record) -> Self {
        Self {
            id: record_id(incarnation, record.seq),
            incarnation,
            seq: record.seq,
            at_ms: record.at_ms,
            kind: record.kind.as_str().to_owned(),
            name: record.name,
            session: record.session.into(),
            data: record.data,
        }
    }

    /// A row of the database, where all numbers come as doubles and `data` as text; `None` for what is no record.
    pub fn stored(row: &Json) -> Option<Self> {
        let text = |name: &str| row[name].as_str().map(str::to_owned);
        let id = text("id")?;
        let incarnation = Uuid::try_parse(row["incarnation"].as_str()?).ok()?;
        Some(Self {
            incarnation,
            seq: id.rsplit_once('-')?.1.parse().ok()?,
            at_ms: whole(&row["at_ms"])?,
            kind: text("kind")?,
            name: text("name")?,
            session: whole(&row["session"])?,
            data: serde_json::from_str(row["data"].as_str()?).ok()?,
            id,
        })
    }

    /// The record again; `None` for a kind of another release.
    pub fn record(&self) -> Option<Record> {
        Some(Record {
            seq: self.seq,
            at_ms: self.at_ms,
            kind: RecordKind::parse(&self.kind)?,
            name: self.name.clone(),
            session: u32::try_from(self.session).ok()?,
            data: self.data.clone(),
        })
    }

    /// Where it stands.
    pub const fn place(&self) -> Place {
        Place { at_ms: self.at_ms, incarnation: self.incarnation, seq: self.seq }
    }
}

/// A whole number, however it was written.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below 2^53, and not negative")]
#[expect(clippy::cast_precision_loss, reason = "2^53 - 1 is exact")]
pub fn whole(number: &Json) -> Option<u64> {
    number
        .as_u64()
        .or_else(|| number.as_f64().filter(|number| (0.0..=END as f64).contains(number)).map(|number| number as u64))
}

/// Which records are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    /// All.
    Any,
    /// What fired, and what would have but for a hold-out.
    Triggers,
    /// Records of the kind with this name, and events of this name.
    Named(String),
}

/// In which order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The newest first.
    Newest,
    /// The oldest first, and never beyond a record that is still on its way.
    Oldest,
}

/// What a reader asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Which records.
    pub of: Type,
    /// Not before this time, in milliseconds since the epoch.
    pub from_ms: u64,
    /// Before this time.
    pub to_ms: u64,
    /// How many at most.
    pub limit: usize,
    /// In which order.
    pub order: Order,
    /// After this place in that order; what a reader begins with else.
    pub after: Place,
}

impl Wanted {
    /// All records in an order, so many at a time.
    pub const fn all(order: Order, limit: usize) -> Self {
        let after = match order {
            Order::Newest => Place::LAST,
            Order::Oldest => Place::FIRST,
        };
        Self { of: Type::Any, from_ms: 0, to_ms: END, limit, order, after }
    }

    /// Reads `type`, `from`, `to`, `order`, `limit` and `cursor` of an address's query.
    ///
    /// # Errors
    /// A sentence that says what to write instead.
    pub fn parse(url: &str) -> Result<Self, String> {
        let order = match query::member(url, "order").as_deref() {
            None | Some("newest") => Order::Newest,
            Some("oldest") => Order::Oldest,
            Some(_) => return Err("`order` is `newest` or `oldest`.".to_owned()),
        };
        let mut wanted = Self::all(order, limit(url, 100, LOG_ENTRIES_MAX)?);
        let named = query::member(url, "type").filter(|name| !name.is_empty());
        if named.as_ref().is_some_and(|name| name.chars().count() > EVENT_NAME_BYTES_MAX) {
            return Err(format!(
                "`type` is the name of a kind or of an event, of at most {EVENT_NAME_BYTES_MAX} characters."
            ));
        }
        wanted.of = named.map_or(Type::Any, Type::Named);
        wanted.from_ms = time(url, "from", wanted.from_ms)?;
        wanted.to_ms = time(url, "to", wanted.to_ms)?;
        wanted.after = after(url, "cursor", wanted.after)?;
        Ok(wanted)
    }

    /// Reads `limit` and `before` of a list of triggers.
    ///
    /// # Errors
    /// As [`Wanted::parse`].
    pub fn triggers(url: &str) -> Result<Self, String> {
        let all = Self::all(Order::Newest, limit(url, 50, PAGE_ENTRIES_MAX)?);
        Ok(Self { of: Type::Triggers, after: after(url, "before", all.after)?, ..all })
    }

    /// Whether a record is one of those.
    pub fn takes(&self, row: &Row) -> bool {
        let of_type = match &self.of {
            Type::Any => true,
            Type::Triggers => is_trigger(row),
            Type::Named(name) => row.kind == *name || (row.kind == RecordKind::Event.as_str() && row.name == *name),
        };
        let ahead = match self.order {
            Order::Newest => row.place() < self.after,
            Order::Oldest => row.place() > self.after,
        };
        of_type && ahead && (self.from_ms..self.to_ms).contains(&row.at_ms)
    }
}

/// Whether a rule fired, or would have but for a hold-out.
pub fn is_trigger(row: &Row) -> bool {
    [RecordKind::TriggerFired, RecordKind::TriggerHeldOut].iter().any(|kind| row.kind == kind.as_str())
}

fn limit(url: &str, usual: usize, most: u64) -> Result<usize, String> {
    let wanted = || format!("`limit` is a whole number from 1 to {most}.");
    query::member(url, "limit").map_or(Ok(usual), |text| {
        let limit = text.parse::<u64>().ok().filter(|limit| (1..=most).contains(limit));
        limit.and_then(|limit| usize::try_from(limit).ok()).ok_or_else(wanted)
    })
}

fn after(url: &str, name: &str, usual: Place) -> Result<Place, String> {
    let wanted = || format!("`{name}` is what `next` of another page said.");
    query::member(url, name).map_or(Ok(usual), |text| Place::parse(&text).ok_or_else(wanted))
}

/// A time of the query, in milliseconds since the epoch.
///
/// # Errors
/// As [`Wanted::parse`].
pub fn time(url: &str, name: &str, usual: u64) -> Result<u64, String> {
    let wanted = || format!("`{name}` is a time: milliseconds since 1970, or like 2026-11-21T10:00:00Z.");
    query::member(url, name).map_or(Ok(usual), |text| {
        let written = || u64::try_from(chrono::DateTime::parse_from_rfc3339(&text).ok()?.timestamp_millis()).ok();
        text.parse().ok().or_else(written).filter(|at_ms| *at_ms <= END).ok_or_else(wanted)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(at_ms: u64, life: u128, seq: u64, kind: &str, name: &str) -> Row {
        let incarnation = Uuid::from_u128(life);
        let id = record_id(incarnation, seq);
        Row { id, incarnation, seq, at_ms, kind: kind.into(), name: name.into(), session: 1, data: Object::new() }
    }

    #[test]
    fn a_cursor_names_its_place_and_nothing_else_is_one() {
        for place in [Place::FIRST, Place::LAST, row(7, 5, 3, "event", "x").place()] {
            assert_eq!(Place::parse(&place.cursor()), Some(place));
        }
        let beyond = Place { at_ms: END + 1, ..Place::FIRST };
        for bad in ["", "5", "x-1", "*", &beyond.cursor(), &format!("{}A", Place::LAST.cursor())] {
            assert_eq!(Place::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_order_is_that_of_time_then_life_then_number() {
        let places = [row(1, 9, 2, "", ""), row(2, 1, 5, "", ""), row(2, 1, 10, "", ""), row(2, 2, 1, "", "")];
        assert!(places.map(|row| row.place()).is_sorted());
    }

    #[test]
    fn a_query_says_what_is_wanted() {
        let url =
            "https://a.example/x?type=product_added&from=2026-11-21T10:00:00Z&to=1795255201000&order=oldest&limit=7";
        let wanted = Wanted::parse(url).unwrap();
        let expected = Wanted {
            of: Type::Named("product_added".into()),
            from_ms: 1_795_255_200_000,
            to_ms: 1_795_255_201_000,
            ..Wanted::all(Order::Oldest, 7)
        };
        assert_eq!(wanted, expected);
        assert_eq!(Wanted::parse("https://a.example/x?type=").unwrap(), Wanted::all(Order::Newest, 100));
        for bad in ["limit=0", "limit=1001", "limit=x", "order=up", "from=noon", "to=-1", "cursor=5"] {
            assert!(Wanted::parse(&format!("https://a.example/x?{bad}")).is_err(), "{bad}");
        }
    }

    #[test]
    fn records_are_taken_by_type_time_and_place() {
        let event = row(10, 1, 3, "event", "product_added");
        let takes = |change: &dyn Fn(&mut Wanted)| {
            let mut wanted = Wanted::all(Order::Oldest, 1);
            change(&mut wanted);
            wanted.takes(&event)
        };
        assert!(takes(&|_| {}));
        for name in ["event", "product_added"] {
            assert!(takes(&|wanted| wanted.of = Type::Named(name.into())));
        }
        assert!(!takes(&|wanted| wanted.of = Type::Named("trigger_fired".into())));
        assert!(!takes(&|wanted| wanted.of = Type::Triggers));
        assert!(takes(&|wanted| wanted.from_ms = 10) && !takes(&|wanted| wanted.to_ms = 10));
        assert!(!takes(&|wanted| wanted.after = event.place()));
        assert!(takes(&|wanted| wanted.after = Place { seq: 2, ..event.place() }));
        assert!(!takes(&|wanted| (wanted.order, wanted.after) = (Order::Newest, event.place())));
    }

    #[test]
    fn a_row_of_the_database_is_the_record_again() {
        let stored = serde_json::json!({"id": format!("{}-12", Uuid::from_u128(1).simple()), "at_ms": 5.0, "session": 2.0,
            "incarnation": Uuid::from_u128(1), "kind": "event", "name": "x", "data": "{\"b\":2,\"a\":[1,null]}"});
        let row = Row::stored(&stored).unwrap();
        assert_eq!((row.seq, row.at_ms, row.session), (12, 5, 2));
        let record = row.record().unwrap();
        assert_eq!(record.kind, RecordKind::Event);
        assert_eq!(
            serde_json::to_string(&record.data).unwrap(),
            r#"{"b":2,"a":[1,null]}"#,
            "in the order as it was said"
        );
        assert_eq!(Row::of(row.incarnation, record), row);
        assert_eq!(Row::stored(&serde_json::json!({"id": "x"})), None);
    }
}
