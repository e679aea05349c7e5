//! What sinks get and what becomes of it: which queue is whose, the bodies and files they are sent, and what follows
//! from an answer. Pure; `shell::sinks` carries it.

pub mod archive;
pub mod chunks;
pub mod lines;
pub mod message;
pub mod settings;
pub mod verdict;

/// Where records persist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sink {
    /// The deployment's database. Every site has it.
    D1,
    /// The store's own HTTPS origin.
    Origin,
    /// Files in R2.
    Archive,
}

/// What a queue brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// Messages for a sink.
    To(Sink),
    /// Messages for a sink that the platform gave up.
    GivenUp(Sink),
}

impl Sink {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::D1, Self::Origin, Self::Archive];

    /// As dead letters and operators name it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::D1 => "d1",
            Self::Origin => "origin",
            Self::Archive => "archive",
        }
    }

    /// The sink of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|sink| sink.as_str() == name)
    }

    /// The binding of its first queue; those of more queues have `_1`, `_2` and so on behind it.
    pub const fn binding(self) -> &'static str {
        match self {
            Self::D1 => "RECORDS",
            Self::Origin => "ORIGIN",
            Self::Archive => "ARCHIVE",
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::D1 => "records",
            Self::Origin => "origin",
            Self::Archive => "archive",
        }
    }
}

impl Route {
    /// What a queue of this name brings: its name has the word `records`, `origin` or `archive` between hyphens, and
    /// ends with `-dead` when it is where the platform puts what it gave up. Whatever else is in it (an environment, a
    /// number of several queues) is the operator's.
    pub fn of_queue(name: &str) -> Option<Self> {
        let (name, given_up) = name.strip_suffix("-dead").map_or((name, false), |name| (name, true));
        let sink = Sink::ALL.into_iter().find(|sink| name.split('-').any(|word| word == sink.word()))?;
        Some(if given_up { Self::GivenUp(sink) } else { Self::To(sink) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_says_by_its_name_what_it_brings() {
        for (name, route) in [
            ("footfall-records", Some(Route::To(Sink::D1))),
            ("footfall-records-2", Some(Route::To(Sink::D1))),
            ("footfall-staging-origin", Some(Route::To(Sink::Origin))),
            ("footfall-archive", Some(Route::To(Sink::Archive))),
            ("footfall-records-dead", Some(Route::GivenUp(Sink::D1))),
            ("footfall-origin-dead", Some(Route::GivenUp(Sink::Origin))),
            ("footfall-others", None),
            ("myrecords", None),
        ] {
            assert_eq!(Route::of_queue(name), route, "{name}");
        }
    }

    #[test]
    fn a_sink_is_known_by_its_name() {
        for sink in Sink::ALL {
            assert_eq!(Sink::parse(sink.as_str()), Some(sink));
        }
        assert_eq!(Sink::parse("kafka"), None);
    }
}
