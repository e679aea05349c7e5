//! The stored visitor: versioned sections of postcard in one hot row, with what outgrows it in cold pages.
//!
//! The first byte is the version of this frame. Each section has a tag and a version of its own. A section's fields are
//! only ever appended, and readers ignore what follows the fields they know and sections they do not know: so the
//! release before the one that wrote a snapshot can read it, and a roll-back is safe.

use super::dedupe::fnv1a;
use super::outbox::Outbox;
use super::{Core, Segments, Visitor, at_once};
use footfall_protocol::limits::HOT_BYTES_MAX;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Version of the frame: first byte of every snapshot.
const FRAME_VERSION: u8 = 1;

/// What a commit writes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// The hot row: rewritten with every commit.
    pub hot: Vec<u8>,
    /// Cold pages by number (below 16): written only when their bytes change.
    pub cold: Vec<(u64, Vec<u8>)>,
}

/// A hot row as far as it is read before the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outline {
    /// How long it is: who keeps it may have filled it up.
    pub bytes: usize,
    /// The cold pages that it refers to, in their order.
    pub cold: Vec<u64>,
}

/// Why a snapshot cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// It was written by a release that this one does not know.
    #[error("version {0} is not known to this release")]
    Version(u8),
    /// It is damaged, or a section is missing.
    #[error("section {0} is missing or cannot be read")]
    Section(u64),
}

/// One section as it is stored.
#[derive(Serialize, Deserialize)]
struct Section<'a> {
    tag: u64,
    version: u8,
    #[serde(borrow)]
    body: Body<'a>,
}

#[derive(Serialize, Deserialize)]
enum Body<'a> {
    Here(#[serde(borrow, serialize_with = "at_once::serialize")] &'a [u8]),
    /// In the cold page of the section's tag; the hash makes the hot row change with it.
    Cold(u64),
}

/// A section's type with its tag and present version.
trait Kept: Serialize + DeserializeOwned {
    const TAG: u64;
    const VERSION: u8;
    /// Reads a section that this release, an earlier or a later one wrote.
    fn read(version: u8, bytes: &[u8]) -> Option<Self> {
        // A later version only has more fields at the end, which this release does not need. An earlier one lacks fields
        // at the end: zeros are read as 0, none, and empty, which is what they begin with.
        let padded = (version < Self::VERSION).then(|| [bytes, &[0; LACKING_BYTES_MAX]].concat());
        postcard::take_from_bytes(padded.as_deref().unwrap_or(bytes)).ok().map(|(value, _)| value)
    }
    /// Appends the section's bytes.
    fn write(&self, to: Vec<u8>) -> Vec<u8> {
        postcard::to_extend(self, to).expect("state is plain data")
    }
    /// What it is where there is no such section: with an earlier release, or when it is left out because it is empty.
    fn missing() -> Option<Self> {
        None
    }
}

/// More bytes than all fields together that were ever added to one section, as they are when empty.
const LACKING_BYTES_MAX: usize = 32;

macro_rules! kept {
    ($($type:ty => $tag:literal v $version:literal),* $(,)?) => {
        $(impl Kept for $type { const TAG: u64 = $tag; const VERSION: u8 = $version; })*
    };
    // Sections that came later: left out while they are as new.
    (later $($type:ty => $tag:literal v $version:literal),* $(,)?) => {
        $(impl Kept for $type {
            const TAG: u64 = $tag;
            const VERSION: u8 = $version;
            fn missing() -> Option<Self> {
                Some(Self::default())
            }
        })*
    };
}
kept! {
    Core => 1 v 1,
    super::session::Tabs => 2 v 1,
    super::dwell::Dwells => 3 v 2,
    super::cart::Cart => 4 v 1,
    super::profile::Profile => 5 v 1,
    super::firings::Firings => 6 v 2,
    super::mailbox::Mailbox => 7 v 2,
    super::dedupe::Dedupe => 9 v 1,
    Segments => 10 v 1,
}
impl Kept for Outbox {
    const TAG: u64 = 8;
    const VERSION: u8 = 2;
    fn write(&self, to: Vec<u8>) -> Vec<u8> {
        self.write(to)
    }
}
kept! { later
    super::partials::Partials => 11 v 1,
    super::starts::Starts => 12 v 1,
    super::lapse::Lapses => 13 v 1,
    super::identity::Identity => 14 v 2,
    super::rate::Windows => 15 v 1,
    super::consent::Withdrawn => 16 v 1,
}

