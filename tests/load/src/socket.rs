//! One WebSocket of one tab, in a task of its own: what is to be said goes in, what is heard comes out with its time.

use crate::clock::{Clock, Micros};
use crate::http::BROWSER;
use crate::recorder::{Count, Recorder};
use futures_util::{SinkExt as _, StreamExt as _};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_tungstenite::client_async_with_config;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};

/// Between two pings of a page, which the platform answers without waking the object.
const PING: Duration = Duration::from_secs(25);
/// An upgrade without an answer for so long has failed.
const OPEN: Duration = Duration::from_secs(30);
/// What a socket keeps in memory for reading: pages are told little at a time, and there are thousands of them.
const BUFFER_BYTES: usize = 4 * 1024;

/// What is to be done with a socket. When the sender is dropped, the connection breaks without a word.
pub enum Say {
    Text(String),
    /// Ends it as a page does that is closed.
    Close,
}

/// What came of it.
pub enum Heard {
    /// It is open.
    Opened(UnboundedSender<Say>),
    Text(String),
    /// It is over, or never began: the code of the close, 1006 when there was none; and what is known besides.
    Ended(u16, String),
}

/// A message to the visitor's task: from which tab, and from which of its sockets one after the other.
pub struct FromSocket {
    pub tab: usize,
    pub generation: u64,
    pub at: Micros,
    pub heard: Heard,
}

/// Where a socket belongs.
pub struct Whose {
    pub tab: usize,
    pub generation: u64,
    pub token: String,
}

/// Opens a socket and lets it live until it is over.
pub fn open(address: &str, whose: Whose, clock: Clock, recorder: Arc<Recorder>, to: UnboundedSender<FromSocket>) {
    let host = address.trim_start_matches("http://").to_owned();
    tokio::spawn(async move {
        let Whose { tab, generation, token } = whose;
        let tell = |heard| drop(to.send(FromSocket { tab, generation, at: clock.now(), heard }));
        let (code, why) = match tokio::time::timeout(OPEN, connect(&host, &token)).await {
            Ok(Ok(stream)) => {
                let (say, said) = unbounded_channel();
                recorder.count(Count::Upgrades, 1);
                recorder.socket_opened();
                tell(Heard::Opened(say));
                let ended = live(stream, said, &recorder, &tell).await;
                recorder.socket_closed();
                ended
            }
            Ok(Err(error)) => (1006, error),
            Err(_) => (1006, "no answer to the upgrade".into()),
        };
        tell(Heard::Ended(code, why));
    });
}

type Stream = tokio_tungstenite::WebSocketStream<TcpStream>;

async fn connect(host: &str, token: &str) -> Result<Stream, String> {
    let said = |error: &dyn std::fmt::Display| error.to_string();
    let stream = TcpStream::connect(host).await.map_err(|error| said(&error))?;
    stream.set_nodelay(true).map_err(|error| said(&error))?;
    let mut request = format!("ws://{host}/v1/socket").into_client_request().map_err(|error| said(&error))?;
    let protocols = format!("footfall.v1, token.{token}");
    for (name, value) in
        [("sec-websocket-protocol", protocols.as_str()), ("origin", &format!("http://{host}")), ("user-agent", BROWSER)]
    {
        request.headers_mut().insert(name, value.parse().map_err(|_| "a header cannot be written")?);
    }
    let config = WebSocketConfig::default().read_buffer_size(BUFFER_BYTES).write_buffer_size(0);
    match client_async_with_config(request, stream, Some(config)).await {
        Ok((stream, _)) => Ok(stream),
        Err(Error::Http(response)) => Err(format!("the upgrade was answered with {}", response.status())),
        Err(error) => Err(said(&error)),
    }
}

/// Until it is over: how it ended.
async fn live(
    mut stream: Stream,
    mut said: UnboundedReceiver<Say>,
    recorder: &Recorder,
    tell: &impl Fn(Heard),
) -> (u16, String) {
    let mut ping = tokio::time::interval_at(tokio::time::Instant::now() + PING, PING);
    loop {
        let sent = tokio::select! {
            say = said.recv() => match say {
                Some(Say::Text(text)) => {
                    recorder.count(Count::MessagesIn, 1);
                    stream.send(Message::text(text)).await
                }
                Some(Say::Close) => stream.close(None).await,
                None => return (1006, "dropped by the tester".into()),
            },
            heard = stream.next() => match heard {
                Some(Ok(Message::Text(text))) => {
                    if text.as_str() != "pong" {
                        recorder.count(Count::MessagesOut, 1);
                        tell(Heard::Text(text.as_str().to_owned()));
                    }
                    Ok(())
                }
                Some(Ok(Message::Close(frame))) => {
                    let ended = frame.map_or((1005, String::new()), |frame| (frame.code.into(), frame.reason.as_str().to_owned()));
                    // The answer to the close is sent when the stream is read to its end.
                    while let Some(Ok(_)) = stream.next().await {}
                    return ended;
                }
                Some(Ok(_)) => Ok(()),
                Some(Err(error)) => return (1006, error.to_string()),
                None => return (1006, "the connection ended".into()),
            },
            _ = ping.tick() => {
                recorder.count(Count::Pings, 1);
                stream.send(Message::text("ping")).await
            },
        };
        if let Err(error) = sent {
            return (1006, error.to_string());
        }
    }
}
