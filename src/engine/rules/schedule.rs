//! The schedule of a rule: when it may fire, in local time.
//!
//! The zones are compiled in, so that the same rules at the same time give the same answer wherever the engine runs.

mod read;

use footfall_protocol::Millis;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};
use serde::{Deserialize, Serialize};

pub(super) use read::schedule;

/// When a rule may fire. Without members: always.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// Not before this local time.
    pub from: Option<LocalTime>,
    /// Before this local time only.
    pub until: Option<LocalTime>,
    /// On the days whose bit is set, bit 0 for Monday; on any when none is.
    pub days: u8,
    /// In these parts of a day; in all of it when empty.
    pub hours: Vec<Hours>,
    /// Whose clock counts.
    pub zone: Zone,
}

/// A time as a wall clock shows it, in seconds as if it were UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LocalTime(i64);

/// A part of a day, in minutes since its midnight. When it ends no later than it begins, it ends on the next day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hours {
    /// The first minute in it, 0 to 1,439.
    pub from_minute: u16,
    /// The first minute after it, 1 to 1,440.
    pub until_minute: u16,
}

/// Whose clock counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Zone {
    /// Universal time.
    #[default]
    Utc,
    /// The visitor's own time zone; universal time where it is not known.
    Visitor,
    /// This IANA time zone; `compile` has checked that there is such a one.
    Named(String),
}

const WHOLE_DAY: Hours = Hours { from_minute: 0, until_minute: MINUTES_OF_DAY };
const MINUTES_OF_DAY: u16 = 24 * 60;

impl Schedule {
    /// Whether a rule may fire now; `visitor_zone` is the visitor's own time zone, where it is known.
    pub fn holds(&self, now: Millis, visitor_zone: Option<&str>) -> bool {
        let zone = match &self.zone {
            Zone::Utc => None,
            Zone::Visitor => visitor_zone,
            Zone::Named(name) => Some(name.as_str()),
        };
        let zone = zone.and_then(find).unwrap_or(TimeZone::UTC);
        let Ok(now) = i64::try_from(now).map_or(Err(()), |ms| Timestamp::from_millisecond(ms).map_err(drop)) else {
            return false;
        };
        let over = |time: Option<LocalTime>| time.and_then(LocalTime::wall).map(|wall| now >= moment(&zone, wall));
        if over(self.from) == Some(false) || over(self.until) == Some(true) {
            return false;
        }
        if self.days == 0 && self.hours.is_empty() {
            return true;
        }
        // Yesterday's hours may go on today; where the clock is set back over midnight, tomorrow has begun already.
        let today = zone.to_datetime(now).date();
        let days = [today.yesterday().ok(), Some(today), today.tomorrow().ok()].into_iter().flatten();
        days.filter(|day| self.has(*day)).any(|day| self.hours_or_all().iter().any(|hours| hours.has(day, &zone, now)))
    }

    fn has(&self, day: Date) -> bool {
        self.days == 0 || self.days & (1 << day.weekday().to_monday_zero_offset()) != 0
    }

    fn hours_or_all(&self) -> &[Hours] {
        if self.hours.is_empty() { &[WHOLE_DAY] } else { &self.hours }
    }
}

impl LocalTime {
    fn wall(self) -> Option<DateTime> {
        Some(TimeZone::UTC.to_datetime(Timestamp::from_second(self.0).ok()?))
    }
}

impl Hours {
    /// Whether the part of this day has the moment.
    fn has(self, day: Date, zone: &TimeZone, now: Timestamp) -> bool {
        let overnight = self.until_minute <= self.from_minute;
        let last = if overnight { day.tomorrow().ok() } else { Some(day) };
        let (Some(from), Some(until)) = (at(day, self.from_minute), last.and_then(|day| at(day, self.until_minute)))
        else {
            return false;
        };
        moment(zone, from) <= now && now < moment(zone, until)
    }
}

/// So many minutes after a day's midnight by the wall clock, 0 to 1,440.
fn at(day: Date, minute: u16) -> Option<DateTime> {
    let day = if minute < MINUTES_OF_DAY { day } else { day.tomorrow().ok()? };
    let minute = i8::try_from(minute % 60).ok().zip(i8::try_from(minute / 60 % 24).ok());
    minute.and_then(|(minute, hour)| Some(day.to_datetime(Time::new(hour, minute, 0, 0).ok()?)))
}