/// The sections that may go to a cold page, the first to go first: those that change seldom.
const MAY_BE_COLD: [u64; 12] = [
    <super::profile::Profile as Kept>::TAG,
    <Segments as Kept>::TAG,
    <super::identity::Identity as Kept>::TAG,
    <super::mailbox::Mailbox as Kept>::TAG,
    <super::cart::Cart as Kept>::TAG,
    <super::firings::Firings as Kept>::TAG,
    <super::starts::Starts as Kept>::TAG,
    <super::partials::Partials as Kept>::TAG,
    <super::session::Tabs as Kept>::TAG,
    <super::dwell::Dwells as Kept>::TAG,
    <super::rate::Windows as Kept>::TAG,
    <Outbox as Kept>::TAG,
];

impl Visitor {
    /// The visitor as it is stored.
    pub fn snapshot(&self) -> Stored {
        let mut bodies = Bodies::with_room_for(self.outbox.hot_bytes());
        bodies.add(&self.segments);
        bodies.add(&self.firings);
        bodies.add(&self.mailbox);
        bodies.add(&self.cart);
        if !self.withdrawn.is_new() {
            bodies.add(&self.withdrawn);
        }
        let still = bodies.ends.len();
        bodies.add(&self.core);
        bodies.add(&self.tabs);
        bodies.add(&self.dwells);
        bodies.add(&self.profile);
        bodies.add(&self.dedupe);
        if !self.partials.is_new() {
            bodies.add(&self.partials);
        }
        if !self.starts.is_new() {
            bodies.add(&self.starts);
        }
        if !self.lapses.is_new() {
            bodies.add(&self.lapses);
        }
        if !self.identity.is_new() {
            bodies.add(&self.identity);
        }
        if !self.rates.is_new() {
            bodies.add(&self.rates);
        }
        bodies.add(&self.outbox);
        let mut sections = bodies.sections();
        let mut hot = frame(&sections, still);
        let mut cold = Vec::new();
        for tag in MAY_BE_COLD {
            // Records that wait have a bound of their own: no section comes and goes with them.
            if hot.len() <= HOT_BYTES_MAX + self.outbox.hot_bytes() {
                break;
            }
            for section in sections.iter_mut().filter(|section| section.tag == tag) {
                if let Body::Here(bytes) = section.body {
                    section.body = Body::Cold(fnv1a(bytes));
                    cold.push((tag, bytes.to_vec()));
                }
            }
            hot = frame(&sections, still);
        }
        cold.sort_by_key(|(page, _)| *page);
        Stored { hot, cold }
    }

    /// Reads a stored visitor of this or an earlier version.
    ///
    /// # Errors
    /// When the frame is of a later version, or a section is missing or damaged.
    pub fn load(stored: &Stored) -> Result<Self, SnapshotError> {
        let (sections, _) = sections(&stored.hot)?;
        let from = Source { sections: &sections, stored };
        Ok(Self {
            core: from.read()?,
            segments: from.read()?,
            tabs: from.read()?,
            dwells: from.read()?,
            partials: from.read()?,
            cart: from.read()?,
            profile: from.read()?,
            identity: from.read()?,
            firings: from.read()?,
            starts: from.read()?,
            lapses: from.read()?,
            mailbox: from.read()?,
            outbox: from.read()?,
            dedupe: from.read()?,
            rates: from.read()?,
            withdrawn: from.read()?,
        })
    }

