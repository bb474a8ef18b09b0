//! Websockets: many calls at a time, and subscriptions.

use super::{
    config::ServerLimits,
    connections::{Phase, Slot},
    http::Service,
    reply::{self, Reply},
};
use crate::{
    CallContext, RpcError,
    answer::Answer,
    dispatch::Caller,
    subscription::{Notice, Outbox, Subscriptions},
};
use bytes::Bytes;
use futures_util::{FutureExt, SinkExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use hyper::{
    Request, StatusCode,
    body::Incoming,
    header::{self, HeaderMap, HeaderName, HeaderValue},
    upgrade::Upgraded,
};
use hyper_util::rt::TokioIo;
use std::{
    collections::VecDeque,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::watch,
    time::Instant,
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Error as SocketError, Message,
        handshake::derive_accept_key,
        protocol::{
            CloseFrame, Role, WebSocketConfig,
            frame::{
                Frame,
                coding::{CloseCode, Data as OpData, OpCode},
            },
        },
    },
};

/// How long a closing websocket is waited for.
const CLOSE_TIME: Duration = Duration::from_secs(2);
/// A close frame is a control frame (RFC 6455, section 5.5): 125 bytes with the code.
const CLOSE_REASON_BYTES_MAX: usize = 123;
const READ_BUFFER_BYTES: usize = 16 * 1024;

/// Whether a request wants to become a websocket.
pub(super) fn is_wanted(headers: &HeaderMap) -> bool {
    lists(headers, header::UPGRADE, "websocket")
}

fn lists(headers: &HeaderMap, name: HeaderName, wanted: &str) -> bool {
    let mut values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.any(|value| value.split(',').any(|token| token.trim().eq_ignore_ascii_case(wanted)))
}

/// Accepts a websocket (RFC 6455, section 4.2.2): the connection goes on as one after this answer.
pub(super) fn upgrade<S: Send + Sync + 'static>(
    service: &Arc<Service<S>>,
    slot: &Arc<Slot>,
    context: CallContext,
    mut request: Request<Incoming>,
) -> Result<Reply, Box<Reply>> {
    let headers = request.headers();
    let refusal = |status, message: &'static str| Box::new(reply::refusal(status, &RpcError::invalid_request(message)));
    if headers.get(header::SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        let mut reply = refusal(StatusCode::UPGRADE_REQUIRED, "only websocket version 13 is spoken");
        reply.headers_mut().insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        return Err(reply);
    }
    let key = headers.get(header::SEC_WEBSOCKET_KEY).filter(|_| lists(headers, header::CONNECTION, "upgrade"));
    let Some(accept) = key.and_then(|key| HeaderValue::from_str(&derive_accept_key(key.as_bytes())).ok()) else {
        return Err(refusal(StatusCode::BAD_REQUEST, "not a websocket handshake"));
    };
    let upgraded = hyper::upgrade::on(&mut request);
    let (service, slot) = (Arc::clone(service), Arc::clone(slot));
    tokio::spawn(async move {
        // the 101 may never be read: then the connection stays an http one and ends as such
        let waited = tokio::time::timeout(service.limits.header_timeout, upgraded).await;
        if let Ok(Ok(upgraded)) = waited {
            slot.enter(Phase::Websocket);
            let session = tokio::spawn(serve(service, Arc::clone(&slot), context, upgraded));
            slot.run_by(session.abort_handle());
        }
    });
    let mut reply = reply::empty(StatusCode::SWITCHING_PROTOCOLS);
    let headers = reply.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    Ok(reply)
}

type Socket = WebSocketStream<TokioIo<Upgraded>>;
type Call = BoxFuture<'static, Option<Answer>>;

/// Why a websocket ends.
enum End {
    /// With a code and its reason, to be sent.
    Close(CloseCode, String),
    /// There is nobody to tell.
    Gone,
}

async fn serve<S: Send + Sync + 'static>(
    service: Arc<Service<S>>,
    slot: Arc<Slot>,
    context: CallContext,
    upgraded: Upgraded,
) {
    let limits = &service.limits;
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER_BYTES)
        .max_message_size(Some(limits.body_bytes))
        .max_frame_size(Some(limits.body_bytes));
    let socket = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(config)).await;
    let subscriptions = Subscriptions::new();
    let outbox = subscriptions.outbox();
    let caller = Arc::new(Caller { context, subscriptions: Some(subscriptions) });
    let stopped = service.stopped.clone();
    let mut session =
        Session { service: Arc::clone(&service), slot, caller, outbox, socket, calls: FuturesUnordered::new() };
    if let End::Close(code, reason) = session.run(stopped).await {
        session.close(code, reason).await;
    }
}

struct Session<S> {
    service: Arc<Service<S>>,
    slot: Arc<Slot>,
    caller: Arc<Caller>,
    outbox: Arc<Outbox>,
    socket: Socket,
    /// Calls that didn't end at once; dropping one cancels it.
    calls: FuturesUnordered<Call>,
}

