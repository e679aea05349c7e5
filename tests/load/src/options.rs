//! What can be said to the tester: `--name value`, or the variable `NAME` of the environment, as `make load NAME=…` sets it.

use std::collections::BTreeMap;
use std::path::PathBuf;

pub const HELP: &str = "\
Plays visitors of a shop against the engine, measures it, and checks everything that it tells them.

  make load [NAME=VALUE …]        footfall-load [--name VALUE …]

  SCENARIO   day (default): a shop's day: visitors arrive, browse, fall asleep, come back, buy; spikes and storms.
             sleepers: as many sleeping visitors with open sockets as there are descriptors for; then timers due at once.
  VISITORS   how many visitors (day: about so many, default 600; sleepers: default as many as possible)
  RATE       day: visitors that arrive in a second, instead of VISITORS
             sleepers: sockets that are opened in a second (default 80)
  MINUTES    day: how long visitors go on arriving (default 3; parts of a minute as 0.5)
  TIMERS     sleepers: timers that are due in the same five seconds (default 3000)
  SEED       from what everything is drawn (default 1): the same seed is the same day
  REPORT     directory of the report, load.json and load.html (default .footfall/load)
  ADDRESS    a running engine instead of one of its own; on loopback only. Its site `demo` is given the tester's rules
             (ids that begin with `load-`), which are deleted at the end. Needs ADMIN_TOKEN.
  BUILD      the build that is run (default build-test, which counts instances; `make load` makes it)
  PATIENCE   seconds after which something that has not come is lost (default 30)
  INJECT     lost, repeated or early: the tester falsifies one observation of its own, to show that the check fails
  --help     this text

It exits with 0 when nothing was wrong, 1 when something was (lost, repeated or early pushes and timers, refused events,
sockets closed without a reason, fewer than 95 % of those asleep that were meant to be), 2 when it could not run.";

/// What is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    Day,
    Sleepers,
}

/// What the tester falsifies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inject {
    Lost,
    Repeated,
    Early,
}

#[derive(Clone, Debug)]
pub struct Options {
    pub scenario: Scenario,
    pub visitors: Option<usize>,
    pub rate: Option<f64>,
    pub minutes: f64,
    pub timers: usize,
    pub seed: u64,
    pub report: PathBuf,
    pub address: Option<String>,
    pub admin_token: Option<String>,
    pub build: String,
    pub patience_s: u64,
    pub inject: Option<Inject>,
}

const NAMES: [&str; 12] = [
    "scenario",
    "visitors",
    "rate",
    "minutes",
    "timers",
    "seed",
    "report",
    "address",
    "admin-token",
    "build",
    "patience",
    "inject",
];