    /// What has to be known of a hot row before [`Visitor::load`].
    ///
    /// # Errors
    /// As [`Visitor::load`].
    pub fn outline(hot: &[u8]) -> Result<Outline, SnapshotError> {
        let (sections, rest) = sections(hot)?;
        let mut cold: Vec<u64> = sections.iter().filter(|s| matches!(s.body, Body::Cold(_))).map(|s| s.tag).collect();
        cold.sort_unstable();
        Ok(Outline { bytes: hot.len() - rest.len(), cold })
    }
}

/// The sections of a hot row, and what follows them.
fn sections(hot: &[u8]) -> Result<(Vec<Section<'_>>, &[u8]), SnapshotError> {
    match hot.split_first() {
        Some((&FRAME_VERSION, rest)) => postcard::take_from_bytes(rest).map_err(|_| SnapshotError::Section(0)),
        Some((&version, _)) => Err(SnapshotError::Version(version)),
        None => Err(SnapshotError::Section(0)),
    }
}

struct Source<'a> {
    sections: &'a [Section<'a>],
    stored: &'a Stored,
}

impl Source<'_> {
    fn read<T: Kept>(&self) -> Result<T, SnapshotError> {
        let missing = SnapshotError::Section(T::TAG);
        let Some(section) = self.sections.iter().find(|section| section.tag == T::TAG) else {
            return T::missing().ok_or(missing);
        };
        let bytes = match &section.body {
            Body::Here(bytes) => *bytes,
            Body::Cold(hash) => {
                let page = self.stored.cold.iter().find(|(page, _)| *page == T::TAG).map(|(_, bytes)| bytes);
                page.filter(|bytes| fnv1a(bytes) == *hash).ok_or(missing)?
            }
        };
        T::read(section.version, bytes).ok_or(missing)
    }
}

/// The bytes of sections, one after the other.
struct Bodies {
    bytes: Vec<u8>,
    /// Tag and version of each, and where it ends.
    ends: Vec<(u64, u8, usize)>,
}

impl Bodies {
    /// None yet, with room for what most visitors have besides their records.
    fn with_room_for(records: usize) -> Self {
        Self { bytes: Vec::with_capacity(records + 4_096), ends: Vec::with_capacity(16) }
    }

    fn add<T: Kept>(&mut self, value: &T) {
        self.bytes = value.write(std::mem::take(&mut self.bytes));
        self.ends.push((T::TAG, T::VERSION, self.bytes.len()));
    }

    fn sections(&self) -> Vec<Section<'_>> {
        let mut begin = 0;
        let section = |(tag, version, end): &(u64, u8, usize)| {
            let body = Body::Here(&self.bytes[begin..*end]);
            begin = *end;
            Section { tag: *tag, version: *version, body }
        };
        self.ends.iter().map(section).collect()
    }
}

/// A section of zeros, which readers ignore.
const FILLER: u64 = 0;
/// Where the sections begin that nearly every event changes. A disk writes pages, and those only whose bytes are others.
/// The first 489 bytes of a long value stand on the page of its key (SQLite's file format, 1.6), with what changes seldom:
/// most events then leave that page as it is.
const MOVING_AT: usize = 512;
/// Records begin at a multiple of so many bytes: those that wait stay where they are while the state before them grows a
/// little.
const RECORDS_AT: usize = 1_024;
/// The fewest zeros, so that their number has two bytes always and the filler five bytes besides.
const ZEROS_MIN: usize = 128;
const ZEROS: [u8; ZEROS_MIN + RECORDS_AT] = [0; ZEROS_MIN + RECORDS_AT];

