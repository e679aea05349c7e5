//! Notes verdicts on automated clients: one structured line of the log for each, with the reason and without anything that
//! says who it was.

use crate::access::bot::Bot;
use footfall_protocol::ids::SiteId;
use serde_json::json;
use worker::console_log;

/// Notes `count` requests or events of a bot at a surface (`events`, `visitor`, `socket`, `state`, `log`).
pub(super) fn note(bot: Bot, surface: &str, site: &SiteId, count: usize) {
    let (kind, reason) = (bot.kind(), bot.sign());
    console_log!("{}", json!({ "bot": format!("{kind}:{reason}"), "surface": surface, "site": site, "count": count }));
}
