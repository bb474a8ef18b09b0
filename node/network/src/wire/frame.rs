//! Frames on a stream.

use super::Class;
use crate::error::FrameError;
use futures_util::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use std::{io, time::Duration};
use tokio::time::timeout;

/// What is reserved before any byte of a frame has come.
const FIRST_BYTES: usize = 64 * 1024;

/// The beginning of a frame: its length and its first byte.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head {
    pub(crate) length: usize,
    first: u8,
}

/// Reads frames of one class.
pub(crate) struct FrameReader<S> {
    stream: S,
    class: Class,
    /// The limit for a frame that begins with a byte.
    max: fn(Class, u8) -> usize,
    /// From a frame's first byte to its last.
    limit: Duration,
}

impl<S: AsyncRead + Unpin> FrameReader<S> {
    pub(crate) fn new(stream: S, class: Class, limit: Duration) -> Self {
        Self { stream, class, max: Class::frame_bytes_max, limit }
    }

    /// For the stream on which answers come.
    pub(crate) fn of_answers(stream: S, limit: Duration) -> Self {
        Self { stream, class: Class::Sync, max: |_, _| super::answer_bytes_max(), limit }
    }

    /// The next frame; none where the stream ended between two.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<u8>>, FrameError> {
        match self.head().await? {
            None => Ok(None),
            Some(head) => self.body(head).await.map(Some),
        }
    }

    /// Waits for a frame and checks its length. Nothing is reserved for it yet, and nothing more of it is read.
    pub(crate) async fn head(&mut self) -> Result<Option<Head>, FrameError> {
        let mut length = [0; 4];
        if self.stream.read(&mut length[..1]).await? == 0 {
            return Ok(None);
        }
        let mut first = [0];
        let rest = async {
            self.stream.read_exact(&mut length[1..]).await?;
            // an empty frame has no first byte, and is refused below
            if length != [0; 4] {
                self.stream.read_exact(&mut first).await?;
            }
            io::Result::Ok(())
        };
        let read = timeout(self.limit, rest).await;
        read.map_err(|_| self.slow(0))??;
        let found = usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX);
        let max = (self.max)(self.class, first[0]);
        match found {
            0 => Err(FrameError::Empty { class: self.class }),
            found if found > max => Err(FrameError::TooLong { class: self.class, found, max }),
            length => Ok(Some(Head { length, first: first[0] })),
        }
    }

    /// The frame's content. Memory grows with what comes, not with what is claimed.
    pub(crate) async fn body(&mut self, head: Head) -> Result<Vec<u8>, FrameError> {
        let mut frame = Vec::with_capacity(head.length.min(FIRST_BYTES));
        frame.push(head.first);
        let rest = async {
            while frame.len() < head.length {
                let start = frame.len();
                let more = (head.length - start).min(start.max(FIRST_BYTES));
                frame.resize(start + more, 0);
                self.stream.read_exact(&mut frame[start..]).await?;
            }
            io::Result::Ok(())
        };
        let read = timeout(self.limit, rest).await;
        read.map_err(|_| self.slow(head.length))??;
        Ok(frame)
    }

    fn slow(&self, claimed: usize) -> FrameError {
        FrameError::Slow { class: self.class, claimed, ms: self.limit.as_millis() as u64 }
    }
}

/// The length that stands before a frame's content.
pub(crate) fn header(content: &[u8]) -> [u8; 4] {
    u32::try_from(content.len()).unwrap_or(u32::MAX).to_le_bytes()
}

/// Writes a frame at once.
pub(crate) async fn write<S: AsyncWrite + Unpin>(stream: &mut S, content: &[u8]) -> io::Result<()> {
    stream.write_all(&header(content)).await?;
    stream.write_all(content).await?;
    stream.flush().await
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::io::Cursor;
    use proptest::prelude::*;

    fn read_all(class: Class, bytes: &[u8]) -> Result<Vec<Vec<u8>>, FrameError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let mut reader = FrameReader::new(Cursor::new(bytes), class, Duration::from_secs(5));
            let mut frames = Vec::new();
            while let Some(frame) = reader.next().await? {
                frames.push(frame);
            }
            Ok(frames)
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(
            frames in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..2_000), 0..20)
        ) {
            let mut bytes = Vec::new();
            for frame in &frames {
                bytes.extend_from_slice(&header(frame));
                bytes.extend_from_slice(frame);
            }
            prop_assert_eq!(read_all(Class::Transactions, &bytes).unwrap(), frames);
        }

        #[test]
        fn any_bytes_end_in_frames_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..4_000)) {
            for class in Class::ALL {
                if let Ok(frames) = read_all(class, &bytes) {
                    let total: usize = frames.iter().map(|frame| frame.len() + 4).sum();
                    prop_assert_eq!(total, bytes.len());
                }
            }
        }
    }

    #[test]
    fn a_frame_over_its_limit_is_refused_by_its_head() {
        for class in Class::ALL {
            let max = class.frame_bytes_max(2);
            let mut bytes = (max as u32 + 1).to_le_bytes().to_vec();
            bytes.push(2);
            let refused = read_all(class, &bytes);
            assert!(
                matches!(refused, Err(FrameError::TooLong { found, .. }) if found == max + 1),
                "{class}: {refused:?}"
            );
        }
        assert!(matches!(read_all(Class::Acks, &[0; 4]), Err(FrameError::Empty { .. })));
        assert!(matches!(read_all(Class::Acks, &[9, 0, 0, 0, 1]), Err(FrameError::Broken(_))));
    }
}
