//! One WebSocket (RFC 6455): writes frames that are made already, reads until the answer has come.

use crate::connection::Connection;
use std::io::{Read as _, Write as _};

const TEXT: u8 = 1;
const CLOSE: u8 = 8;

pub(crate) struct Socket {
    connection: Connection,
    /// What was read and not looked at.
    rest: Vec<u8>,
}

impl Socket {
    /// Opens a socket by its upgrade request, and sends its first frame, if it has one, which is answered with `welcome`.
    pub(crate) fn open(address: &str, upgrade: &[u8], first: Option<&[u8]>, welcome: &str) -> Result<Self, String> {
        let mut connection = Connection::new(address);
        let rest = connection.upgrade(upgrade)?;
        let mut socket = Self { connection, rest };
        if let Some(first) = first {
            socket.ask(first, welcome)?;
        }
        Ok(socket)
    }

    /// Sends a frame, and reads messages until one contains a text.
    pub(crate) fn ask(&mut self, frame: &[u8], expect: &str) -> Result<(), String> {
        self.connection.stream().write_all(frame).map_err(|error| error.to_string())?;
        loop {
            let message = self.message()?;
            let text = String::from_utf8_lossy(&message);
            if text.contains("\"nack\"") || text.contains("\"type\":\"error\"") {
                return Err(text.chars().take(300).collect());
            }
            if text.contains(expect) {
                return Ok(());
            }
        }
    }

    /// The next text message; servers send theirs unmasked, and here never in parts.
    fn message(&mut self) -> Result<Vec<u8>, String> {
        loop {
            if let Some((kind, from, to)) = frame(&self.rest) {
                let payload = self.rest[from..to].to_vec();
                self.rest.drain(..to);
                match kind {
                    TEXT => return Ok(payload),
                    CLOSE => {
                        let code = payload.first_chunk::<2>().map(|code| u16::from_be_bytes(*code));
                        return Err(format!("the socket was closed: {code:?}"));
                    }
                    _ => continue,
                }
            }
            let mut part = [0; 16 * 1024];
            let count = self.connection.stream().read(&mut part).map_err(|error| error.to_string())?;
            if count == 0 {
                return Err("the socket was cut off".into());
            }
            self.rest.extend_from_slice(&part[..count]);
        }
    }
}

/// The first frame of some bytes, if it is whole: its kind, and where its payload begins and ends.
fn frame(bytes: &[u8]) -> Option<(u8, usize, usize)> {
    let [first, second, after @ ..] = bytes else { return None };
    let (length, from) = match second & 127 {
        126 => (u16::from_be_bytes(*after.first_chunk()?) as usize, 4),
        127 => (usize::try_from(u64::from_be_bytes(*after.first_chunk()?)).ok()?, 10),
        short => (short as usize, 2),
    };
    (bytes.len() >= from + length).then_some((first & 15, from, from + length))
}
