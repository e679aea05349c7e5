//! Reads a schedule from its document.

use super::{Hours, LocalTime, MINUTES_OF_DAY, Schedule, Zone};
use crate::engine::rules::reader::{Reader, below};
use crate::engine::tree::closest;
use footfall_protocol::limits::{SCHEDULE_HOURS_MAX, cut};
use footfall_protocol::{Object, Value};
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{TimeZone, TimeZoneDatabase};

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
/// Years that a local time may have: far from where dates end, so that every one of them is a moment.
const YEARS: std::ops::RangeInclusive<i16> = 1970..=2999;

/// Reads the member `schedule` of a rule; faults go to the reader.
pub(in crate::engine::rules) fn schedule(value: &Value, reader: &mut Reader) -> Schedule {
    const KNOWN: [&str; 5] = ["from", "until", "days", "hours", "time_zone"];
    let Some(object) = reader.object(value, "/schedule", &KNOWN) else { return Schedule::default() };
    let from = local_time(object, "from", reader);
    let until = local_time(object, "until", reader);
    if let (Some(from), Some(until)) = (from, until)
        && until <= from
    {
        reader.fault("/schedule/until", "out_of_range", "ends no later than it begins; `until` must be after `from`");
    }
    let days = texts(object.get("days"), "/schedule/days", DAYS.len(), reader);
    let days = days.iter().fold(0, |days, (at, text)| days | day(text, at, reader));
    let hours = texts(object.get("hours"), "/schedule/hours", SCHEDULE_HOURS_MAX, reader);
    let hours = hours.iter().filter_map(|(at, text)| hours_of(text, at, reader)).collect();
    let zone = object.get("time_zone").map(|value| zone(value, reader)).unwrap_or_default();
    Schedule { from, until, days, hours, zone }
}

fn local_time(object: &Object, key: &str, reader: &mut Reader) -> Option<LocalTime> {
    let value = object.get(key)?;
    let at = below("/schedule", key);
    let wall = value.as_str().and_then(wall).filter(|wall| YEARS.contains(&wall.year()));
    let time = wall.and_then(|wall| Some(LocalTime(TimeZone::UTC.to_timestamp(wall).ok()?.as_second())));
    if time.is_none() {
        let message = "wants a local time from 1970 to 2999 such as \"2026-11-27T00:00\", without a zone: \
                       the zone is `time_zone`";
        reader.fault(&at, "invalid", message);
    }
    time
}

/// A date and time such as `2026-11-27T00:00`, with or without seconds. Read by hand: the library's parser reads far more
/// forms, and its code would weigh more than the zones.
fn wall(text: &str) -> Option<DateTime> {
    let (date, time) = text.split_once('T')?;
    let mut dates = date.splitn(3, '-');
    let (year, month, day) = (digits(dates.next()?, 4)?, digits(dates.next()?, 2)?, digits(dates.next()?, 2)?);
    let mut times = time.splitn(3, ':');
    let (hour, minute) = (digits(times.next()?, 2)?, digits(times.next()?, 2)?);
    let second = times.next().map_or(Some(0), |second| digits(second, 2))?;
    let small = |number: u16| i8::try_from(number).ok();
    let date = Date::new(i16::try_from(year).ok()?, small(month)?, small(day)?).ok()?;
    Some(date.to_datetime(Time::new(small(hour)?, small(minute)?, small(second)?, 0).ok()?))
}

/// A whole number of so many digits.
fn digits(text: &str, count: usize) -> Option<u16> {
    text.parse().ok().filter(|_| text.len() == count && text.bytes().all(|b| b.is_ascii_digit()))
}

/// An array of texts, each with its pointer.
fn texts<'a>(value: Option<&'a Value>, pointer: &str, max: usize, reader: &mut Reader) -> Vec<(String, &'a str)> {
    let Some(value) = value else { return Vec::new() };
    let list = value.as_array().unwrap_or_default();
    if list.is_empty() || list.len() > max {
        reader.fault(pointer, "invalid", format!("wants an array of 1 to {max} texts"));
    }
    let mut found = Vec::new();
    for (index, item) in list.iter().take(max).enumerate() {
        let at = below(pointer, &index.to_string());
        match item.as_str() {
            Some(text) => found.push((at, text)),
            None => reader.fault(&at, "invalid", format!("wants a string, not {}", item.type_name())),
        }
    }
    found
}

fn day(text: &str, pointer: &str, reader: &mut Reader) -> u8 {
    let place = DAYS.iter().position(|day| *day == text);
    if place.is_none() {
        reader.fault(pointer, "invalid", format!("`{}` is no day; there are: {}", cut(text, 32), DAYS.join(", ")));
    }
    place.map_or(0, |place| 1 << place)
}

fn hours_of(text: &str, pointer: &str, reader: &mut Reader) -> Option<Hours> {
    let minute = |text: &str| -> Option<u16> {
        let (hours, minutes) = text.split_once(':')?;
        let (hours, minutes) = (digits(hours, 2)?, digits(minutes, 2)?);
        Some(hours * 60 + minutes).filter(|whole| minutes < 60 && *whole <= MINUTES_OF_DAY)
    };
    let pair = text.split_once('-').and_then(|(from, until)| Some((minute(from)?, minute(until)?)));
    match pair {
        Some((from_minute, until_minute)) if from_minute < MINUTES_OF_DAY && from_minute != until_minute => {
            // The day's end and the next day's beginning are one moment.
            Some(Hours { from_minute, until_minute: if until_minute == 0 { MINUTES_OF_DAY } else { until_minute } })
        }
        _ => {
            let message = "wants hours such as \"09:00-17:30\", over midnight \"22:00-02:00\", all day \"00:00-24:00\"";
            reader.fault(pointer, "invalid", message);
            None
        }
    }
}

fn zone(value: &Value, reader: &mut Reader) -> Zone {
    let name = value.as_str().unwrap_or_default();
    match name {
        "visitor" => return Zone::Visitor,
        "UTC" => return Zone::Utc,
        _ => {}
    }
    let database = TimeZoneDatabase::bundled();
    let names: Vec<_> = database.available().collect();
    if names.iter().any(|known| known.as_str() == name) {
        return Zone::Named(name.to_owned());
    }
    let meant = closest(name, names.iter().map(jiff::tz::TimeZoneName::as_str).chain(["visitor"]));
    let advice = meant.map_or_else(
        || "write an IANA name such as \"Europe/Berlin\", or \"visitor\"".to_owned(),
        |meant| format!("did you mean `{meant}`?"),
    );
    reader.fault("/schedule/time_zone", "unknown_zone", format!("`{}` is no time zone; {advice}", cut(name, 64)));
    Zone::Utc
}
