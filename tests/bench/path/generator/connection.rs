//! One kept HTTP/1.1 connection: writes a request, reads its whole answer.

use crate::options::quit;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

/// An answer that takes longer is a failure.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

pub(crate) struct Connection {
    address: String,
    stream: TcpStream,
    buffer: Vec<u8>,
}

fn connect(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap_or_else(|error| quit(&format!("{address}: {error}")));
    let set = stream.set_nodelay(true).and_then(|()| stream.set_read_timeout(Some(ANSWER_WITHIN)));
    set.unwrap_or_else(|error| quit(&format!("{address}: {error}")));
    stream
}

impl Connection {
    pub(crate) fn new(address: &str) -> Self {
        Self { address: address.to_owned(), stream: connect(address), buffer: Vec::with_capacity(16 * 1024) }
    }

    pub(crate) const fn stream(&mut self) -> &mut TcpStream {
        &mut self.stream
    }

    /// Asks for another protocol; gives what came behind the answer's head.
    pub(crate) fn upgrade(&mut self, request: &[u8]) -> Result<Vec<u8>, String> {
        self.stream.write_all(request).map_err(|error| error.to_string())?;
        self.buffer.clear();
        loop {
            if let Some(at) = find(&self.buffer, b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&self.buffer[..at]);
                let is = head.split(' ').nth(1) == Some("101");
                return if is { Ok(self.buffer.split_off(at + 4)) } else { Err(head.chars().take(300).collect()) };
            }
            self.read_more()?;
        }
    }

    /// Opens it anew, after a failure.
    pub(crate) fn open(&mut self) {
        self.stream = connect(&self.address);
    }

    /// Sends a request; fails unless the answer is a good one (2xx) whose body contains a text.
    pub(crate) fn ask(&mut self, request: &[u8], expect: &str) -> Result<(), String> {
        self.stream.write_all(request).map_err(|error| error.to_string())?;
        let (status, body_at) = self.answer()?;
        let body = String::from_utf8_lossy(&self.buffer[body_at..]);
        if (200..300).contains(&status) && body.contains(expect) {
            Ok(())
        } else {
            Err(format!("{status} {}", body.chars().take(300).collect::<String>()))
        }
    }

    /// Reads a whole answer; its status, and where its body begins.
    fn answer(&mut self) -> Result<(u16, usize), String> {
        self.buffer.clear();
        let body_at = loop {
            if let Some(at) = find(&self.buffer, b"\r\n\r\n") {
                break at + 4;
            }
            self.read_more()?;
        };
        let head = String::from_utf8_lossy(&self.buffer[..body_at]).to_lowercase();
        let status = head.split(' ').nth(1).and_then(|text| text.parse().ok()).ok_or("no HTTP answer")?;
        let header = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        if let Some(length) = header("content-length:").and_then(|text| text.parse::<usize>().ok()) {
            while self.buffer.len() < body_at + length {
                self.read_more()?;
            }
        } else if header("transfer-encoding:") == Some("chunked") {
            while !self.buffer.ends_with(b"0\r\n\r\n") {
                self.read_more()?;
            }
        }
        Ok((status, body_at))
    }

    fn read_more(&mut self) -> Result<(), String> {
        let mut part = [0; 16 * 1024];
        let count = self.stream.read(&mut part).map_err(|error| error.to_string())?;
        if count == 0 {
            return Err("the connection was closed".into());
        }
        self.buffer.extend_from_slice(&part[..count]);
        Ok(())
    }
}

fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}
