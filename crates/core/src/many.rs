//! Many slices in one call: neighbours come in one request.

use std::collections::HashMap;

use futures::StreamExt;
use futures::future::BoxFuture;
use opendal_core::{Buffer, BytesRange};

use crate::error::Result;
use crate::pin::Pin;
use crate::span::{Span, content_range};
use crate::store::Store;
use crate::target::{Sink, Target};

/// Bytes between two slices that are cheaper to fetch than to ask around: what a request costs
/// a server and the network in between, as bytes.
const MAX_GAP_BYTES: u64 = 1 << 20;

/// One slice of [`Store::read_many`].
#[derive(Debug)]
pub struct Wanted {
    /// The file.
    pub path: String,
    /// Which bytes of it.
    pub span: Span,
    /// Room for them, for a span with a start and an end of which neither is negative.
    pub room: Option<Target>,
}

/// What became of one.
#[derive(Debug)]
pub enum Got {
    /// There was no room: here they are.
    Bytes(Buffer),
    /// So many bytes were put into the room; fewer than it has when the file ends before.
    Filled(usize),
}

/// What became of the slice of an index.
type Outcome = (usize, Result<Got>);

/// A slice on its way into its room.
#[derive(Debug)]
struct Piece {
    index: usize,
    start: u64,
    room: Target,
    len: usize,
}

impl Piece {
    fn end(&self) -> u64 {
        self.start + self.len as u64
    }
}

/// One request that serves some pieces, sorted by where they begin.
#[derive(Debug)]
struct Chunk {
    path: String,
    start: u64,
    end: u64,
    pieces: Vec<Piece>,
}

/// Puts the bytes of a chunk where they belong; pieces may overlap.
struct Scatter<'a> {
    at: u64,
    pieces: &'a mut [Piece],
}

impl Sink for Scatter<'_> {
    fn put(&mut self, piece: Buffer) -> Result<()> {
        for bytes in piece {
            let (from, to) = (self.at, self.at + bytes.len() as u64);
            self.at = to;
            for piece in &mut *self.pieces {
                if piece.start >= to {
                    break;
                }
                let (first, last) = (piece.start.max(from), piece.end().min(to));
                if first < last {
                    piece
                        .room
                        .fill(&bytes[(first - from) as usize..(last - from) as usize]);
                }
            }
            // What is full at the front needs no look any more.
            let full = self.pieces.iter().take_while(|p| p.end() <= to).count();
            let pieces = std::mem::take(&mut self.pieces);
            self.pieces = &mut pieces[full..];
        }
        Ok(())
    }
}

/// Sort slices into requests of at most `max_bytes`: neighbours of the same file with at most
/// `max_gap` bytes between them share one.
fn chunks(pieces: Vec<(String, Piece)>, max_gap: u64, max_bytes: u64) -> Vec<Chunk> {
    let mut files: HashMap<String, Vec<Piece>> = HashMap::new();
    for (path, piece) in pieces {
        files.entry(path).or_default().push(piece);
    }
    let mut out: Vec<Chunk> = Vec::new();
    for (path, mut pieces) in files {
        pieces.sort_by_key(|p| p.start);
        let mut current: Option<Chunk> = None;
        for piece in pieces {
            let end = piece.end();
            match &mut current {
                Some(chunk)
                    if piece.start <= chunk.end.saturating_add(max_gap)
                        && end.max(chunk.end) - chunk.start <= max_bytes =>
                {
                    chunk.end = chunk.end.max(end);
                    chunk.pieces.push(piece);
                }
                _ => out.extend(current.replace(Chunk {
                    path: path.clone(),
                    start: piece.start,
                    end,
                    pieces: vec![piece],
                })),
            }
        }
        out.extend(current);
    }
    out
}

impl Store {
    /// Many slices at once, each with its own outcome, in the order given. Slices of one file
    /// with at most `max_gap` bytes between them (1 MiB when not given) share requests of up to
    /// the part size; on local stores each is read for itself.
    pub async fn read_many(&self, wanted: Vec<Wanted>, max_gap: Option<u64>) -> Vec<Result<Got>> {
        let mut out: Vec<Option<Result<Got>>> = Vec::new();
        out.resize_with(wanted.len(), || None);
        let mut requests: Vec<BoxFuture<'_, Vec<Outcome>>> = Vec::new();
        let mut roomy = Vec::new();
        for (index, one) in wanted.into_iter().enumerate() {
            match (one.room, one.span.start) {
                (Some(room), Some(start)) if start >= 0 && !room.is_empty() => {
                    let (start, len) = (start.unsigned_abs(), room.len());
                    let piece = Piece {
                        index,
                        start,
                        room,
                        len,
                    };
                    roomy.push((one.path, piece));
                }
                _ => requests.push(Box::pin(async move {
                    let got = self.read(&one.path, one.span).await;
                    vec![(index, got.map(Got::Bytes))]
                })),
            }
        }
        let (gap, most) = match self.is_local() {
            true => (0, 0),
            false => (max_gap.unwrap_or(MAX_GAP_BYTES), self.part_bytes() as u64),
        };
        for chunk in chunks(roomy, gap, most) {
            requests.push(Box::pin(self.read_chunk(chunk)));
        }
        let mut done = futures::stream::iter(requests).buffer_unordered(self.max_concurrency());
        while let Some(results) = done.next().await {
            for (index, result) in results {
                out[index] = Some(result);
            }
        }
        out.into_iter()
            .map(|r| r.expect("each index is in one request"))
            .collect()
    }

