//! The stages that a site has when it says nothing else.

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
    {"from": ["new", "lapsed", "browsing", "purchased"], "on": ["product_viewed"]},
    {"from": ["carting", "checkout"], "when": {"cart.count": 0}}]},
  {"id": "carting", "name": "Has a cart", "rank": 30, "enter": [
    {"from": ["new", "lapsed", "browsing", "considering", "purchased"], "when": {"cart.count": {"$gt": 0}}}]},
  {"id": "checkout", "name": "In checkout", "rank": 40, "enter": [
    {"on": ["checkout_started"]}]},
  {"id": "purchased", "name": "Has bought", "rank": 50, "enter": [
    {"on": ["order_completed"], "when": {"event.authority": {"$ne": "public"}}}]}
]"#;

/// The default stages, compiled.
pub fn default_stages() -> Vec<Stage> {
    let documents: Vec<footfall_protocol::Value> = serde_json::from_str(DEFAULT_STAGES).expect("a constant of ours");
    documents.iter().map(|document| compile_stage(document).expect("a constant of ours, and tested")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_stages_compile() {
        assert_eq!(default_stages().len(), 7);
    }

    #[test]
    fn a_stage_entered_only_by_idling_is_no_stop_on_the_way() {
        let rules = super::super::RuleSet::new(Vec::new(), Vec::new(), Vec::new());
        let stops = ["new", "browsing", "considering", "carting", "checkout", "purchased"];
        assert_eq!(rules.way("carting").collect::<Vec<_>>(), stops);
        assert_eq!(rules.way("lapsed").collect::<Vec<_>>()[..2], ["new", "lapsed"]);
    }
}
