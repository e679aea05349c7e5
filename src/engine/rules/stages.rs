//! The stages that a site has when it says nothing else, and why they are as they are.
//!
//! * A stage says how far somebody has come, so it goes forward by what they do and back only where they undo it: an
//!   emptied cart leads back to considering.
//! * A cart counts from the event that fills it. Somebody who has just bought or has lapsed is carting again only when
//!   they touch the cart or come back to a full one; a refund booked by a server is no visit.
//! * The checkout's own page counts as well as its event, but for somebody who has just bought: the page that confirms an
//!   order often has the checkout's address.
//! * A store that sends no carts still has a checkout: only events about the cart can empty it.
//! * An order counts on a visitor's or a server's word. The write key of a page is public, so its word is not enough.

use super::{Stage, compile_stage};

/// The default stages, as an author would write them; the documentation shows this text.
pub const DEFAULT_STAGES: &str = r#"[
  {"id": "new", "name": "New", "rank": 0},
  {"id": "lapsed", "name": "Lapsed", "rank": 5, "enter": [
    {"from": ["browsing", "considering", "carting", "checkout", "purchased"], "after_idle": "14d"}]},
  {"id": "browsing", "name": "Browsing", "rank": 10, "enter": [
    {"from": ["new", "lapsed"], "on": ["page_viewed", "product_list_viewed", "products_searched"]},
    {"from": ["purchased"], "on": ["session_started"]}]},
  {"id": "considering", "name": "Considering", "rank": 20, "enter": [
    {"from": ["new", "lapsed", "browsing"], "on": ["product_viewed"]},
    {"from": ["new", "lapsed", "browsing"], "on": ["page_viewed"], "when": {"page.kind": "product"}},
    {"from": ["purchased"], "on": ["session_started"], "when": {"event.name": "product_viewed"}},
    {"from": ["carting"], "when": {"cart.count": 0}},
    {"from": ["checkout"], "on": ["product_removed", "cart_cleared", "cart_viewed"], "when": {"cart.count": 0}}]},
  {"id": "carting", "name": "Has a cart", "rank": 30, "enter": [
    {"from": ["new", "browsing", "considering"], "when": {"cart.count": {"$gt": 0}}},
    {"from": ["lapsed", "purchased"], "on": ["session_started", "product_added", "cart_viewed"],
      "when": {"cart.count": {"$gt": 0}}}]},
  {"id": "checkout", "name": "In checkout", "rank": 40, "enter": [
    {"on": ["checkout_started"]},
    {"from": ["new", "lapsed", "browsing", "considering", "carting"], "on": ["page_viewed"],
      "when": {"page.kind": "checkout"}}]},
  {"id": "purchased", "name": "Has bought", "rank": 50, "enter": [
    {"on": ["order_completed"], "when": {"event.authority": {"$in": ["visitor", "source"]}}}]}
]"#;

/// The default stages, compiled.
pub fn default_stages() -> Vec<Stage> {
    let documents: Vec<footfall_protocol::Value> = serde_json::from_str(DEFAULT_STAGES).expect("a constant of ours");
    documents.iter().map(|document| compile_stage(document).expect("a constant of ours, and tested")).collect()
}

#[cfg(test)]
mod tests {
    use super::super::RuleSet;
    use crate::engine::tree::{Field, Known, Read, Scope};

    /// What a step of a journey shows of the visitor.
    #[derive(Default)]
    struct Step {
        name: &'static str,
        page: &'static str,
        authority: &'static str,
        cart: f64,
    }

