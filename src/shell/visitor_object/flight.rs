//! Records on their way from the outbox to the queues of the site's sinks: packed into messages, sent, and reported to the engine.

use super::Object;
use super::sockets::{Attachment, Stage};
use super::store::{Store, unreadable};
use super::turn::Departures;
use crate::engine::{Input, Share, Visitor};
use crate::shell::{clock, sinks};
use crate::sinks::Sink;
use crate::sinks::message::{self, Body};
use footfall_protocol::ids::SiteId;
use std::cell::Cell;
use std::rc::Rc;
use uuid::Uuid;
use worker::{Result, console_error};

/// Messages that are to be sent.
pub(super) struct Flight {
    everything: Parcel,
    /// What goes instead to sinks that have some of the records already, by their names.
    ahead: Vec<(String, Parcel)>,
    /// Whose records they are: a visitor that was deleted meanwhile is not told.
    incarnation: Uuid,
    /// Whether somebody is there: then the report may be written with what comes next, instead of by itself.
    busy: bool,
}

/// Messages for a sink, and the last record in them.
struct Parcel {
    messages: Vec<Body>,
    through: u64,
}

impl Flight {
    fn parcel(&self, sink: Sink) -> &Parcel {
        self.ahead.iter().find(|(name, _)| name == sink.as_str()).map_or(&self.everything, |(_, parcel)| parcel)
    }

    /// The messages that the database's queue took.
    fn for_database(self) -> Vec<Body> {
        let own = self.ahead.into_iter().find(|(name, _)| name == Sink::D1.as_str());
        own.map_or(self.everything, |(_, parcel)| parcel).messages
    }
}

/// Packs what a flush brings to every sink, and to those that are ahead.
pub(super) fn pack(
    whose: &(SiteId, Uuid),
    visitor: &Visitor,
    store: &Store,
    (everything, ahead): (Share, &[Share]),
    busy: bool,
) -> Result<Flight> {
    let parcel = |share: &Share| parcel(whose, visitor, store, share);
    Ok(Flight {
        everything: parcel(&everything)?,
        ahead: ahead.iter().map(|share| Ok((share.sink.clone(), parcel(share)?))).collect::<Result<_>>()?,
        incarnation: visitor.incarnation(),
        busy: busy && ahead.is_empty() && everything.pages.is_empty(),
    })
}

/// Packs records into messages, those of cold pages first and then the hot ones.
fn parcel(whose: &(SiteId, Uuid), visitor: &Visitor, store: &Store, share: &Share) -> Result<Parcel> {
    let pages = store.pages(&share.pages)?;
    let cold = pages.iter().map(|page| Visitor::split_page(page).map_err(unreadable)).collect::<Result<Vec<_>>>()?;
    let records = cold.into_iter().flatten().chain(visitor.packed_records_after(share.after));
    let wanted = records.filter(|record| record.seq > share.after && record.seq <= share.through);
    let messages = message::pack(whose.0.as_str(), whose.1, visitor.incarnation(), wanted);
    Ok(Parcel { messages, through: share.through })
}

impl Object {
    /// Sends, and tells the engine how it went; what has become due in between goes along. One flight at a time.
    pub(super) async fn fly(self: Rc<Self>, first: Flight) {
        if self.flying.replace(true) {
            return;
        }
        let _landed = Landed(&self.flying);
        let mut next = Some(first);
        while let Some(flight) = next.take() {
            let (sinks, outcome) = self.send_records(&flight).await.unwrap_or_else(|error| (Vec::new(), Err(error)));
            let taken = sinks.iter().map(|sink| (sink.as_str().to_owned(), flight.parcel(*sink).through)).collect();
            let (incarnation, through) = (flight.incarnation, flight.everything.through);
            // How far each queue has come is kept at once when one refuses: the others are not to get it again.
            let busy = flight.busy && outcome.is_ok();
            // Of a life that is over, by an erasure for one, nothing is to be remembered.
            if sinks.contains(&Sink::D1) && self.is_still(incarnation).unwrap_or(false) {
                self.sent.borrow_mut().keep(flight.for_database(), clock::now());
            }
            let input = match outcome {
                Ok(()) => Input::Flushed { through, taken },
                Err(error) => {
                    console_error!("fault: a queue does not take records: {error}");
                    Input::FlushFailed { taken }
                }
            };
            match self.report(input, incarnation, busy).await {
                Ok(more) => next = more,
                // The engine takes a flight without a report for lost, and begins again later: sinks know repeats.
                Err(error) => console_error!("fault after a flush: {error}"),
            }
        }
    }

    async fn send_records(&self, flight: &Flight) -> Result<(Vec<Sink>, Result<()>)> {
        let (site, visitor) = self.whose()?;
        sinks::send_to_all(&self.env, site, *visitor, |sink| &flight.parcel(sink).messages).await
    }

    async fn report(self: &Rc<Self>, input: Input, incarnation: Uuid, busy: bool) -> Result<Option<Flight>> {
        let config = self.config().await?;
        if !self.is_still(incarnation)? {
            return Ok(None);
        }
        let through = if let (true, Input::Flushed { through, .. }) = (busy, &input) { Some(*through) } else { None };
        let noted = through.is_some_and(|through| self.note_flushed(incarnation, through));
        let turned = self.turn_within(input, &config, noted)?;
        let Departures { flight, letters } = self.settle(turned, &config).await?.1;
        if !letters.is_empty() {
            self.state.wait_until(Rc::clone(self).post(letters));
        }
        Ok(flight)
    }
}

impl Object {
    /// Keeps at a socket what the queues have taken: that outlives the object's sleep and costs no row. Says whether there is
    /// such a socket.
    fn note_flushed(&self, incarnation: Uuid, through: u64) -> bool {
        self.state.get_websockets().iter().any(|socket| {
            let attachment = Attachment::of(socket).filter(|kept| matches!(kept.stage, Stage::Greeted { .. }));
            let flushed = Some((incarnation, through));
            attachment.is_some_and(|attachment| Attachment { flushed, ..attachment }.keep(socket).is_ok())
        })
    }

    /// What became of a flush of which the disk tells, for a visitor that was read from there: its report may have been noted,
    /// and one that this instance has not under way died with an earlier one.
    pub(super) fn recall_flushed(&self, visitor: &mut Visitor) {
        if visitor.awaits_flush() {
            let life = visitor.incarnation();
            let sockets = self.state.get_websockets();
            let noted = sockets.iter().filter_map(|socket| Attachment::of(socket)?.flushed);
            noted.filter(|(of, _)| *of == life).for_each(|(_, through)| visitor.recall_flush(through));
        }
        if !self.flying.get() {
            visitor.lose_flight();
        }
    }
}

/// Says that the flight is over, however it ended.
struct Landed<'a>(&'a Cell<bool>);

impl Drop for Landed<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}
