//! One http request.

use super::{
    body,
    config::ServerLimits,
    connections::{Connections, Phase, Slot},
    policy::Policy,
    reply::{self, Reply},
    websocket,
};
use crate::{
    CallContext, RpcError, Transport,
    dispatch::{Caller, Dispatcher},
    memory::ByteBudget,
};
use hyper::{
    Method, Request, StatusCode, Version,
    body::Incoming,
    header::{self, HeaderMap, HeaderName, HeaderValue},
};
use std::sync::Arc;
use tokio::sync::watch;

/// What all connections share.
pub(super) struct Service<S> {
    pub(super) dispatcher: Dispatcher<S>,
    pub(super) policy: Policy,
    pub(super) limits: ServerLimits,
    pub(super) connections: Arc<Connections>,
    /// For large requests being received.
    pub(super) requests: Arc<ByteBudget>,
    pub(super) stopped: watch::Receiver<bool>,
}

const HEALTH: &str = "QSDM+ JSON-RPC. POST application/json here, or open a websocket.\n";
const SUBMESH_NAME_BYTES_MAX: usize = 31;
const ALLOW_PRIVATE_NETWORK: HeaderName = HeaderName::from_static("access-control-allow-private-network");

impl<S: Send + Sync + 'static> Service<S> {
    /// Answers, and keeps the connection's slot informed.
    pub(super) async fn serve(self: Arc<Self>, slot: Arc<Slot>, request: Request<Incoming>) -> Reply {
        slot.enter(Phase::Busy);
        let reply = self.checked(&slot, request).await;
        slot.enter(Phase::Writing);
        if self.connections.is_draining() { reply::last(reply) } else { reply }
    }

    /// Lets pass who may call; what their browsers want to hear is in the headers of the answer.
    async fn checked(self: &Arc<Self>, slot: &Arc<Slot>, request: Request<Incoming>) -> Reply {
        let host = match self.host(&request) {
            Ok(host) => host,
            Err(refusal) => return reply::last(*refusal),
        };
        let Some(origin) = request.headers().get(header::ORIGIN) else {
            return self.routed(slot, request).await;
        };
        if !origin.to_str().is_ok_and(|origin| self.policy.allows_origin(origin, host)) {
            let error =
                RpcError::server("pages of this origin may not call this node: it is not among the allowed origins");
            return reply::last(reply::refusal(StatusCode::FORBIDDEN, &error));
        }
        let origin = origin.clone();
        let mut reply = self.routed(slot, request).await;
        reply.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        reply.headers_mut().insert(header::VARY, HeaderValue::from_static("Origin"));
        reply
    }

    /// The host that the request is meant for, if that is this server.
    fn host<'r>(&self, request: &'r Request<Incoming>) -> Result<Option<&'r str>, Box<Reply>> {
        let mut named = request.headers().get_all(header::HOST).iter();
        let (first, second) = (named.next(), named.next());
        if second.is_some() || (first.is_none() && request.version() == Version::HTTP_11) {
            let error = RpcError::invalid_request("exactly one Host header is needed");
            return Err(Box::new(reply::refusal(StatusCode::BAD_REQUEST, &error)));
        }
        // in the form that proxies are sent, the host of the request line counts (RFC 9112, section 3.2.2)
        let authority = request.uri().authority().map(|authority| authority.as_str());
        let header = first.map(HeaderValue::to_str).transpose().ok();
        match header {
            Some(header) if [authority, header].into_iter().flatten().all(|host| self.policy.allows_host(host)) => {
                Ok(authority.or(header))
            }
            _ => {
                let error =
                    RpcError::server("this host name is not one of this node's: it is not among the allowed hosts");
                Err(Box::new(reply::refusal(StatusCode::FORBIDDEN, &error)))
            }
        }
    }

    async fn routed(self: &Arc<Self>, slot: &Arc<Slot>, request: Request<Incoming>) -> Reply {
        let submesh = match self.submesh(request.uri().path()) {
            Ok(submesh) => submesh,
            Err(error) => return reply::refusal(StatusCode::NOT_FOUND, &error),
        };
        let transport = if request.method() == Method::POST { Transport::Http } else { Transport::Websocket };
        let context = CallContext { submesh, peer: slot.peer, transport, connection: slot.number };
        match *request.method() {
            Method::POST => self.post(slot, context, request).await,
            Method::GET if websocket::is_wanted(request.headers()) => {
                websocket::upgrade(self, slot, context, request).unwrap_or_else(|refusal| *refusal)
            }
            Method::GET | Method::HEAD => reply::text(StatusCode::OK, HEALTH),
            Method::OPTIONS => preflight(request.headers()),
            _ => reply::method_not_allowed(),
        }
    }

    /// The submesh whose endpoint the path is.
    fn submesh(&self, path: &str) -> Result<Option<Arc<str>>, RpcError> {
        if path == "/" {
            return Ok(None);
        }
        let Some(name) = path.strip_prefix("/submesh/") else {
            return Err(RpcError::not_found("no such path: JSON-RPC is at / and at /submesh/<name>"));
        };
        let formed = (1..=SUBMESH_NAME_BYTES_MAX).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if formed && self.dispatcher.knows_submesh(name) {
            return Ok(Some(name.into()));
        }
        Err(RpcError::not_found("no such submesh here: only root is served so far, at / and at /submesh/root"))
    }

    async fn post(&self, slot: &Slot, context: CallContext, request: Request<Incoming>) -> Reply {
        if !is_json(request.headers()) {
            let error = RpcError::invalid_request("the content type must be application/json");
            return reply::last(reply::refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, &error));
        }
        let body = match body::read(request.into_body(), slot, &self.limits, &self.requests).await {
            Ok(body) => body,
            Err(refusal) => return refusal,
        };
        let caller = Caller { context, subscriptions: None };
        match self.dispatcher.answer(&body, &caller).await {
            Some(answer) => reply::answer(answer),
            None => reply::empty(StatusCode::NO_CONTENT),
        }
    }
}

/// Browsers ask before they let a page send these types; the types that they send unasked are not accepted.
fn is_json(headers: &HeaderMap) -> bool {
    const TYPES: [&str; 3] = ["application/json", "application/json-rpc", "application/jsonrequest"];
    let Some(Ok(value)) = headers.get(header::CONTENT_TYPE).map(HeaderValue::to_str) else {
        return false;
    };
    let kind = value.split_once(';').map_or(value, |(kind, _)| kind).trim();
    TYPES.iter().any(|json| json.eq_ignore_ascii_case(kind))
}

/// What a browser asks before it lets a page call. The origin has been checked, and is named in the answer.
fn preflight(asked: &HeaderMap) -> Reply {
    let mut reply = reply::empty(StatusCode::NO_CONTENT);
    let headers = reply.headers_mut();
    headers.insert(header::ALLOW, HeaderValue::from_static("POST, GET, HEAD, OPTIONS"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST, GET, HEAD, OPTIONS"));
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    let wanted = asked.get(header::ACCESS_CONTROL_REQUEST_HEADERS).cloned();
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        wanted.unwrap_or_else(|| HeaderValue::from_static("content-type")),
    );
    if asked.contains_key("access-control-request-private-network") {
        headers.insert(ALLOW_PRIVATE_NETWORK, HeaderValue::from_static("true"));
    }
    reply
}
