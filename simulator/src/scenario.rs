//! A written scenario: who the visitor is, what they do, and what is expected to come of it.
//!
//! ```json
//! {"name": "a minute on the tent", "start": "2026-11-21T10:00:00Z",
//!  "visitor": {"id": "…", "geo": {"country": "DE", "timezone": "Europe/Berlin"}, "device": {"kind": "mobile"}},
//!  "settings": {"session_idle": "30m", "retention": "60d"},
//!  "rules": [], "segments": [], "stages": [],
//!  "steps": [{"at": "0s", "page": {"path": "/p/tent", "kind": "product"}, "tab": "1"},
//!            {"at": "5s", "track": "Product Added", "properties": {"sku": "tent"}, "as": "source"},
//!            {"at": "9s", "identify": {"tier": "gold"}, "user": "u1"},
//!            {"at": "10s", "hide": "1"}, {"at": "20s", "show": "1"}, {"at": "30s", "leave": "1"},
//!            {"at": "40s", "connect": "1"}, {"at": "50s", "disconnect": "1"},
//!            {"at": "1m", "send": {"type": "track", "event": "…"}}, {"at": "2d"}],
//!  "expect": [{"at": "1m", "rule": "social-proof", "slot": "side", "content": {"text": "…"}}]}
//! ```
//!
//! Times are offsets from the start (`65s`, `1h30m`, `2d`) or RFC 3339. Only `steps` are needed. Rules, segments and
//! stages that a scenario does not bring are the site's. The scenario goes on to the last time that it names.

use crate::expect::{Difference, Expectation, differences, expectation};
use crate::reader::{Reader, below};
use crate::sim::START;
use crate::steps::{Step, step};
use crate::time::parse_time;
use crate::timeline::Timeline;
use footfall::engine::Settings;
use footfall::engine::fault::RuleFault;
use footfall::engine::rules::{DocumentFault, Kind, RuleSet, compile};
use footfall_protocol::event::{Device, Geo, Surroundings};
use footfall_protocol::limits::cut;
use footfall_protocol::{Object, Value};
use uuid::Uuid;

/// The visitor of a scenario that names none.
const VISITOR: Uuid = Uuid::from_u128(7);

/// A site's authored documents.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Documents {
    /// Rules.
    pub rules: Vec<Value>,
    /// Segments.
    pub segments: Vec<Value>,
    /// Stages; without any the defaults hold.
    pub stages: Vec<Value>,
}

impl Documents {
    /// Reads `{"rules": […], "segments": […], "stages": […]}` from JSON text; each list may be left out. The documents
    /// themselves are judged by [`Scenario::rule_set`].
    ///
    /// # Errors
    /// Every fault of the form, with its JSON pointer.
    pub fn parse(text: &str) -> Result<Self, Vec<RuleFault>> {
        let value = json(text)?;
        let mut reader = Reader::default();
        let object = reader.object(&value, "", &["rules", "segments", "stages"]).cloned().unwrap_or_default();
        let mut list = |key| reader.list(&object, key).unwrap_or_default().to_vec();
        let documents = Self { rules: list("rules"), segments: list("segments"), stages: list("stages") };
        if reader.faults.is_empty() { Ok(documents) } else { Err(reader.faults) }
    }
}

fn json(text: &str) -> Result<Value, Vec<RuleFault>> {
    let error = |error| vec![RuleFault::at("", "malformed", format!("this is not JSON: {error}"))];
    serde_json::from_str(text).map_err(error)
}

/// A written scenario, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// For people.
    pub name: String,
    /// When it starts, in milliseconds since the epoch.
    pub start_ms: u64,
    /// The visitor's id, on which hold-outs depend.
    pub visitor: Uuid,
    /// What the network would know of the visitor's requests.
    pub surroundings: Surroundings,
    /// How the site keeps its visitors.
    pub settings: Settings,
    /// The scenario's own rules; none when they are the site's.
    pub rules: Option<Vec<Value>>,
    /// The scenario's own segments; none when they are the site's.
    pub segments: Option<Vec<Value>>,
    /// The scenario's own stages; none when they are the site's.
    pub stages: Option<Vec<Value>>,
    /// What happens, in the order of time.
    pub steps: Vec<Step>,
    /// What is expected; none when nothing is to be compared.
    pub expect: Option<Vec<Expectation>>,
}

