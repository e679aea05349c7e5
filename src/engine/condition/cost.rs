//! What a condition can cost at most, known when it is compiled.

use super::{Condition, Pattern, Test};
use crate::engine::tree::{Field, Kind, Known};
use footfall_protocol::limits::{
    CART_LINES_MAX, EVENT_BYTES_MAX, RECENT_PRODUCTS_MAX, REGEX_PROGRAM_BYTES_MAX, REGEX_TEXT_BYTES_MAX, SEGMENTS_MAX,
    TEXT_BYTES_MAX, TRAIT_BYTES_MAX, URL_BYTES_MAX,
};

/// Bytes of text that are looked through, or copied, for one unit.
const BYTES_PER_UNIT: u64 = 32;
/// Steps of an expression's states for one unit.
const STATES_PER_UNIT: u64 = 4;
/// The least bytes that one state of a compiled expression takes.
const STATE_BYTES: usize = 8;

/// How large a value can be: scalars at any depth, and bytes of text in all of them.
#[derive(Clone, Copy)]
struct Volume {
    items: u64,
    bytes: u64,
}

impl Condition {
    /// An upper bound of what one evaluation costs, in units of about one comparison of two scalars (5 to 20 ns).
    ///
    /// Nothing is taken to be settled early: every part is counted, arrays are taken as long as their bounds let them
    /// be (items of open fields as many as an event has room for), texts likewise, and a regular expression as if each
    /// byte of text moved each of its states (four such steps to a unit). Saturates.
    pub fn cost(&self) -> u64 {
        self.cost_over(None)
    }

    /// With the volume of an item, where the condition is about an array's items.
    fn cost_over(&self, item: Option<Volume>) -> u64 {
        let sum = |parts: &[Self]| parts.iter().fold(1, |sum: u64, part| sum.saturating_add(part.cost_over(item)));
        match self {
            Self::All(parts) | Self::Any(parts) => sum(parts),
            Self::Not(part) => part.cost_over(item),
            Self::Field(field, tests) => tests_cost(tests, item.unwrap_or_else(|| volume(field))),
        }
    }
}

/// The cost of one field's tests, as part of a condition.
pub(in crate::engine) fn field_cost(field: &Field, tests: &[Test]) -> u64 {
    tests_cost(tests, volume(field))
}

fn tests_cost(tests: &[Test], volume: Volume) -> u64 {
    tests.iter().fold(1, |sum: u64, test| sum.saturating_add(test.cost(volume)))
}

/// The bounds of what is read from a field.
fn volume(field: &Field) -> Volume {
    let list = |items: usize, bytes: usize| Volume { items: items as u64, bytes: (items * bytes) as u64 };
    match field {
        Field::Known(Known::CartLines, _) => list(CART_LINES_MAX * 6, TEXT_BYTES_MAX),
        Field::Known(Known::Segments, _) => list(SEGMENTS_MAX, TEXT_BYTES_MAX),
        Field::Known(Known::ProfileRecentProducts | Known::ProfileRecentCategories, _) => {
            list(RECENT_PRODUCTS_MAX, TEXT_BYTES_MAX)
        }
        Field::Known(Known::ProfileTraits, _) => list(TRAIT_BYTES_MAX / 2, 2),
        Field::Known(known, _) => match known.entry().kind {
            // The least that an item takes in JSON is a digit and a comma.
            Kind::Open | Kind::List => list(EVENT_BYTES_MAX / 2, 2),
            Kind::Text | Kind::OneOf(_) | Kind::Number | Kind::Money(_) | Kind::Flag => list(1, URL_BYTES_MAX),
        },
        Field::Any(_) => list(EVENT_BYTES_MAX / 2, 2),
    }
}

