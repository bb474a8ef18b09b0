//! The socket of a connection, which tells its slot what happens.

use super::connections::{Phase, SlotGuard};
use crate::memory::Reservation;
use qsdm_primitives::limits::RPC_LARGE_BYTES;
use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::atomic::Ordering,
    task::{Context, Poll, ready},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// A socket that counts as a connection while it lives.
pub(super) struct ConnectionIo {
    stream: TcpStream,
    guard: SlotGuard,
    /// For the part of a large websocket message that has arrived.
    arrived: Reservation,
}

impl ConnectionIo {
    pub(super) fn new(stream: TcpStream, guard: SlotGuard, arrived: Reservation) -> Self {
        Self { stream, guard, arrived }
    }

    fn count_message_bytes(&mut self, bytes: usize) -> io::Result<()> {
        let unread = self.guard.slot.unread_bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if unread <= RPC_LARGE_BYTES {
            self.arrived.release();
        } else if !self.arrived.grow_to(unread) {
            return Err(io::Error::other("too many large messages are being received at once"));
        }
        Ok(())
    }
}

impl AsyncRead for ConnectionIo {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        let bytes = buffer.filled().len() - before;
        if bytes > 0 {
            let slot = &self.guard.slot;
            if slot.is_in(Phase::Websocket) {
                self.count_message_bytes(bytes)?;
            } else {
                // the first byte of the next request
                slot.restart(Phase::Idle, Phase::Header);
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for ConnectionIo {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // http is flushed when all of an answer has been written
        self.guard.slot.advance(Phase::Writing, Phase::Idle);
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
