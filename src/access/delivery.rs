//! One request's events, sorted by the visitor they belong to: what goes to each visitor's object.

use super::bot::{self, Bot, Signs};
use super::scope::Grant;
use super::sender::Sender;
use footfall_protocol::decode::{Batch, Root};
use footfall_protocol::event::{Authority, Delivery, Surroundings};
use footfall_protocol::rejection::{Code, Fault, Rejection};
use std::collections::BTreeMap;
use uuid::Uuid;

/// What is known of a request besides its body.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// What the visitor's object is told of it.
    pub surroundings: Surroundings,
    /// The verdict on its own user agent; only browsers are judged by it.
    pub bot: Option<Bot>,
    /// Whether the site takes headless browsers for visitors.
    pub allow_headless: bool,
    /// A random text: ids are made from it for events that bring none, so that forwarding one twice is harmless.
    pub nonce: String,
    /// What the write key that was shown may bring.
    pub grant: Grant,
}

/// Where the events of one request go.
#[derive(Debug, Default, PartialEq)]
pub struct Deliveries {
    /// One delivery for each visitor.
    pub by_visitor: BTreeMap<Uuid, Delivery>,
    /// Events that go nowhere, in order.
    pub rejections: Vec<Rejection>,
    /// How the body held the events: what visitors reject is located by it.
    pub root: Root,
    /// Events of automated clients, counted by verdict.
    pub bots: BTreeMap<Bot, usize>,
}

impl Deliveries {
    /// The visitor is asked for what its tab has missed, whether or not anything is brought to it.
    pub fn ask(&mut self, visitor: Uuid, surroundings: &Surroundings) {
        let nothing = || Delivery { events: Vec::new(), surroundings: surroundings.clone() };
        self.by_visitor.entry(visitor).or_insert_with(nothing);
    }
}

/// Sorts a decoded batch by visitor; each event keeps its place in the batch and the order of its visitor's events.
pub fn sort(batch: Batch, sender: &Sender, request: &Request) -> Deliveries {
    let mut deliveries = Deliveries { rejections: batch.rejections, root: batch.root, ..Deliveries::default() };
    let from_server = sender.authority() == Authority::Source;
    for mut decoded in batch.events {
        let agent = decoded.user_agent.as_deref().filter(|_| from_server);
        let bot = if from_server {
            agent.and_then(|user_agent| bot::verdict(Signs { user_agent, ..Signs::default() }, request.allow_headless))
        } else {
            request.bot
        };
        let visitor = match bot {
            Some(bot) => {
                *deliveries.bots.entry(bot).or_default() += 1;
                Err(Fault::at("", Code::Bot, bot.reason()))
            }
            None => match request.grant.admit(&mut decoded.event) {
                Ok(()) => sender.visitor_of(&decoded.identity),
                Err(fault) => Err(fault),
            },
        };
        match visitor {
            Ok(visitor) => {
                if decoded.event.id.is_empty() {
                    decoded.event.id = format!("{}-{}", request.nonce, decoded.index);
                }
                let mut to = vec![visitor];
                to.extend(sender.others(&decoded.event).into_iter().filter(|other| *other != visitor));
                for visitor in to {
                    let delivery = deliveries
                        .by_visitor
                        .entry(visitor)
                        .or_insert_with(|| Delivery { events: Vec::new(), surroundings: request.surroundings.clone() });
                    delivery.events.push((decoded.index, decoded.event.clone()));
                }
            }
            Err(fault) => {
                let index = usize::try_from(decoded.index).unwrap_or(usize::MAX);
                deliveries.rejections.push(batch.root.reject(index, fault));
            }
        }
    }
    deliveries.rejections.sort_by_key(|rejection| rejection.index);
    deliveries
}

#[cfg(test)]
mod tests {
    use super::*;
    use footfall_protocol::decode::decode_batch;
    use footfall_protocol::ids::SiteId;

    fn source() -> Sender {
        Sender::Source(SiteId::parse("demo").unwrap())
    }