const KNOWN: [&str; 9] = ["name", "start", "visitor", "settings", "rules", "segments", "stages", "steps", "expect"];

impl Scenario {
    /// Reads a scenario from JSON text.
    ///
    /// # Errors
    /// Every fault with its JSON pointer, those of the events as their sender would be told them.
    pub fn parse(text: &str) -> Result<Self, Vec<RuleFault>> {
        let value = json(text)?;
        let mut reader = Reader { start_ms: START, ..Reader::default() };
        let scenario = read(&value, &mut reader);
        scenario.filter(|_| reader.faults.is_empty()).ok_or(reader.faults)
    }

    /// The rules to run with: those of the scenario where it has its own, else the site's.
    ///
    /// # Errors
    /// Every fault of the documents, with pointers such as `/rules/3/pattern`.
    pub fn rule_set(&self, site: &Documents) -> Result<RuleSet, Vec<RuleFault>> {
        let [rules, segments, stages] =
            [(&self.rules, &site.rules), (&self.segments, &site.segments), (&self.stages, &site.stages)]
                .map(|(own, sites)| own.as_ref().unwrap_or(sites));
        let (set, faults) = compile(rules, segments, stages);
        if faults.is_empty() { Ok(set) } else { Err(faults.into_iter().flat_map(located).collect()) }
    }

    /// Where what happened differs from what the scenario expects; nothing when it expects nothing in particular.
    pub fn differences(&self, timeline: &Timeline) -> Vec<Difference> {
        self.expect.as_ref().map(|expect| differences(expect, timeline)).unwrap_or_default()
    }

    /// When the scenario is over: at the last time that it names, in milliseconds since the epoch.
    pub fn end_ms(&self) -> u64 {
        let steps = self.steps.iter().map(|step| step.at_ms);
        let expected = self.expect.iter().flatten().map(|expected| expected.at_ms);
        steps.chain(expected).max().unwrap_or(self.start_ms).max(self.start_ms)
    }
}

/// A document's faults as seen from the scenario that holds it.
fn located(document: DocumentFault) -> impl Iterator<Item = RuleFault> {
    let list = match document.kind {
        Kind::Rule => "rules",
        Kind::Segment => "segments",
        Kind::Stage => "stages",
    };
    let index = document.index;
    document
        .faults
        .into_iter()
        .map(move |fault| RuleFault { pointer: format!("/{list}/{index}{}", fault.pointer), ..fault })
}

fn read(value: &Value, reader: &mut Reader) -> Option<Scenario> {
    let object = reader.object(value, "", &KNOWN)?;
    if let Some(text) = reader.text(object, "start", "") {
        match parse_time(text) {
            Some(start_ms) => reader.start_ms = start_ms,
            None => {
                let message = format!("`{}` is no RFC 3339 time such as \"2026-11-21T10:00:00Z\"", cut(text, 40));
                reader.fault("/start", "invalid", message);
            }
        }
    }
    let mut documents = |key| reader.list(object, key).map(<[Value]>::to_vec);
    let (rules, segments, stages) = (documents("rules"), documents("segments"), documents("stages"));
    let none = Vec::new();
    let own = [&rules, &segments, &stages].map(|own| own.as_deref().unwrap_or(&none));
    reader.faults.extend(compile(own[0], own[1], own[2]).1.into_iter().flat_map(located));
    if object.get("steps").is_none() {
        reader.fault("/steps", "missing", "a scenario needs `steps`: [{\"at\": \"0s\", \"page\": {\"path\": \"/\"}}]");
    }
    let steps = reader.list(object, "steps").unwrap_or_default().iter().enumerate();
    let steps: Vec<(usize, Step)> = steps.filter_map(|(at, value)| Some((at, step(value, at, reader)?))).collect();
    for pair in steps.windows(2).filter(|pair| pair[1].1.at_ms < pair[0].1.at_ms) {
        let pointer = format!("/steps/{}/at", pair[1].0);
        reader.fault(&pointer, "out_of_range", "is before the step above it; steps stand in the order of time");
    }
    let expect = reader.list(object, "expect").map(<[Value]>::iter).map(Iterator::enumerate);
    let expect = expect.map(|list| list.filter_map(|(at, value)| expectation(value, at, reader)).collect());
    let (visitor, surroundings) = visitor(object, reader);
    Some(Scenario {
        name: reader.text(object, "name", "").unwrap_or("scenario").to_owned(),
        start_ms: reader.start_ms,
        visitor,
        surroundings,
        settings: settings(object, reader),
        rules,
        segments,
        stages,
        steps: steps.into_iter().map(|(_, step)| step).collect(),
        expect,
    })
}

