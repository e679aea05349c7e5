//! The texts of rows in a file: lines, or the items of a JSON array; gzipped or not.

use crate::Refusal;
use flate2::bufread::MultiGzDecoder;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::rc::Rc;

/// A line, in bytes. Beyond: it is left out.
const LINE_BYTES_MAX: u64 = 1024 * 1024;

/// Where a row stands: its line, or its place in the array, from 1.
pub(super) type Place = u32;

/// Reads a file; gives each row's place and its text, or why it has none, and how many bytes of the file are read.
pub(super) fn each_row(file: &Path, mut take: impl FnMut(Place, Result<&str, String>, u64)) -> Result<(), Refusal> {
    let unreadable = |error: io::Error| Refusal(format!("{} cannot be read: {error}", file.display()));
    let read = Rc::new(Cell::new(0));
    let raw: Box<dyn Read> =
        if file.as_os_str() == "-" { Box::new(io::stdin()) } else { Box::new(File::open(file).map_err(unreadable)?) };
    let mut reader = opened(Counted { raw, read: Rc::clone(&read) }).map_err(unreadable)?;
    if first_byte(&mut reader).map_err(unreadable)? == Some(b'[') {
        let mut text = String::new();
        reader.read_to_string(&mut text).map_err(unreadable)?;
        return each_item(&text, &mut |place, row| take(place, row, read.get()))
            .map_err(|why| Refusal(format!("{} is not JSON that can be used: {why}", file.display())));
    }
    let (mut line, mut place) = (Vec::new(), 0_u32);
    loop {
        line.clear();
        if (&mut reader).take(LINE_BYTES_MAX).read_until(b'\n', &mut line).map_err(unreadable)? == 0 {
            return Ok(());
        }
        place = place.saturating_add(1);
        if line.len() as u64 == LINE_BYTES_MAX && !line.ends_with(b"\n") {
            skip_line(&mut reader).map_err(unreadable)?;
            take(place, Err(format!("is longer than {LINE_BYTES_MAX} bytes")), read.get());
            continue;
        }
        match std::str::from_utf8(&line).map(str::trim) {
            Ok("") => {}
            Ok(text) => take(place, Ok(text), read.get()),
            Err(_) => take(place, Err("is not UTF-8".to_owned()), read.get()),
        }
    }
}

/// Counts what is read of a file, before it is unpacked.
struct Counted {
    raw: Box<dyn Read>,
    read: Rc<Cell<u64>>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.raw.read(buffer)?;
        self.read.set(self.read.get() + bytes as u64);
        Ok(bytes)
    }
}

/// Unpacks what begins as gzip does.
fn opened(raw: Counted) -> io::Result<Box<dyn BufRead>> {
    let mut reader = BufReader::with_capacity(256 * 1024, raw);
    let gzipped = reader.fill_buf()?.starts_with(&[0x1f, 0x8b]);
    Ok(if gzipped { Box::new(BufReader::new(MultiGzDecoder::new(reader))) } else { Box::new(reader) })
}

/// The first byte that is no white space, which stays to be read.
fn first_byte(reader: &mut dyn BufRead) -> io::Result<Option<u8>> {
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            return Ok(None);
        }
        // New lines stay where they are, so that lines are counted as an editor counts them.
        let spaces = buffer.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r')).count();
        let found = buffer.get(spaces).copied();
        reader.consume(spaces);
        if found.is_some() {
            return Ok(found);
        }
    }
}

fn skip_line(reader: &mut dyn BufRead) -> io::Result<()> {
    loop {
        let buffer = reader.fill_buf()?;
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let (length, over) = (end.map_or(buffer.len(), |at| at + 1), end.is_some() || buffer.is_empty());
        reader.consume(length);
        if over {
            return Ok(());
        }
    }
}

/// What the database's command line tool prints for a statement.
#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    results: Vec<&'a RawValue>,
}

fn each_item(text: &str, take: &mut dyn FnMut(Place, Result<&str, String>)) -> Result<(), serde_json::Error> {
    let mut place = 0_u32;
    let mut next = |row: &RawValue| {
        place = place.saturating_add(1);
        take(place, Ok(row.get()));
    };
    for item in serde_json::from_str::<Vec<&RawValue>>(text)? {
        match serde_json::from_str::<Answer<'_>>(item.get()) {
            Ok(answer) => answer.results.into_iter().for_each(&mut next),
            Err(_) => next(item),
        }
    }
    Ok(())
}
