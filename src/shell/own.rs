//! What a visitor's own page asks for: a name, its state, its socket, the site's public configuration.

use crate::access::bot::{self, Signs};
use crate::access::credential::{self, Authorization, SUBPROTOCOL};
use crate::access::token::{AGE_MAX_S, VisitorToken};
use crate::access::write_keys::KeyHolder;
use crate::access::{delivery, origin};
use crate::shell::call::Call;
use crate::shell::deliver::Whose;
use crate::shell::incoming;
use crate::shell::reply::{Problem, json};
use crate::shell::visitor_object::{SURROUNDINGS_HEADER, pack};
use crate::shell::{bots, clock, erasure, export, limiter, log};
use footfall_protocol::event::{Authority, Consent};
use footfall_protocol::ids::SiteId;
use serde::Deserialize;
use serde_json::json as object;
use worker::{Method, Request, Response};

/// A token that is genuine, and how it was shown.
pub(super) struct ShownToken {
    pub(super) token: VisitorToken,
    /// Whether it should be issued anew.
    pub(super) renew: bool,
    /// From the cookie: browsers send it by themselves, whichever page asks.
    from_cookie: bool,
}

/// The token of a request: one that was shown on purpose must be good; a cookie that is not is as good as none.
pub(super) fn shown_token(
    on_purpose: Option<String>,
    site: Option<&SiteId>,
    call: &Call<'_>,
) -> Result<Option<ShownToken>, Problem> {
    let verify = |text: &str| call.deployment.signing_keys.verify(text, clock::now_s());
    if let Some(text) = on_purpose {
        let invalid = || Problem::new(401, "invalid_token", "This is no valid visitor token; ask /v1/visitor for one.");
        let verified = verify(&text).ok_or_else(invalid)?;
        if site.is_some_and(|site| *site != verified.token.site) {
            return Err(Problem::new(403, "wrong_site", "The token belongs to another site than the write key."));
        }
        return Ok(Some(ShownToken { token: verified.token, renew: verified.renew, from_cookie: false }));
    }
    // A cookie comes along by itself: what another site's page makes a browser send is not the visitor's wish, unless that
    // page says its origin, which is then looked at.
    if call.origin().is_none() && incoming::is_cross_site(call.head) {
        return Ok(None);
    }
    let cookies = call.head.header("cookie").unwrap_or_default();
    let of_site = |token: &VisitorToken| site.is_none_or(|site| *site == token.site);
    let verified = credential::cookies(cookies, call.own).filter_map(verify).find(|verified| of_site(&verified.token));
    Ok(verified.map(|verified| ShownToken { token: verified.token, renew: verified.renew, from_cookie: true }))
}

pub(super) fn wrong_origin() -> Problem {
    Problem::new(403, "wrong_origin", "Pages of this origin may not use this site; its list of origins says which may.")
}

/// Whether the page that asks, where a browser says which, is one of the site's; and one of those that a write key is
/// for, where it is for some only.
pub(super) fn check_page(call: &Call<'_>, origins: &[String], holder: Option<&KeyHolder>) -> Result<(), Problem> {
    let listed = holder.map(|holder| holder.origins.as_slice()).filter(|origins| !origins.is_empty());
    let good = match call.origin() {
        Some(from) => {
            let of_key = listed.is_none_or(|listed| listed.iter().any(|listed| listed == from));
            of_key && origin::allowed(from, call.own, origins)
        }
        None => listed.is_none(),
    };
    if good { Ok(()) } else { Err(wrong_origin()) }
}

#[derive(Deserialize)]
struct Ask {
    #[serde(rename = "writeKey")]
    write_key: String,
    #[serde(default)]
    consent: Consent,
    token: Option<String>,
    /// What `navigator.webdriver` says in the page.
    #[serde(default)]
    webdriver: bool,
}