/// Who the visitor is, and what the network knows of them.
fn visitor(scenario: &Object, reader: &mut Reader) -> (Uuid, Surroundings) {
    let none = Object::new();
    let mut group = |of: &Object, key: &str, pointer: &str, known: &[&str]| -> Option<Object> {
        reader.object(of.get(key)?, &below(pointer, key), known).cloned()
    };
    let about = group(scenario, "visitor", "", &["id", "geo", "device", "gpc"]).unwrap_or_default();
    let geo = group(&about, "geo", "/visitor", &["country", "region", "city", "continent", "timezone"]);
    let device = group(&about, "device", "/visitor", &["kind", "os", "browser", "language"]);
    let mut text = |of: &Option<Object>, key: &str, pointer: &str| {
        reader.text(of.as_ref().unwrap_or(&none), key, pointer).unwrap_or_default().to_owned()
    };
    let mut place = |key: &str| text(&geo, key, "/visitor/geo");
    let found = Geo {
        country: place("country"),
        region: place("region"),
        city: place("city"),
        continent: place("continent"),
        timezone: place("timezone"),
    };
    let mut thing = |key: &str| text(&device, key, "/visitor/device");
    let held = Device { kind: thing("kind"), os: thing("os"), browser: thing("browser"), language: thing("language") };
    let gpc = about.get("gpc").is_some_and(|gpc| flag(gpc, "/visitor/gpc", reader));
    let id = reader.text(&about, "id", "/visitor").map(Uuid::try_parse);
    if id.as_ref().is_some_and(Result::is_err) {
        reader.fault("/visitor/id", "invalid", "wants a visitor's UUID");
    }
    let surroundings =
        Surroundings { geo: geo.map(|_| found), device: device.map(|_| held), gpc, source: String::new() };
    (id.and_then(Result::ok).unwrap_or(VISITOR), surroundings)
}

/// The site's settings, by the names that they have in its configuration.
fn settings(scenario: &Object, reader: &mut Reader) -> Settings {
    const AT: &str = "/settings";
    const KNOWN: [&str; 5] = ["session_idle", "flush_after", "retention", "consent", "public_orders"];
    let mut settings = Settings::default();
    let Some(value) = scenario.get("settings") else { return settings };
    let Some(object) = reader.object(value, AT, &KNOWN) else { return settings };
    for (key, setting) in [
        ("session_idle", &mut settings.session_idle_ms),
        ("flush_after", &mut settings.flush_after_ms),
        ("retention", &mut settings.retention_ms),
    ] {
        *setting = reader.duration(object, key, AT).unwrap_or(*setting);
    }
    match reader.text(object, "consent", AT) {
        None | Some("assumed") => {}
        Some("required") => settings.consent_required = true,
        Some(_) => reader.fault("/settings/consent", "invalid", "wants \"required\" or \"assumed\" (the default)"),
    }
    if let Some(value) = object.get("public_orders") {
        settings.public_orders = flag(value, "/settings/public_orders", reader);
    }
    settings
}

fn flag(value: &Value, pointer: &str, reader: &mut Reader) -> bool {
    value.as_bool().unwrap_or_else(|| {
        reader.wrong(pointer, "true or false", value);
        false
    })
}
