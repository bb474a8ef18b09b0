//! The buffer that answers are written into.

use crate::{
    RpcError,
    memory::{ByteBudget, Reservation},
};
use bytes::Bytes;
use qsdm_primitives::limits::RPC_LARGE_BYTES;
use serde::Serialize;
use std::{collections::VecDeque, io, sync::Arc};

/// An answer in pieces: a usual one is one piece; a large one is never moved as it grows, and counts against the budget
/// of all large answers from its second piece on, so that what is being written is bounded as well as what waits.
pub(crate) struct Answer {
    full: VecDeque<Bytes>,
    full_bytes: usize,
    last: Vec<u8>,
    limit_bytes: usize,
    held: Reservation,
}

const PIECE_BYTES: usize = RPC_LARGE_BYTES;

impl Answer {
    /// Nothing yet, with room for a usual answer. `limit_bytes` is for results; what surrounds them is small.
    pub(crate) fn new(limit_bytes: usize, large: &Arc<ByteBudget>) -> Self {
        let held = large.reservation();
        Self { full: VecDeque::new(), full_bytes: 0, last: Vec::with_capacity(256), limit_bytes, held }
    }

    pub(crate) fn len(&self) -> usize {
        self.full_bytes + self.last.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends a part of what surrounds results.
    pub(crate) fn push(&mut self, text: &[u8]) {
        self.last.extend_from_slice(text);
    }

    /// Takes back all but the first `length` bytes.
    pub(crate) fn truncate(&mut self, length: usize) {
        while self.full_bytes > length
            && let Some(piece) = self.full.pop_back()
        {
            self.full_bytes -= piece.len();
            self.last = piece.into();
        }
        self.last.truncate(length - self.full_bytes);
    }

    /// Appends a whole answer that is an error.
    pub(crate) fn push_error(&mut self, id: &str, error: &RpcError) {
        self.push(br#"{"jsonrpc":"2.0","id":"#);
        self.push(id.as_bytes());
        self.push(br#","error":"#);
        // a number, a string and raw JSON: neither these nor writing to memory can fail
        let _ = serde_json::to_writer(&mut self.last, error);
        self.push(b"}");
    }

    /// Appends a result.
    pub(crate) fn write(&mut self, result: &impl Serialize) -> Result<(), RpcError> {
        serde_json::to_writer(&mut *self, result).map_err(|error| match error.io_error_kind() {
            Some(io::ErrorKind::ResourceBusy) => busy(),
            Some(_) => RpcError::response_too_large(self.limit_bytes),
            None => RpcError::internal(format!("the result cannot be written as JSON: {error}")),
        })
    }

    /// Appends a result that was written elsewhere.
    pub(crate) fn append(&mut self, mut other: Self) -> Result<(), RpcError> {
        let bytes = other.len();
        if bytes > self.limit_bytes.saturating_sub(self.len()) {
            return Err(RpcError::response_too_large(self.limit_bytes));
        }
        if other.full.is_empty() {
            self.push(&other.last);
            return Ok(());
        }
        other.held.release();
        if !self.held.grow_to(self.len() + bytes) {
            return Err(busy());
        }
        self.close_piece();
        self.full_bytes += other.full_bytes;
        self.full.append(&mut other.full);
        self.last = other.last;
        Ok(())
    }

    /// The pieces, and what they hold of the budget until they are gone.
    pub(crate) fn into_pieces(mut self) -> (VecDeque<Bytes>, Reservation) {
        self.close_piece();
        (self.full, self.held)
    }

    fn close_piece(&mut self) {
        if !self.last.is_empty() {
            self.full_bytes += self.last.len();
            self.full.push_back(std::mem::take(&mut self.last).into());
        }
    }
}

impl io::Write for Answer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes).map(|()| bytes.len())
    }

    // serde_json calls this one only
    fn write_all(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        if bytes.len() > self.limit_bytes.saturating_sub(self.len()) {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        while bytes.len() > PIECE_BYTES.saturating_sub(self.last.len()) {
            let (now, later) = bytes.split_at(PIECE_BYTES.saturating_sub(self.last.len()));
            if !self.held.grow_to(self.len() + PIECE_BYTES) {
                return Err(io::ErrorKind::ResourceBusy.into());
            }
            self.last.extend_from_slice(now);
            self.close_piece();
            self.last.reserve_exact(PIECE_BYTES);
            bytes = later;
        }
        self.last.extend_from_slice(bytes);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn busy() -> RpcError {
    RpcError::limit_exceeded("busy: too many large answers are being written and fetched, try again")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(answer: Answer) -> String {
        let (pieces, _) = answer.into_pieces();
        String::from_utf8(pieces.into_iter().flatten().collect()).unwrap()
    }

    #[test]
    fn an_answer_is_the_same_in_one_piece_and_in_many() {
        let large = ByteBudget::new(10_000_000);
        for bytes in [0, 1, 65_530, 65_535, 65_536, 65_537, 200_000, 1_000_000] {
            let mut answer = Answer::new(4_000_000, &large);
            answer.push(b"[");
            answer.write(&"x".repeat(bytes)).unwrap();
            answer.push(b",");
            let kept = answer.len();
            answer.write(&vec![7; bytes / 2]).unwrap();
            answer.truncate(kept);
            let mut other = Answer::new(4_000_000, &large);
            other.write(&"y".repeat(bytes)).unwrap();
            answer.append(other).unwrap();
            answer.push(b"]");
            assert_eq!(text(answer), format!(r#"["{}","{}"]"#, "x".repeat(bytes), "y".repeat(bytes)), "{bytes}");
        }
        assert!(large.reservation().grow_to(10_000_000), "all of it was given back");
    }

    #[test]
    fn what_exceeds_the_limit_or_the_budget_is_refused_and_can_be_taken_back() {
        let large = ByteBudget::new(500_000);
        let mut answer = Answer::new(300_000, &large);
        answer.push(b"[");
        assert_eq!(answer.write(&"x".repeat(300_000)).unwrap_err().code, -32003);
        assert_eq!(answer.write(&vec![1_u64; 200_000]).unwrap_err().code, -32003);
        answer.truncate(1);
        answer.write(&"x".repeat(250_000)).unwrap();
        let mut second = Answer::new(300_000, &large);
        assert_eq!(second.write(&"x".repeat(250_000)).unwrap_err().code, -32005);
        drop(answer);
        second.truncate(0);
        second.write(&"x".repeat(250_000)).unwrap();
        assert_eq!(text(second).len(), 250_002);
    }
}