/// `POST /v1/visitor`: keeps a visitor's name or gives a new one, or takes note that the visitor is not to be remembered.
/// Touches an object only for that.
pub(super) async fn name_visitor(call: &Call<'_>) -> Result<Response, Problem> {
    limiter::check_address(call).await?;
    let body = incoming::body(call).await?;
    let ask = std::str::from_utf8(&body).ok().and_then(|text| serde_json::from_str(text).ok());
    let ask: Ask = ask.ok_or_else(|| {
        Problem::new(400, "malformed", r#"Send {"writeKey": …, "consent": "unknown", "granted" or "denied"}."#)
    })?;
    let holder = call.deployment.write_keys.holder(&ask.write_key);
    let holder = holder.ok_or_else(|| Problem::new(401, "invalid_write_key", "This write key is not known here."))?;
    call.is_about(&holder.site);
    let site = call.deployment.site(&holder.site)?;
    check_page(call, &site.origins, Some(holder))?;
    // A page may keep a token for longer than it is good: it gets a new one, and a new name with it.
    let kept = ask.token.and_then(|text| shown_token(Some(text), Some(&holder.site), call).ok().flatten());
    let kept = match kept {
        Some(kept) => Some(kept),
        None => shown_token(None, Some(&holder.site), call)?,
    };
    let denied = ask.consent == Consent::Denied;
    let nobody = object!({ "visitor": null, "token": null });
    if denied || (site.engine.consent_required && ask.consent != Consent::Granted) {
        let mut answer = nobody;
        answer["consent"] = if denied { "denied" } else { "required" }.into();
        let response = json(200, &answer)?;
        if !denied {
            return Ok(response);
        }
        if let Some(kept) = kept.filter(|kept| needs_an_origin(kept, call).is_ok()) {
            withdraw(kept.token, call).await?;
        }
        return Ok(with_cookie(response, call, "", 0)?);
    }
    let known = incoming::browser(call, site.allow_headless);
    let driven = Signs { webdriver: ask.webdriver, ..Signs::default() };
    let bot = known.bot.or_else(|| bot::verdict(driven, site.allow_headless));
    if let Some(bot) = bot.filter(|_| holder.authority != Authority::Source) {
        bots::note(bot, "visitor", &holder.site, 1);
        return Ok(json(200, &nobody)?);
    }
    let (mut token, mut renew) = kept.map_or_else(
        || {
            let visitor = clock::random_id();
            let jurisdiction = site.jurisdiction.clone();
            (VisitorToken { site: holder.site.clone(), visitor, jurisdiction, issued_s: 0 }, true)
        },
        |kept| (kept.token, kept.renew),
    );
    renew |= token.issued_s == 0;
    if renew {
        token.issued_s = clock::now_s();
    }
    let text = call.deployment.signing_keys.issue(&token);
    let response = json(200, &object!({ "visitor": token.visitor, "token": text }))?;
    Ok(with_cookie(response, call, &text, AGE_MAX_S)?)
}

/// The visitor is not to be remembered any more.
async fn withdraw(token: VisitorToken, call: &Call<'_>) -> Result<(), Problem> {
    let object = Whose::from(token).reach(call.env)?;
    let answer = object.fetch_with_request(Request::new("https://visitor/withdraw", Method::Post)?).await?;
    if answer.status_code() == 204 {
        return Ok(());
    }
    Err(Problem::later("not_committed", "The withdrawal could not be stored. Send it again."))
}

fn with_cookie(response: Response, call: &Call<'_>, value: &str, age_s: u64) -> worker::Result<Response> {
    response.headers().append("set-cookie", &credential::set_cookie(call.own, value, age_s))?;
    Ok(response)
}

/// `GET /v1/config?site=`: what a page needs to begin.
pub(super) fn config(call: &Call<'_>) -> Result<Response, Problem> {
    let named = call.query("site").and_then(|site| SiteId::parse(&site));
    let missing = || Problem::new(400, "malformed", "Say which site: /v1/config?site=…");
    let id = named.or_else(|| only_site(call)).ok_or_else(missing)?;
    let site = call.deployment.site(&id)?;
    call.is_about(&id);
    let consent = if site.engine.consent_required { "required" } else { "assumed" };
    let write_key = call.deployment.write_keys.public_key(&id);
    Ok(json(200, &object!({ "site": id, "write_key": write_key, "consent": consent, "inspect": site.engine.inspect }))?)
}

/// The deployment's site, when it has one only.
fn only_site(call: &Call<'_>) -> Option<SiteId> {
    let mut sites = call.deployment.sites.keys();
    sites.next().filter(|_| sites.next().is_none()).cloned()
}

/// `GET /v1/state`: the visitor's own view.
pub(super) async fn state(call: &Call<'_>) -> Result<Response, Problem> {
    limiter::check_address(call).await?;
    let shown = owner(bearer(call), call)?;
    refuse_bots("state", &shown.token.site, call)?;
    let object = Whose::from(shown.token).reach(call.env)?;
    Ok(object.fetch_with_str("https://visitor/state").await?)
}

/// `GET /v1/log`: the visitor's own records.
pub(super) async fn log(call: &Call<'_>) -> Result<Response, Problem> {
    limiter::check_address(call).await?;
    let shown = owner(bearer(call), call)?;
    refuse_bots("log", &shown.token.site, call)?;
    log::events(&shown.token.into(), call).await
}

/// `GET /v1/export`: everything that is kept of the visitor.
pub(super) async fn export(call: &Call<'_>) -> Result<Response, Problem> {
    limiter::check_address(call).await?;
    let token = owner(bearer(call), call)?.token;
    refuse_bots("export", &token.site, call)?;
    let issued_s = token.issued_s;
    export::export(&token.into(), Some(issued_s), call).await
}

/// `POST /v1/erase`: the visitor wants to be forgotten. The cookie goes as well.
pub(super) async fn erase(call: &Call<'_>) -> Result<Response, Problem> {
    limiter::check_address(call).await?;
    let shown = owner(bearer(call), call)?;
    needs_an_origin(&shown, call)?;
    let erased = erasure::erase(call.env, &shown.token.into()).await?;
    Ok(with_cookie(json(200, &erased)?, call, "", 0)?)
}

/// A browser always says where a page is from that changes something or opens a socket; programs that say nothing show
/// their token on purpose.
fn needs_an_origin(shown: &ShownToken, call: &Call<'_>) -> Result<(), Problem> {
    if call.origin().is_none() && shown.from_cookie { Err(wrong_origin()) } else { Ok(()) }
}

/// A token that was shown on purpose, in the `Authorization` header.
fn bearer(call: &Call<'_>) -> Option<String> {
    match incoming::credential(call.head) {
        Some(Authorization::Token(token) | Authorization::Bearer(token)) => Some(token),
        Some(Authorization::WriteKey(_)) | None => None,
    }
}

/// `GET /v1/socket`: the upgrade is answered by the visitor's object.
pub(super) async fn socket(call: &Call<'_>) -> Result<Response, Problem> {
    if !call.head.header("upgrade").is_some_and(|upgrade| upgrade.eq_ignore_ascii_case("websocket")) {
        return Err(Problem::new(426, "upgrade_required", "This path speaks WebSocket only."));
    }
    limiter::check_address(call).await?;
    let offered = credential::subprotocols(call.head.header("sec-websocket-protocol").unwrap_or_default());
    let by_header = match incoming::credential(call.head) {
        Some(Authorization::Token(token)) => Some(token),
        _ => None,
    };
    let shown = owner(offered.token.or(by_header), call)?;
    needs_an_origin(&shown, call)?;
    let known = refuse_bots("socket", &shown.token.site, call)?;
    let object = Whose::from(shown.token).reach(call.env)?;
    let upgrade = worker::RequestInit::new();
    upgrade.headers.set("upgrade", "websocket")?;
    upgrade.headers.set(SURROUNDINGS_HEADER, &pack(&known.surroundings))?;
    if offered.ours {
        upgrade.headers.set("sec-websocket-protocol", SUBPROTOCOL)?;
    }
    Ok(object.fetch_with_request(Request::new_with_init("https://visitor/socket", &upgrade)?).await?)
}

/// The visitor who asks for its own; the query may say which site and visitor it takes itself for.
fn owner(on_purpose: Option<String>, call: &Call<'_>) -> Result<ShownToken, Problem> {
    let missing = || Problem::new(401, "no_token", "Show the visitor's own token.");
    let shown = shown_token(on_purpose, None, call)?.ok_or_else(missing)?;
    call.is_about(&shown.token.site);
    let means = |name: &str, own: &str| call.query(name).is_none_or(|said| said == own);
    if !means("site", shown.token.site.as_str()) || !means("visitor", &shown.token.visitor.to_string()) {
        return Err(Problem::new(403, "other_visitor", "The token is not that of this site and visitor."));
    }
    check_page(call, &call.deployment.site(&shown.token.site)?.origins, None)?;
    Ok(shown)
}

/// What is known of a browser that asks for a visitor's own; an automated one gets nothing, and makes no object.
fn refuse_bots(surface: &str, site: &SiteId, call: &Call<'_>) -> Result<delivery::Request, Problem> {
    let known = incoming::browser(call, call.deployment.site(site)?.allow_headless);
    match known.bot {
        Some(bot) => {
            bots::note(bot, surface, site, 1);
            Err(Problem::new(403, "bot", "Nothing is kept for automated clients."))
        }
        None => Ok(known),
    }
}
