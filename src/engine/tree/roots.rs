//! The tree's parts, and sets of them: what a condition reads, and what an input changes.

use super::Field;

/// The tree's parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Root {
    /// The event at hand.
    Event,
    /// The page in sight.
    Page,
    /// The open session.
    Session,
    /// The cart.
    Cart,
    /// What is known over sessions.
    Profile,
    /// Where the visitor is.
    Geo,
    /// What the visitor holds in hand.
    Device,
    /// The stage.
    Stage,
    /// The segments.
    Segments,
    /// The clock.
    Time,
    /// What is known of the user over all devices.
    User,
}

impl Root {
    /// All of them, in the order of the documentation.
    pub const ALL: [Self; 11] = [
        Self::Event,
        Self::Page,
        Self::Session,
        Self::Cart,
        Self::Profile,
        Self::Geo,
        Self::Device,
        Self::Stage,
        Self::Segments,
        Self::Time,
        Self::User,
    ];

    /// The first part of the paths below it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Page => "page",
            Self::Session => "session",
            Self::Cart => "cart",
            Self::Profile => "profile",
            Self::Geo => "geo",
            Self::Device => "device",
            Self::Stage => "stage",
            Self::Segments => "segments",
            Self::Time => "time",
            Self::User => "user",
        }
    }

    /// The root of a dotted path.
    pub fn of(path: &str) -> Option<Self> {
        let first = path.split('.').next().unwrap_or_default();
        Self::ALL.into_iter().find(|root| root.as_str() == first)
    }
}

/// A set of roots, and whether anything read there changes by time alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Roots {
    bits: u16,
    by_time: bool,
}

impl Roots {
    /// With this field's root as well.
    pub fn add(&mut self, field: &Field) {
        if let Some(root) = field.root() {
            self.bits |= 1 << root as u16;
        }
        if let Field::Known(known, _) = field {
            self.by_time |= known.entry().by_time;
        }
    }

    /// With this root as well.
    #[must_use]
    pub const fn with(self, root: Root) -> Self {
        Self { bits: self.bits | 1 << root as u16, by_time: self.by_time }
    }

    /// Everything in either.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self { bits: self.bits | other.bits, by_time: self.by_time || other.by_time }
    }

    /// Whether the root is in it.
    pub const fn has(self, root: Root) -> bool {
        self.bits & (1 << root as u16) != 0
    }

    /// Whether any root is in both.
    pub const fn meets(self, other: Self) -> bool {
        self.bits & other.bits != 0
    }

    /// Whether something in it changes by time alone.
    pub const fn by_time(self) -> bool {
        self.by_time
    }
}