    fn event(rest: &str) -> String {
        format!(r#"{{"type":"track","event":"x"{rest}}}"#)
    }

    fn sorted(sender: &Sender, events: &[String], request: &Request) -> Deliveries {
        let body = format!(r#"{{"batch":[{}]}}"#, events.join(","));
        sort(decode_batch(body.as_bytes(), sender.authority()).unwrap(), sender, request)
    }

    #[test]
    fn a_batch_may_mix_visitors_and_keeps_the_order_of_each() {
        let events: Vec<_> = [1, 2, 1, 2, 1].map(|v| event(&format!(r#","anonymousId":"{v}""#))).into();
        let deliveries = sorted(&source(), &events, &Request::default());
        let mut places: Vec<Vec<u32>> =
            deliveries.by_visitor.values().map(|d| d.events.iter().map(|(index, _)| *index).collect()).collect();
        places.sort();
        assert_eq!(places, [vec![0, 2, 4], vec![1, 3]]);
        assert!(deliveries.rejections.is_empty());
    }

    #[test]
    fn an_alias_also_goes_to_whoever_had_the_previous_id_but_only_on_a_sources_word() {
        let alias = [r#"{"type":"alias","anonymousId":"1","userId":"new","previousId":"old"}"#.to_owned()];
        let visitors = |sender: &Sender| sorted(sender, &alias, &Request::default()).by_visitor.len();
        assert_eq!(visitors(&source()), 3);
        let site = SiteId::parse("demo").unwrap();
        assert_eq!(visitors(&Sender::Visitor(site.clone(), Uuid::from_u128(1))), 1);
        assert_eq!(visitors(&Sender::Public(site)), 1);
    }

    #[test]
    fn one_bad_event_never_sinks_its_batch() {
        let events = [event(r#","anonymousId":"1""#), event(""), "7".to_owned(), event(r#","userId":"1""#)];
        let deliveries = sorted(&source(), &events, &Request::default());
        let rejected: Vec<_> = deliveries.rejections.iter().map(|r| (r.index, r.code)).collect();
        assert_eq!(rejected, [(1, Code::NoIdentity), (2, Code::Invalid)]);
        assert!(deliveries.rejections.iter().all(|r| r.pointer.starts_with(&format!("/batch/{}", r.index))));
        assert_eq!(deliveries.by_visitor.len(), 2);
    }

    #[test]
    fn events_without_an_id_get_one_that_is_theirs() {
        let events = [event(r#","anonymousId":"1""#), event(r#","anonymousId":"1","messageId":"m""#)];
        let request = Request { nonce: "n".to_owned(), ..Request::default() };
        let deliveries = sorted(&source(), &events, &request);
        let ids: Vec<_> = deliveries.by_visitor.values().flat_map(|d| &d.events).map(|(_, e)| &*e.id).collect();
        assert_eq!(ids, ["n-0", "m"]);
    }

    #[test]
    fn bots_are_judged_by_the_visitors_own_user_agent() {
        let crawler = r#","anonymousId":"1","context":{"userAgent":"Googlebot/2.1"}"#;
        let person = r#","anonymousId":"1""#;
        let bot = Some(Bot::Crawler("googlebot"));
        let codes = |sender: &Sender, bot| {
            let request = Request { bot, ..Request::default() };
            let deliveries = sorted(sender, &[event(crawler), event(person)], &request);
            assert!(deliveries.rejections.iter().all(|r| r.pointer == format!("/batch/{}", r.index)));
            deliveries.rejections.iter().map(|r| (r.index, r.code)).collect::<Vec<_>>()
        };
        assert_eq!(codes(&source(), bot), [(0, Code::Bot)]);
        let public = Sender::Public(SiteId::parse("demo").unwrap());
        assert_eq!(codes(&public, bot), [(0, Code::Bot), (1, Code::Bot)]);
        assert_eq!(codes(&public, None), []);
    }
}