/// When a wall clock there first shows this time, or would: a time that it skips is the moment after the gap, and of one
/// that it shows twice the first counts.
fn moment(zone: &TimeZone, wall: DateTime) -> Timestamp {
    let at = |offset: jiff::tz::Offset| offset.to_timestamp(wall).unwrap_or(Timestamp::MAX);
    match zone.to_ambiguous_timestamp(wall).offset() {
        AmbiguousOffset::Unambiguous { offset } => at(offset),
        AmbiguousOffset::Fold { before, .. } => at(before),
        // Read with the offset that comes after it, the time lies before the change of the clock.
        AmbiguousOffset::Gap { before, after } => {
            zone.following(at(after)).next().map_or_else(|| at(before), |change| change.timestamp())
        }
    }
}

fn find(name: &str) -> Option<TimeZone> {
    TimeZoneDatabase::bundled().get(name).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::rules::reader::Reader;

    fn compiled(text: &str) -> Schedule {
        let mut reader = Reader::default();
        let schedule = schedule(&serde_json::from_str(text).unwrap(), &mut reader);
        assert_eq!(reader.faults, []);
        schedule
    }

    /// Milliseconds since the epoch of a moment such as `2026-03-29T01:00:00Z`.
    fn ms(text: &str) -> u64 {
        u64::try_from(text.parse::<Timestamp>().unwrap().as_millisecond()).unwrap()
    }

    /// The schedule opens and closes at exactly these moments, looked at every millisecond around them.
    fn opens_and_closes(schedule: &str, visitor: Option<&str>, spans: &[(&str, &str)]) {
        let compiled = compiled(schedule);
        for (from, until) in spans {
            let found = [ms(from) - 1, ms(from), ms(until) - 1, ms(until)].map(|now| compiled.holds(now, visitor));
            assert_eq!(found, [false, true, true, false], "{schedule} from {from} until {until}");
        }
    }

    #[test]
    fn local_times_follow_the_clock_of_the_zone() {
        let hours = |zone: &str, hours: &str| format!(r#"{{"hours": ["{hours}"], "time_zone": "{zone}"}}"#);
        // Winter and summer.
        opens_and_closes(
            &hours("Europe/Berlin", "09:00-17:30"),
            None,
            &[("2026-01-15T08:00:00Z", "2026-01-15T16:30:00Z"), ("2026-07-15T07:00:00Z", "2026-07-15T15:30:00Z")],
        );
        opens_and_closes(
            &hours("America/New_York", "09:00-17:30"),
            None,
            &[("2026-03-06T14:00:00Z", "2026-03-06T22:30:00Z"), ("2026-03-09T13:00:00Z", "2026-03-09T21:30:00Z")],
        );
        opens_and_closes(
            &hours("Asia/Kolkata", "09:00-17:30"),
            None,
            &[("2026-07-15T03:30:00Z", "2026-07-15T12:00:00Z")],
        );
        // Far beyond the table of changes the rule at its end goes on.
        opens_and_closes(
            &hours("Europe/Berlin", "09:00-17:30"),
            None,
            &[("2150-01-15T08:00:00Z", "2150-01-15T16:30:00Z"), ("2150-07-15T07:00:00Z", "2150-07-15T15:30:00Z")],
        );
    }

    #[test]
    fn a_time_that_the_clock_skips_is_the_moment_after_the_gap() {
        // Berlin goes from 02:00 to 03:00 at 01:00Z, New York from 02:00 to 03:00 at 07:00Z.
        opens_and_closes(
            r#"{"from": "2026-03-29T02:30", "until": "2026-03-29T04:00", "time_zone": "Europe/Berlin"}"#,
            None,
            &[("2026-03-29T01:00:00Z", "2026-03-29T02:00:00Z")],
        );
        opens_and_closes(
            r#"{"hours": ["01:30-02:30"], "time_zone": "Europe/Berlin"}"#,
            None,
            &[("2026-03-29T00:30:00Z", "2026-03-29T01:00:00Z")],
        );
        let skipped = compiled(r#"{"hours": ["02:00-03:00"], "time_zone": "America/New_York"}"#);
        let minutes = (0..30 * 60).map(|minute| ms("2026-03-08T00:00:00Z") + minute * 60_000);
        assert!(minutes.into_iter().all(|now| !skipped.holds(now, None)), "it has no such hour on that day");
        // Lord Howe Island skips half an hour: 02:00 to 02:30 at 15:30Z the day before.
        opens_and_closes(
            r#"{"hours": ["02:10-03:00"], "time_zone": "Australia/Lord_Howe"}"#,
            None,
            &[("2026-10-03T15:30:00Z", "2026-10-03T16:00:00Z")],
        );
    }

    #[test]
    fn of_a_time_that_comes_twice_the_first_counts() {
        // Berlin goes back from 03:00 to 02:00 at 01:00Z.
        opens_and_closes(
            r#"{"from": "2026-10-25T02:30", "until": "2026-10-25T03:00", "time_zone": "Europe/Berlin"}"#,
            None,
            &[("2026-10-25T00:30:00Z", "2026-10-25T02:00:00Z")],
        );
        opens_and_closes(
            r#"{"hours": ["02:00-02:45"], "time_zone": "Europe/Berlin"}"#,
            None,
            &[("2026-10-25T00:00:00Z", "2026-10-25T00:45:00Z")],
        );
        opens_and_closes(
            r#"{"hours": ["01:00-02:00"], "time_zone": "America/New_York"}"#,
            None,
            &[("2026-11-01T05:00:00Z", "2026-11-01T07:00:00Z")],
        );
        // Half an hour back from 02:00 to 01:30 at 15:00Z the day before.
        opens_and_closes(
            r#"{"hours": ["01:30-02:00"], "time_zone": "Australia/Lord_Howe"}"#,
            None,
            &[("2026-04-04T14:30:00Z", "2026-04-04T15:30:00Z")],
        );
    }

    #[test]
    fn hours_over_midnight_belong_to_the_day_they_begin_on() {
        let schedule = r#"{"days": ["fri"], "hours": ["09:00-12:00", "22:00-02:00"], "time_zone": "Europe/Berlin"}"#;
        opens_and_closes(
            schedule,
            None,
            &[("2026-11-27T08:00:00Z", "2026-11-27T11:00:00Z"), ("2026-11-27T21:00:00Z", "2026-11-28T01:00:00Z")],
        );
        let friday = compiled(schedule);
        // Thursday night goes on in Friday's first hours, and is not Friday's.
        assert!(!friday.holds(ms("2026-11-27T00:00:00Z"), None) && !friday.holds(ms("2026-11-28T21:30:00Z"), None));
        opens_and_closes(r#"{"hours": ["22:00-00:00"]}"#, None, &[("2026-11-27T22:00:00Z", "2026-11-28T00:00:00Z")]);
        // The night in which an hour comes twice is an hour longer.
        opens_and_closes(
            r#"{"hours": ["22:00-06:00"], "time_zone": "Europe/Berlin"}"#,
            None,
            &[("2026-10-24T20:00:00Z", "2026-10-25T05:00:00Z")],
        );
    }

    #[test]
    fn days_are_those_of_the_zone_from_midnight_to_midnight() {
        opens_and_closes(
            r#"{"days": ["sat", "sun"], "time_zone": "Pacific/Auckland"}"#,
            None,
            &[("2026-11-27T11:00:00Z", "2026-11-29T11:00:00Z")],
        );
        // Beirut's clock skips midnight: the day begins at one o'clock. Asuncion's, in 2023, came back over it.
        opens_and_closes(
            r#"{"days": ["sun"], "time_zone": "Asia/Beirut"}"#,
            None,
            &[("2026-03-28T22:00:00Z", "2026-03-29T21:00:00Z")],
        );
        opens_and_closes(
            r#"{"days": ["sat"], "time_zone": "America/Asuncion"}"#,
            None,
            &[("2023-03-25T03:00:00Z", "2023-03-26T04:00:00Z")],
        );
    }

    #[test]
    fn the_visitors_own_zone_counts_where_it_is_known() {
        let schedule = r#"{"hours": ["20:00-22:00"], "time_zone": "visitor"}"#;
        opens_and_closes(schedule, Some("America/New_York"), &[("2026-07-02T00:00:00Z", "2026-07-02T02:00:00Z")]);
        opens_and_closes(schedule, Some("Asia/Tokyo"), &[("2026-07-01T11:00:00Z", "2026-07-01T13:00:00Z")]);
        for unknown in [None, Some(""), Some("Mars/Olympus")] {
            opens_and_closes(schedule, unknown, &[("2026-07-01T20:00:00Z", "2026-07-01T22:00:00Z")]);
        }
    }

    #[test]
    fn a_schedule_without_members_is_always_open() {
        let always = compiled("{}");
        assert!(
            [0, 1, ms("2026-07-01T20:00:00Z"), u64::MAX / 2_000_000].into_iter().all(|now| always.holds(now, None))
        );
        let zones = TimeZoneDatabase::bundled().available().count();
        assert!(zones > 590, "the whole database is compiled in: {zones}");
    }
}