/// The sections as they are stored: first so many that seldom change, then the others, and the last of them (the records).
fn frame(sections: &[Section<'_>], still: usize) -> Vec<u8> {
    let size = |section: &Section<'_>| if let Body::Here(bytes) = &section.body { bytes.len() + 8 } else { 16 };
    let size = sections.iter().map(size).sum::<usize>() + MOVING_AT + RECORDS_AT + ZEROS_MIN;
    let mut begin = Vec::with_capacity(size);
    begin.push(FRAME_VERSION);
    let (records, state) = sections.split_last().expect("there always are sections");
    let (still, moving) = state.split_at(still);
    let add = |bytes, sections: &[Section<'_>]| sections.iter().fold(bytes, |bytes, section| append(section, bytes));
    let still = add(append(&(sections.len() + 2), begin), still);
    let at = least_filled(&still).max(MOVING_AT);
    let moving = add(fill(still, at), moving);
    let head = head_bytes(records);
    let at = (least_filled(&moving) + head).next_multiple_of(RECORDS_AT) - head;
    append(records, fill(moving, at))
}

/// How long some bytes are at least with a filler.
fn least_filled(bytes: &[u8]) -> usize {
    bytes.len() + 5 + ZEROS_MIN
}

/// Fills up to a length.
fn fill(bytes: Vec<u8>, length: usize) -> Vec<u8> {
    let zeros = ZEROS_MIN + length - least_filled(&bytes);
    append(&Section { tag: FILLER, version: 0, body: Body::Here(&ZEROS[..zeros]) }, bytes)
}

/// What stands before the bytes of a section: tag, version, which body, and how long it is, which takes a byte more from
/// 16,384 bytes on. Records grow beyond that before each flush of theirs, and would all move by that byte.
fn head_bytes(section: &Section<'_>) -> usize {
    let length = if let Body::Here(bytes) = &section.body { bytes.len() } else { 0 };
    append(&(section.tag, section.version, 0_u8, length), Vec::with_capacity(16)).len()
}

fn append<T: Serialize>(value: &T, bytes: Vec<u8>) -> Vec<u8> {
    postcard::to_extend(value, bytes).expect("sections are plain data")
}

/// The bytes that what is kept is filled up to with zeros, so that its length seldom changes: a value that is as long as the
/// one before is overwritten in place, and of its pages only those are written whose bytes are others. A page, a power of
/// two of them or half as much more, since the platform reads all of a value before it replaces it; beyond the longest of
/// them its multiples: a value has at most 2 MB.
///
/// `before` is how long the value is that is replaced, 0 for one that is to become as short as it can. Up to four times the
/// length that is needed is kept: where records come in quickly, it would become shorter after each flush, and longer again
/// soon after.
#[must_use]
pub fn room_for(bytes: usize, before: usize) -> usize {
    const PAGE: usize = 4_096;
    const LONGEST: usize = 64 * 1_024;
    let power = bytes.next_power_of_two().max(PAGE);
    let less = (power / 4 * 3).next_multiple_of(PAGE);
    let fitting = match bytes {
        bytes if bytes > LONGEST => bytes.next_multiple_of(LONGEST),
        bytes if bytes <= less => less,
        _ => power,
    };
    if (fitting..=4 * fitting).contains(&before) { before } else { fitting }
}

#[cfg(test)]
mod tests {
    use super::room_for;
    use footfall_protocol::limits::USER_BYTES_MAX;

    #[test]
    fn what_is_kept_has_room_and_stays_within_the_platforms_bound() {
        assert_eq!(
            [1, 4_096, 4_097, 8_193, 12_289, 16_385, 24_577, 65_536, 65_537].map(|bytes| room_for(bytes, 0)),
            [4_096, 4_096, 8_192, 12_288, 16_384, 24_576, 32_768, 65_536, 131_072]
        );
        // Besides the head: the key, and how the platform writes bytes.
        assert!((1..=USER_BYTES_MAX + 12).step_by(101).all(|bytes| room_for(bytes, 0) >= bytes));
        assert!(room_for(USER_BYTES_MAX + 12, 0) < 2_000_000);
    }

    #[test]
    fn what_has_up_to_four_times_the_room_it_needs_keeps_it_and_what_has_more_does_not() {
        assert_eq!([16_384, 49_152, 65_536].map(|before| room_for(10_000, before)), [16_384, 49_152, 12_288]);
        assert_eq!(room_for(20_000, 16_384), 24_576);
    }
}
