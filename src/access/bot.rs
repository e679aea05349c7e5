//! The bot verdict: automated clients that say what they are. Nothing is kept for them.

/// Why a client is taken for a bot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bot {
    /// A crawler, a link preview or a monitor that names itself; with the words that gave it away.
    Crawler(&'static str),
    /// A browser driven by a program.
    Headless(&'static str),
}

impl Bot {
    /// A sentence for the sender.
    pub fn reason(self) -> String {
        match self {
            Self::Crawler(word) => format!("the user agent is that of an automated client (`{word}`)"),
            Self::Headless(word) => format!("this is a browser without a person (`{word}`)"),
        }
    }

    /// Which of the two, in a word.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Crawler(_) => "crawler",
            Self::Headless(_) => "headless",
        }
    }

    /// What gave it away.
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Crawler(word) | Self::Headless(word) => word,
        }
    }
}

/// What a request says of the client that made it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Signs<'a> {
    /// `User-Agent`
    pub user_agent: &'a str,
    /// `Sec-CH-UA`: the brands that a browser of the Chromium family says by itself, which programs forget to change.
    pub brands: &'a str,
    /// What `navigator.webdriver` says in the page (W3C WebDriver): a program drives the browser.
    pub webdriver: bool,
}

/// Browsers driven by programs, in small letters.
const HEADLESS: [&str; 6] = ["headlesschrome", "phantomjs", "slimerjs", "electron-headless", "puppeteer", "playwright"];

/// Words of crawlers, previews and monitors, in small letters. Those with a name come before the general ones.
const CRAWLERS: [&str; 42] = [
    "googlebot",
    "adsbot-google",
    "mediapartners-google",
    "google-inspectiontool",
    "storebot-google",
    "googleother",
    "bingbot",
    "bingpreview",
    "adidxbot",
    "applebot",
    "duckduckbot",
    "yandex",
    "baiduspider",
    "petalbot",
    "slurp",
    "ahrefsbot",
    "semrushbot",
    "mj12bot",
    "dotbot",
    "facebookexternalhit",
    "facebot",
    "twitterbot",
    "linkedinbot",
    "pinterestbot",
    "slackbot",
    "telegrambot",
    "discordbot",
    "whatsapp/",
    "skypeuripreview",
    "embedly",
    "gptbot",
    "chatgpt-user",
    "oai-searchbot",
    "claudebot",
    "perplexitybot",
    "ccbot",
    "bytespider",
    "pingdom",
    "uptimerobot",
    "lighthouse",
    "crawler",
    "spider",
];

/// The verdict on a client. Ordinary HTTP libraries are no bots: servers and apps send events with them.
pub fn verdict(signs: Signs<'_>, allow_headless: bool) -> Option<Bot> {
    let text = signs.user_agent.to_ascii_lowercase();
    let crawler = CRAWLERS.into_iter().find(|word| text.contains(word));
    if let Some(word) = crawler.or_else(|| ends_in_bot(&text).then_some("bot")) {
        return Some(Bot::Crawler(word));
    }
    if allow_headless {
        return None;
    }
    let brands = signs.brands.to_ascii_lowercase();
    let word = HEADLESS.into_iter().find(|word| text.contains(word) || brands.contains(word));
    word.or_else(|| signs.webdriver.then_some("navigator.webdriver")).map(Bot::Headless)
}

/// Whether a product's name ends in `bot` (`ExampleBot/1.0`, `example-bot;`), as crawlers without a place above do.
/// `CUBOT` is a brand of telephones.
fn ends_in_bot(text: &str) -> bool {
    text.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word.ends_with("bot") && word != "cubot")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(user_agent: &str, allow_headless: bool) -> Option<Bot> {
        super::verdict(Signs { user_agent, ..Signs::default() }, allow_headless)
    }

    const CHROME: &str =
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";

    #[test]
    fn people_are_no_bots() {
        for agent in [
            CHROME,
            "",
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile/15E148 Safari/604.1",
            "Mozilla/5.0 (Linux; Android 9; CUBOT X19) AppleWebKit/537.36 Chrome/100.0 Mobile Safari/537.36",
            "analytics-node/3.1.0",
            "okhttp/4.12.0",
            "curl/8.5.0",
        ] {
            assert_eq!(verdict(agent, false), None, "{agent}");
        }
    }

    #[test]
    fn crawlers_say_what_they_are() {
        for agent in [
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
            "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; bingbot/2.0) Chrome/116.0 Safari/537.36",
            "facebookexternalhit/1.1",
            "Mozilla/5.0 (compatible; GPTBot/1.2)",
            "ExampleBot/1.0",
            "Mozilla/5.0 (compatible; some-bot; +https://example.com)",
        ] {
            assert!(matches!(verdict(agent, true), Some(Bot::Crawler(_))), "{agent}");
        }
    }

    #[test]
    fn headless_browsers_only_where_the_site_allows_them() {
        let headless = CHROME.replace("Chrome/", "HeadlessChrome/");
        assert_eq!(verdict(&headless, false), Some(Bot::Headless("headlesschrome")));
        assert_eq!(verdict(&headless, true), None);
        // A changed user agent, and what gives it away all the same.
        let brands = r#""Chromium";v="142", "HeadlessChrome";v="142", "Not_A Brand";v="99""#;
        let by_brand = Signs { user_agent: CHROME, brands, webdriver: false };
        assert_eq!(super::verdict(by_brand, false), Some(Bot::Headless("headlesschrome")));
        let driven = Signs { user_agent: CHROME, brands: "", webdriver: true };
        assert_eq!(super::verdict(driven, false), Some(Bot::Headless("navigator.webdriver")));
        assert_eq!((super::verdict(by_brand, true), super::verdict(driven, true)), (None, None));
    }
}