impl Test {
    fn cost(&self, volume: Volume) -> u64 {
        let whole = 1 + volume.bytes / BYTES_PER_UNIT;
        // One item's share; that some are longer makes others shorter.
        let item = Volume { items: 1, bytes: (volume.bytes / volume.items.max(1)).max(1) };
        let each = |cost: u64| volume.items.saturating_mul(cost.saturating_add(1));
        match self {
            Self::Flag(_) | Self::Null | Self::Exists(_) | Self::Type(_) | Self::Is(_) | Self::IsNot(_) => 1,
            Self::Never => 1,
            Self::Text { .. } | Self::Folded(_) | Self::Number(_) | Self::Order(..) | Self::Version(..) => whole,
            Self::Json(_) => whole.saturating_add(volume.items),
            Self::In(members) | Self::NotIn(members) => {
                let steps = u64::from(usize::BITS - members.len().leading_zeros()) + 1;
                volume.items.saturating_mul(steps).saturating_add(whole)
            }
            Self::Every(tests) => tests.iter().fold(0, |sum: u64, test| sum.saturating_add(test.cost(volume))),
            Self::Not(test) => test.cost(volume),
            Self::Size(test) => test.cost(Volume { items: 1, bytes: 1 }).saturating_add(1),
            Self::SomeItem(test) => each(test.cost(item)),
            Self::SomeObject(condition) => each(condition.cost_over(Some(item))),
            Self::AllOf(tests) => tests.iter().fold(1, |sum: u64, test| sum.saturating_add(each(test.cost(item)))),
            Self::Matches(pattern) | Self::MatchesNot(pattern) => {
                let steps = pattern.states().saturating_mul(volume.bytes.min(REGEX_TEXT_BYTES_MAX as u64));
                whole.saturating_add(steps / STATES_PER_UNIT)
            }
        }
    }
}

impl Pattern {
    /// An upper bound of its states: a byte of its source makes about one, counted repetitions make them as often as
    /// they say, and there are never more than fit the largest compiled form.
    fn states(&self) -> u64 {
        let most = (REGEX_PROGRAM_BYTES_MAX / STATE_BYTES) as u64;
        let mut states = self.source().len() as u64 + 1;
        for repeated in self.source().split('{').skip(1) {
            let inside = repeated.split('}').next().unwrap_or_default();
            let counts = inside.split(',').filter_map(|count| count.parse::<u64>().ok());
            states = states.saturating_mul(counts.max().unwrap_or(1).max(1)).min(most);
        }
        states.min(most)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Compiler;
    use crate::engine::tree::resolve;
    use footfall_protocol::Value;
    use footfall_protocol::limits::CONDITION_COST_MAX;

    fn cost(text: &str) -> u64 {
        let value: Value = serde_json::from_str(text).unwrap();
        let mut compiler = Compiler::new(&resolve);
        let condition = compiler.condition(&value, "");
        assert_eq!(compiler.faults, []);
        condition.cost()
    }

    #[test]
    fn a_longer_condition_costs_more() {
        let one = cost(r#"{"page.kind": {"$eq": "product"}}"#);
        assert_eq!(one, 2, "one read and one comparison");
        assert!(cost(r#"{"page.kind": {"$eq": "product"}, "geo.country": {"$eq": "DE"}}"#) > 2 * one);
        assert!(cost(r#"{"$not": {"$or": [{"page.kind": "cart"}, {"stage": "new"}]}}"#) > one);
        assert!(cost(r#"{"page.path": {"$regex": "(a{30}){30}"}}"#) > 50 * cost(r#"{"page.path": {"$regex": "a"}}"#));
    }

    #[test]
    fn what_rules_are_written_with_is_within_the_bound() {
        for text in [
            r#"{"page.path": {"$regexi": "^/(sale|outlet|clearance)/[a-z-]+$"}, "page.url": {"$notRegex": "utm_source=(mail|app)"}}"#,
            r#"{"cart.lines": {"$elemMatch": {"category": {"$in": ["a", "b"]}, "price": {"$gt": 5}, "name": {"$regex": "tent"}}}}"#,
            r#"{"event.properties.tags": {"$elemMatch": {"$regex": "^new"}}, "profile.traits.plan": {"$alli": ["a", "b"]}}"#,
        ] {
            assert!(cost(text) < CONDITION_COST_MAX / 2, "{}", cost(text));
        }
    }
}
