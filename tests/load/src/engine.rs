//! The engine under load: started with a state of its own, or one that runs already; its rules, and looks into its objects.

use crate::http::Http;
use crate::options::Options;
use crate::rules;
use hyper::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// Sessions do not end in a run. Records wait longer than anything is looked at, so that what wakes an object is known; when
/// many of them wait, they go at once, as always.
const SITES: &str = r#"{"demo":{"origins":[],"consent":"assumed","inspect":true,"allow_headless":true,"flush_after":"5m","session_idle":"12h"}}"#;
/// How long it may take to stop.
const STOP: Duration = Duration::from_secs(20);

#[derive(Deserialize)]
struct Ready {
    address: String,
    public_key: String,
    admin_token: String,
    runtime_pid: u32,
}

pub struct Engine {
    pub http: Http,
    pub public_key: String,
    /// The runtime's process, when the tester has started it.
    pub runtime_pid: Option<u32>,
    admin_token: String,
    dwells_s: Vec<u64>,
    child: Option<(Child, PathBuf)>,
}

/// What one look into a visitor's object shows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Look {
    /// When the instance that answered was made, in milliseconds since 1970.
    pub constructed_at_ms: u64,
    /// How many instances the object has had, where the build counts that.
    pub instances: Option<u64>,
}

impl Engine {
    /// Starts one, or finds the one that is said; and gives it the tester's rules.
    ///
    /// # Errors
    /// A sentence about why there is none.
    pub async fn begin(options: &Options, dwells_s: &[u64]) -> Result<Self, String> {
        let mut engine = match (&options.address, &options.admin_token) {
            (Some(address), Some(token)) => Self::running(address, token).await?,
            _ => Self::start(&options.build).await?,
        };
        engine.dwells_s = dwells_s.to_vec();
        let published = engine.publish().await;
        if let Err(error) = published {
            engine.end().await;
            return Err(error);
        }
        Ok(engine)
    }

    async fn running(address: &str, admin_token: &str) -> Result<Self, String> {
        let http = Http::new(address);
        let (status, config) = http.call(Method::GET, "/v1/config?site=demo", None, None).await?;
        let public_key = config["write_key"].as_str().filter(|_| status == 200).map(str::to_owned);
        let public_key =
            public_key.ok_or_else(|| format!("{address} has no site `demo` with a public key: {config}"))?;
        Ok(Self {
            http,
            public_key,
            runtime_pid: None,
            admin_token: admin_token.to_owned(),
            dwells_s: vec![],
            child: None,
        })
    }

    async fn start(build: &str) -> Result<Self, String> {
        let state = std::env::temp_dir().join(format!("footfall-load-{}", std::process::id()));
        let mut command = Command::new("node_modules/.bin/node");
        command.args([
            "scripts/serve.mjs",
            "--port",
            "0",
            "--with-parent",
            "--quiet",
            "--address-limit",
            "1000000000",
            "--build",
            build,
        ]);
        command.arg("--state").arg(&state).arg("--var").arg(format!("SITES={SITES}"));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit()).kill_on_drop(true);
        // A terminal's Ctrl-C is the tester's to handle.
        command.process_group(0);
        let mut child = command
            .spawn()
            .map_err(|error| format!("the engine cannot be started from here ({error}): run it in the repository"))?;
        let stdout = child.stdout.take().ok_or("the engine has no output")?;
        let line = BufReader::new(stdout).lines().next_line().await.map_err(|error| error.to_string())?;
        let ready: Option<Ready> = line.and_then(|line| serde_json::from_str(&line).ok());
        let ready = ready.ok_or("the engine did not start; what it said is above")?;
        Ok(Self {
            http: Http::new(&ready.address),
            public_key: ready.public_key,
            runtime_pid: Some(ready.runtime_pid),
            admin_token: ready.admin_token,
            dwells_s: vec![],
            child: Some((child, state)),
        })
    }

    async fn admin(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, String> {
        let path = format!("/admin/v1/sites/demo/{path}");
        let (status, answer) =
            self.http.call(method, &path, Some(&self.admin_token), body.map(Value::to_string)).await?;
        if status < 300 { Ok(answer) } else { Err(format!("{path} was answered with {status}: {answer}")) }
    }

    /// Publishes the rules, and waits until visitors go by them.
    async fn publish(&self) -> Result<(), String> {
        for rule in rules::documents(&self.dwells_s) {
            let path = format!("rules/{}", rule["id"].as_str().unwrap_or_default());
            self.admin(Method::PUT, &path, Some(&rule)).await?;
        }
        // A change acts at the latest five seconds after it was accepted.
        tokio::time::sleep(Duration::from_millis(if self.child.is_some() { 500 } else { 6_000 })).await;
        Ok(())
    }

    /// A visitor's object as it is at this moment. Looking at one that sleeps wakes it.
    ///
    /// # Errors
    /// A sentence about why it cannot be looked at.
    pub async fn look(&self, visitor: &str) -> Result<Look, String> {
        let view = self.inspect(visitor).await?;
        let constructed_at_ms =
            view["runtime"]["constructed_at_ms"].as_f64().ok_or("the view does not tell its instance")?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a time")]
        let whole = |number: f64| number as u64;
        Ok(Look {
            constructed_at_ms: whole(constructed_at_ms),
            instances: view["runtime"]["instances"].as_f64().map(whole),
        })
    }

    async fn inspect(&self, visitor: &str) -> Result<Value, String> {
        self.admin(Method::GET, &format!("visitors/{visitor}"), None).await
    }

    /// What all objects have done together, by the platform's counters; `None` where the build does not count it. Asks the
    /// object of nobody.
    pub async fn counters(&self) -> Option<Value> {
        let view = self.inspect("00000000-0000-4000-8000-000000000000").await.ok()?;
        Some(view["runtime"]["isolate"].clone()).filter(Value::is_object)
    }

    /// A new visitor: its id and its token.
    ///
    /// # Errors
    /// A sentence about why there is none.
    pub async fn name(&self) -> Result<(String, String), String> {
        let body = json!({ "writeKey": self.public_key, "consent": "granted" }).to_string();
        let (status, answer) = self.http.call(Method::POST, "/v1/visitor", None, Some(body)).await?;
        let text = |member: &str| answer[member].as_str().map(str::to_owned);
        text("visitor").zip(text("token")).ok_or_else(|| format!("/v1/visitor was answered with {status}: {answer}"))
    }

    /// Stops what was started and takes away what was put there.
    pub async fn end(&mut self) {
        let Some((mut child, state)) = self.child.take() else {
            for rule in rules::documents(&self.dwells_s) {
                let path = format!("rules/{}", rule["id"].as_str().unwrap_or_default());
                if let Err(error) = self.admin(Method::DELETE, &path, None).await {
                    eprintln!("{path} is left behind: {error}");
                }
            }
            return;
        };
        if let Some(id) = child.id() {
            let _ = Command::new("kill").args(["-TERM", &id.to_string()]).status().await;
        }
        if tokio::time::timeout(STOP, child.wait()).await.is_err() {
            let _ = child.kill().await;
        }
        let _ = std::fs::remove_dir_all(state);
    }
}

impl Drop for Engine {
    /// When a run could not go to its end: what was started is not left behind.
    fn drop(&mut self) {
        if let Some((mut child, state)) = self.child.take() {
            drop(child.start_kill());
            drop(std::fs::remove_dir_all(state));
        }
    }
}