    async fn read_chunk(&self, mut chunk: Chunk) -> Vec<Outcome> {
        let result = self.fill_chunk(&mut chunk).await;
        let pieces = chunk.pieces.into_iter();
        pieces
            .map(|p| match &result {
                Ok(()) => (p.index, Ok(Got::Filled(p.len - p.room.len()))),
                Err(e) => (p.index, Err(e.clone())),
            })
            .collect()
    }

    async fn fill_chunk(&self, chunk: &mut Chunk) -> Result<()> {
        let place = self.file_place("read", &chunk.path)?;
        let range = BytesRange::from(chunk.start..chunk.end);
        let Some(answer) = self.open(&place, range, &Pin::default()).await? else {
            return Ok(());
        };
        let expected = answer
            .total()
            .map(|total| content_range(range, total))
            .transpose()
            .map_err(|e| self.error("read", &place, &e))?;
        let mut scatter = Scatter {
            at: chunk.start,
            pieces: &mut chunk.pieces,
        };
        let count = self.drain(&place, answer, &mut scatter).await?;
        self.expect(&place, count, expected.map_or(0, |e| e.end - e.start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::{lend, memory};

    fn piece(index: usize, start: u64, len: usize) -> Piece {
        let (room, _) = lend(memory(len));
        Piece {
            index,
            start,
            room,
            len,
        }
    }

    fn plan(spans: &[(&str, u64, usize)], gap: u64, most: u64) -> Vec<(String, u64, u64)> {
        let pieces = spans
            .iter()
            .enumerate()
            .map(|(i, (path, start, len))| ((*path).to_owned(), piece(i, *start, *len)))
            .collect();
        let mut out: Vec<_> = chunks(pieces, gap, most)
            .into_iter()
            .map(|c| (c.path, c.start, c.end))
            .collect();
        out.sort();
        out
    }

    #[test]
    fn neighbours_share_a_request_and_strangers_do_not() {
        let spans = [("a", 100, 10), ("a", 0, 10), ("a", 15, 10), ("b", 26, 4)];
        let want = [("a", 0, 25), ("a", 100, 110), ("b", 26, 30)];
        assert_eq!(
            plan(&spans, 5, 1000),
            want.map(|(p, s, e)| (p.to_owned(), s, e))
        );
    }

    #[test]
    fn a_request_grows_no_larger_than_a_part() {
        let spans = [("a", 0, 10), ("a", 10, 10), ("a", 20, 10)];
        let want = [("a", 0, 20), ("a", 20, 30)];
        assert_eq!(
            plan(&spans, 5, 20),
            want.map(|(p, s, e)| (p.to_owned(), s, e))
        );
    }

    #[test]
    fn overlapping_slices_each_get_all_their_bytes() {
        let spans = [(0_u64, 10_usize), (2, 3), (4, 20), (4, 1), (12, 4)];
        let content: Vec<u8> = (0..30).collect();
        for step in 1..12 {
            let (rooms, lent): (Vec<_>, Vec<_>) =
                spans.iter().map(|(_, n)| lend(memory(*n))).unzip();
            let mut pieces: Vec<Piece> = rooms
                .into_iter()
                .zip(spans)
                .enumerate()
                .map(|(index, (room, (start, len)))| Piece {
                    index,
                    start,
                    room,
                    len,
                })
                .collect();
            let mut scatter = Scatter {
                at: 0,
                pieces: &mut pieces,
            };
            for bytes in content.chunks(step) {
                scatter.put(Buffer::from(bytes.to_vec())).unwrap();
            }
            drop(pieces);
            for (lent, (start, len)) in lent.into_iter().zip(spans) {
                let start = start as usize;
                assert_eq!(lent.take().unwrap(), content[start..start + len]);
            }
        }
    }
}