impl<S: Send + Sync + 'static> Session<S> {
    async fn run(&mut self, mut stopped: watch::Receiver<bool>) -> End {
        let ServerLimits { websocket_calls, websocket_ping, idle_timeout, .. } = self.service.limits;
        let mut heard = Instant::now();
        let mut ping = tokio::time::interval_at(heard + websocket_ping, websocket_ping);
        let outbox = Arc::clone(&self.outbox);
        loop {
            let result = tokio::select! {
                () = stop(&mut stopped) => return self.finish().await,
                reason = outbox.overflowed() => return End::Close(CloseCode::Policy, reason),
                message = self.socket.next(), if self.calls.len() < websocket_calls => {
                    heard = Instant::now();
                    self.receive(message).await
                }
                Some(answer) = self.calls.next() => self.send_answer(answer).await,
                notices = outbox.take() => self.send_notices(notices).await,
                _ = ping.tick() => {
                    if heard.elapsed() > idle_timeout {
                        return End::Close(CloseCode::Policy, format!("no answer to pings for {} ms", idle_timeout.as_millis()));
                    }
                    self.write(async |socket| socket.send(Message::Ping(Bytes::new())).await).await
                }
            };
            if let Err(end) = result {
                return end;
            }
        }
    }

    async fn receive(&mut self, message: Option<Result<Message, SocketError>>) -> Result<(), End> {
        let body: Bytes = match message {
            Some(Ok(Message::Text(text))) => text.into(),
            Some(Ok(Message::Binary(bytes))) => bytes,
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => return Ok(()),
            // the library has answered the close frame
            Some(Ok(Message::Close(_))) | None => return Err(End::Gone),
            Some(Err(SocketError::Capacity(_))) => {
                let most = self.service.limits.body_bytes;
                return Err(End::Close(CloseCode::Size, format!("a message may have {most} bytes")));
            }
            Some(Err(SocketError::Utf8(_))) => return Err(End::Close(CloseCode::Invalid, "not UTF-8".to_owned())),
            Some(Err(SocketError::Protocol(error))) => return Err(End::Close(CloseCode::Protocol, error.to_string())),
            Some(Err(_)) => return Err(End::Gone),
        };
        self.slot.unread_bytes.store(0, Ordering::Relaxed);
        let mut call = self.call(body);
        // nearly all calls end at once; the others go on beside the next messages
        match (&mut call).now_or_never() {
            Some(answer) => self.send_answer(answer).await,
            None => {
                self.calls.push(call);
                Ok(())
            }
        }
    }

    fn call(&self, body: Bytes) -> Call {
        let (service, caller) = (Arc::clone(&self.service), Arc::clone(&self.caller));
        Box::pin(async move { service.dispatcher.answer(&body, &caller).await })
    }

    /// Sends an answer, a large one in pieces: the library copies what it sends, and keeps a buffer of that size.
    async fn send_answer(&mut self, answer: Option<Answer>) -> Result<(), End> {
        let Some(answer) = answer else { return Ok(()) };
        let (pieces, _held) = answer.into_pieces();
        let (mut kind, mut left) = (OpData::Text, pieces.len());
        for piece in pieces {
            left -= 1;
            let frame = Frame::message(piece, OpCode::Data(kind), left == 0);
            self.write(async |socket| socket.send(Message::Frame(frame)).await).await?;
            kind = OpData::Continue;
        }
        Ok(())
    }

    async fn send_notices(&mut self, notices: VecDeque<Notice>) -> Result<(), End> {
        self.write(async |socket| {
            for notice in notices {
                socket.feed(Message::text(notice.message())).await?;
            }
            socket.flush().await
        })
        .await
    }

    /// Writes, for as long as a reader may take, and no longer than it takes it to fall behind with its subscriptions.
    async fn write(&mut self, write: impl AsyncFnOnce(&mut Socket) -> Result<(), SocketError>) -> Result<(), End> {
        tokio::select! {
            biased;
            written = tokio::time::timeout(self.service.limits.idle_timeout, write(&mut self.socket)) => match written {
                Ok(Ok(())) => Ok(()),
                Ok(Err(_)) | Err(_) => Err(End::Gone),
            },
            reason = self.outbox.overflowed() => Err(End::Close(CloseCode::Policy, reason)),
        }
    }

    /// The server stops: calls in progress are answered if they end soon.
    async fn finish(&mut self) -> End {
        let soon = Instant::now() + self.service.limits.shutdown_time / 2;
        while let Ok(Some(answer)) = tokio::time::timeout_at(soon, self.calls.next()).await {
            if let Err(end) = self.send_answer(answer).await {
                return end;
            }
        }
        End::Close(CloseCode::Away, "the node shuts down".to_owned())
    }

    /// Says why, and leaves the other end the time to read it.
    async fn close(mut self, code: CloseCode, mut reason: String) {
        self.calls.clear();
        reason.truncate(reason.floor_char_boundary(CLOSE_REASON_BYTES_MAX));
        let orderly = matches!(code, CloseCode::Away | CloseCode::Policy);
        let closing = async {
            self.socket.send(Message::Close(Some(CloseFrame { code, reason: reason.into() }))).await?;
            if orderly {
                while let Some(Ok(_)) = self.socket.next().await {}
            }
            // what comes after a broken message can't be understood; unread, it would reset the connection
            let mut io = self.socket.into_inner();
            io.shutdown().await?;
            let mut unread = [0; 4096];
            while io.read(&mut unread).await? > 0 {}
            Ok::<_, SocketError>(())
        };
        // it ends here one way or the other
        let _ = tokio::time::timeout(CLOSE_TIME, closing).await;
    }
}

async fn stop(stopped: &mut watch::Receiver<bool>) {
    // an error means that the server is gone, which is a stop too
    let _ = stopped.wait_for(|stopped| *stopped).await;
}