impl Options {
    /// Reads them. `None` when only the help is asked for.
    ///
    /// # Errors
    /// A sentence about what is wrong.
    pub fn read(
        arguments: impl Iterator<Item = String>,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, String> {
        let mut said: BTreeMap<&str, String> = BTreeMap::new();
        for name in NAMES {
            if let Some(value) = variable(&name.to_uppercase().replace('-', "_")).filter(|value| !value.is_empty()) {
                said.insert(name, value);
            }
        }
        let mut arguments = arguments;
        while let Some(argument) = arguments.next() {
            if argument == "--help" || argument == "-h" {
                return Ok(None);
            }
            let name = argument.strip_prefix("--").and_then(|name| NAMES.iter().find(|known| **known == name));
            let name = name.ok_or_else(|| format!("{argument} is no option; --help lists them"))?;
            said.insert(name, arguments.next().ok_or_else(|| format!("{argument} needs a value"))?);
        }
        let visitors = number(&said, "visitors", 1.0, 100_000.0)?;
        let options = Self {
            scenario: match said.get("scenario").map_or("day", String::as_str) {
                "day" => Scenario::Day,
                "sleepers" => Scenario::Sleepers,
                other => return Err(format!("SCENARIO={other}: there are day and sleepers")),
            },
            visitors: visitors.map(whole),
            rate: number(&said, "rate", 0.01, 10_000.0)?,
            minutes: number(&said, "minutes", 0.05, 24.0 * 60.0)?.unwrap_or(3.0),
            timers: number(&said, "timers", 0.0, 50_000.0)?.map_or(3_000, whole),
            seed: number(&said, "seed", 0.0, 1e15)?.map_or(1, |seed| whole(seed) as u64),
            report: said.get("report").map_or_else(|| PathBuf::from(".footfall/load"), PathBuf::from),
            address: said.get("address").map(|address| loopback(address)).transpose()?,
            admin_token: said.get("admin-token").cloned(),
            build: said.get("build").cloned().unwrap_or_else(|| "build-test".into()),
            patience_s: number(&said, "patience", 1.0, 3_600.0)?.map_or(30, |seconds| whole(seconds) as u64),
            inject: match said.get("inject").map(String::as_str) {
                None => None,
                Some("lost") => Some(Inject::Lost),
                Some("repeated") => Some(Inject::Repeated),
                Some("early") => Some(Inject::Early),
                Some(other) => return Err(format!("INJECT={other}: there are lost, repeated and early")),
            },
        };
        if options.address.is_some() && options.admin_token.is_none() {
            return Err(
                "a running engine needs ADMIN_TOKEN as well: its rules are set, and its visitors are inspected".into(),
            );
        }
        Ok(Some(options))
    }
}

fn number(said: &BTreeMap<&str, String>, name: &str, least: f64, most: f64) -> Result<Option<f64>, String> {
    let Some(text) = said.get(name) else { return Ok(None) };
    let value = text.parse().ok().filter(|value| (least..=most).contains(value));
    value.map(Some).ok_or_else(|| format!("{}={text}: a number from {least} to {most}", name.to_uppercase()))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be small and not negative")]
const fn whole(value: f64) -> usize {
    value as usize
}

/// The address as `http://HOST:PORT`, when it is on this machine: load is never sent to anybody else.
fn loopback(address: &str) -> Result<String, String> {
    let refused =
        || format!("ADDRESS={address}: only http:// on loopback (127.0.0.1, [::1] or localhost) with a port is loaded");
    let host = address.strip_prefix("http://").ok_or_else(refused)?.trim_end_matches('/');
    let (name, port) = host.rsplit_once(':').ok_or_else(refused)?;
    let port: u16 = port.parse().map_err(|_| refused())?;
    let name = match name {
        "localhost" => "127.0.0.1".to_owned(),
        name => {
            let bare = name.trim_start_matches('[').trim_end_matches(']');
            let ip: std::net::IpAddr = bare.parse().map_err(|_| refused())?;
            if !ip.is_loopback() {
                return Err(refused());
            }
            name.to_owned()
        }
    };
    Ok(format!("http://{name}:{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_loaded() {
        for good in ["http://127.0.0.1:8787", "http://localhost:8787/", "http://[::1]:1", "http://127.8.9.1:80"] {
            assert!(loopback(good).is_ok(), "{good}");
        }
        for bad in [
            "http://10.0.0.1:80",
            "https://127.0.0.1:80",
            "http://shop.example:80",
            "http://127.0.0.1.shop.example:80",
            "127.0.0.1:1",
            "http://127.0.0.1",
        ] {
            assert!(loopback(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn arguments_count_before_variables_and_nonsense_is_refused() {
        let variable = |name: &str| (name == "VISITORS").then(|| "7".to_owned());
        let read = |arguments: &[&str]| Options::read(arguments.iter().map(|one| (*one).to_owned()), variable);
        assert_eq!(read(&[]).unwrap().unwrap().visitors, Some(7));
        assert_eq!(read(&["--visitors", "8"]).unwrap().unwrap().visitors, Some(8));
        assert!(read(&["--help"]).unwrap().is_none());
        for bad in [
            &["--visitors", "-1"][..],
            &["--nonsense", "1"],
            &["--visitors"],
            &["--inject", "x"],
            &["--address", "http://127.0.0.1:1"],
        ] {
            assert!(read(bad).is_err(), "{bad:?}");
        }
    }
}