    impl Scope for Step {
        fn read<'a>(&'a self, field: &Field) -> Read<'a> {
            match field {
                Field::Known(Known::EventName, _) => Read::text(self.name),
                Field::Known(Known::EventAuthority, _) => Read::text(self.authority),
                Field::Known(Known::PageKind, _) => Read::text(self.page),
                Field::Known(Known::CartCount, _) => Read::Number(self.cart),
                Field::Known(..) | Field::Any(_) => Read::Missing,
            }
        }
    }

    /// Walks a journey: each step is words and the stage after it. `+2` sets the cart's count, `(product)` is the page's
    /// kind, `!` begins a session, `public` or `source` is the event's authority, `14d` is idle time, the rest is the
    /// event's name.
    fn walk(journey: &[(&'static str, &str)]) {
        let set = RuleSet::new(Vec::new(), Vec::new(), Vec::new());
        let (mut stage, mut cart) = (set.initial_stage().to_owned(), 0.0);
        for (at, (words, expected)) in journey.iter().enumerate() {
            let mut step = Step { authority: "visitor", page: "other", ..Step::default() };
            let mut happened = Vec::new();
            for word in words.split(' ') {
                if let Some(count) = word.strip_prefix('+') {
                    cart = count.parse().unwrap();
                } else if let Some(kind) = word.strip_prefix('(') {
                    step.page = kind.trim_end_matches(')');
                } else if word == "!" {
                    happened.push("session_started");
                } else if word == "public" || word == "source" {
                    step.authority = word;
                } else if word == "14d" {
                    let (after_ms, next) = set.lapse(&stage, &[]).unwrap();
                    assert_eq!(after_ms, 14 * 24 * 60 * 60 * 1_000);
                    stage = next.to_owned();
                } else {
                    step.name = word;
                    happened.push(word);
                }
            }
            step.cart = cart;
            if !happened.is_empty() {
                stage = set.next_stage(&stage, &happened, &step).unwrap_or(&stage).to_owned();
            }
            assert_eq!(stage, *expected, "step {at} of {journey:?}");
        }
    }

    #[test]
    fn a_first_purchase_goes_through_every_stage() {
        walk(&[
            ("! page_viewed (home)", "browsing"),
            ("product_list_viewed", "browsing"),
            ("page_viewed (product)", "considering"),
            ("product_viewed (product)", "considering"),
            ("product_added (product) +1", "carting"),
            ("page_viewed (cart)", "carting"),
            ("checkout_started (checkout)", "checkout"),
            ("payment_info_entered (checkout)", "checkout"),
            ("order_completed (confirmation) +0", "purchased"),
            ("page_viewed (confirmation)", "purchased"),
        ]);
    }

    #[test]
    fn somebody_who_lands_on_a_product_considers_at_once() {
        walk(&[("! page_viewed (product)", "considering")]);
        walk(&[("! product_viewed", "considering")]);
        walk(&[("! page_hidden", "new")]);
    }

    #[test]
    fn an_emptied_cart_leads_back_to_considering() {
        walk(&[
            ("product_added +2", "carting"),
            ("product_removed +1", "carting"),
            ("product_removed +0", "considering"),
        ]);
        walk(&[("product_added +1", "carting"), ("checkout_started", "checkout"), ("cart_cleared +0", "considering")]);
        walk(&[
            ("checkout_started +1", "checkout"),
            ("page_viewed (cart)", "checkout"),
            ("product_removed +0", "considering"),
        ]);
    }

    #[test]
    fn a_store_that_sends_no_carts_has_a_checkout_all_the_same() {
        walk(&[
            ("! page_viewed (product)", "considering"),
            ("page_viewed (checkout)", "checkout"),
            ("page_viewed (checkout)", "checkout"),
            ("order_completed source", "purchased"),
        ]);
    }

    #[test]
    fn an_order_counts_only_on_a_word_that_can_be_trusted() {
        walk(&[
            ("checkout_started +1", "checkout"),
            ("order_completed public", "checkout"),
            ("order_completed source +0", "purchased"),
        ]);
    }

    #[test]
    fn after_a_purchase_the_confirmation_and_late_news_change_nothing() {
        walk(&[
            ("order_completed +0", "purchased"),
            ("page_viewed (checkout)", "purchased"),
            ("page_viewed (product)", "purchased"),
            ("product_viewed (product)", "purchased"),
            ("product_added +1", "carting"),
            ("order_completed +0", "purchased"),
            ("order_refunded source", "purchased"),
        ]);
        // What was left in the cart counts when it is touched.
        walk(&[("order_completed +3", "purchased"), ("page_viewed (home)", "purchased"), ("cart_viewed", "carting")]);
    }

    #[test]
    fn a_customer_who_comes_back_starts_over() {
        walk(&[
            ("order_completed +0", "purchased"),
            ("! page_viewed (home)", "browsing"),
            ("product_viewed", "considering"),
        ]);
        walk(&[("order_completed +0", "purchased"), ("! product_viewed", "considering")]);
        walk(&[("order_completed +2", "purchased"), ("! page_viewed (home)", "carting")]);
        walk(&[("order_completed +0", "purchased"), ("checkout_started", "checkout")]);
    }

    #[test]
    fn who_stays_away_lapses_and_comes_back_where_they_are_seen() {
        walk(&[("! page_viewed", "browsing"), ("14d", "lapsed"), ("! page_viewed", "browsing")]);
        walk(&[("product_viewed", "considering"), ("14d", "lapsed"), ("! page_viewed (product)", "considering")]);
        walk(&[
            ("product_added +1", "carting"),
            ("14d", "lapsed"),
            ("order_refunded source", "lapsed"),
            ("! page_viewed", "carting"),
        ]);
        walk(&[("order_completed +0", "purchased"), ("14d", "lapsed"), ("! product_viewed", "considering")]);
    }

    #[test]
    fn one_event_moves_at_most_one_stage_and_the_highest() {
        walk(&[("! product_added (product) +1", "carting")]);
        walk(&[("! checkout_started +1", "checkout")]);
        walk(&[("! order_completed source", "purchased")]);
    }

    #[test]
    fn a_stage_entered_only_by_idling_is_no_stop_on_the_way() {
        let rules = super::super::RuleSet::new(Vec::new(), Vec::new(), Vec::new());
        let stops = ["new", "browsing", "considering", "carting", "checkout", "purchased"];
        assert_eq!(rules.way("carting").collect::<Vec<_>>(), stops);
        assert_eq!(rules.way("lapsed").collect::<Vec<_>>()[..2], ["new", "lapsed"]);
    }
}
