//! A request on its way: to a target and back.

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Request, Response, StatusCode, Uri, Version};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Body as _, Frame, Incoming, SizeHint};
use hyper::upgrade::OnUpgrade;
use tokio::time::Instant;

use super::activity::Activity;
use super::conditions::Asked;
use super::connection::{ConnectError, Connection};
use super::group::Group;
use super::rules::{Action, Rules};
use super::target::InFlight;
use super::{Body, answer, headers, limits, upgraded};

/// Answers a request by the rules in force.
pub(super) async fn answer(
    rules: &ArcSwapOption<Rules>,
    client: IpAddr,
    request: Request<Incoming>,
) -> Response<Body> {
    if let Some(status) = limits::refused(&request) {
        return answer::error(status);
    }
    let asked = Asked::by(&request);
    match enter(rules, &asked) {
        Ok(way) => send(way, client, request).await,
        Err(end) => end.answer(&asked),
    }
}

/// Where a request goes: to a target of the group that the rules chose.
struct Way {
    rules: Arc<Rules>,
    group: Arc<Group>,
    in_flight: InFlight,
}

impl Way {
    fn failed(&self, status: StatusCode) -> Response<Body> {
        self.group.figures().failed(status);
        answer::error(status)
    }
}

/// Why a request goes to no target.
enum End {
    /// The rules answer themselves.
    Own(Arc<Rules>),
    /// There are no rules, all weights are zero, or the group has nobody left.
    Nobody,
}

impl End {
    fn answer(self, asked: &Asked) -> Response<Body> {
        let Self::Own(rules) = self else { return answer::error(StatusCode::SERVICE_UNAVAILABLE) };
        match rules.action_for(asked) {
            Action::Fixed(fixed) => answer::fixed(fixed),
            Action::Redirect(redirect) => answer::redirect(redirect, &rules, &asked.uri, &asked.headers),
            Action::Forward(_) => answer::error(StatusCode::SERVICE_UNAVAILABLE),
        }
    }
}

/// Chooses a group and enters the request at a target of it. Between the two the rules may be swapped and the
/// group be drained: so nobody left in a group is the answer only while the rules that chose it are in force,
/// else the new ones choose.
fn enter(rules: &ArcSwapOption<Rules>, asked: &Asked) -> Result<Way, End> {
    loop {
        let Some(chosen_by) = rules.load_full() else { return Err(End::Nobody) };
        let Action::Forward(forward) = chosen_by.action_for(asked) else { return Err(End::Own(chosen_by)) };
        let Some(group) = forward.choose().cloned() else { return Err(End::Nobody) };
        if let Some(in_flight) = group.pick(&asked.headers) {
            group.figures().request();
            return Ok(Way { rules: chosen_by, group, in_flight });
        }
        if are_in_force(rules, &chosen_by) {
            group.figures().request();
            group.figures().failed(StatusCode::SERVICE_UNAVAILABLE);
            return Err(End::Nobody);
        }
    }
}

/// Whether these rules were not swapped since they were loaded: held, they cannot come back at their place.
fn are_in_force(rules: &ArcSwapOption<Rules>, these: &Arc<Rules>) -> bool {
    rules.load().as_ref().is_some_and(|now| Arc::ptr_eq(now, these))
}

/// Sends the request to its target, once: AWS promises to repeat none, and its access log has one target a request. A
/// connection that was kept and turns out to be closed before a byte was sent is replaced by a fresh one.
async fn send(way: Way, client: IpAddr, mut request: Request<Incoming>) -> Response<Body> {
    let upgrade = prepare(&mut request, &way.rules, client);
    let client_side = upgrade.is_some().then(|| hyper::upgrade::on(&mut request));
    let activity = Activity::default();
    if request.body().is_end_stream() {
        activity.set_received();
    }
    let mut outgoing = request.map(|body| Watched { body, watch: activity.clone() }.boxed_unsync());
    let late = || way.rules.late_fin.as_ref().is_some_and(|late| late());
    let Ok(mut idle) = way.in_flight.target().take_idle(late) else {
        return way.failed(StatusCode::BAD_GATEWAY);
    };
    loop {
        let used_before = idle.is_some();
        let mut connection = match idle.take() {
            Some(connection) => connection,
            None => match connect(&way).await {
                Ok(connection) => connection,
                Err(status) => return way.failed(status),
            },
        };
        activity.touch();
        let left = Instant::now();
        let sent = tokio::select! {
            sent = connection.send(outgoing) => sent,
            () = activity.idle_for(way.rules.idle_timeout) => return way.failed(silent(&activity)),
            () = way.in_flight.target().let_go() => return way.failed(StatusCode::BAD_GATEWAY),
        };
        let failed = match sent {
            Ok(response) if limits::is_too_long(response.headers()) => {
                return way.failed(StatusCode::BAD_GATEWAY);
            }
            Ok(response) => {
                way.group.figures().answered(response.status(), left.elapsed());
                return deliver(response, client_side, (way, connection, activity));
            }
            Err(failed) => failed,
        };
        tracing::debug!(target = %way.in_flight.target().address(), error = %failed.error, "no response");
        outgoing = match failed.unsent {
            Some(unsent) if used_before => unsent,
            _ => return way.failed(StatusCode::BAD_GATEWAY),
        };
    }
}

/// Who is to blame that nothing moved: a client that has not sent all (408), or its target.
fn silent(activity: &Activity) -> StatusCode {
    match activity.is_received() {
        true => StatusCode::GATEWAY_TIMEOUT,
        false => StatusCode::REQUEST_TIMEOUT,
    }
}

/// A connection to the way's target, or the answer for want of one.
async fn connect(way: &Way) -> Result<Connection, StatusCode> {
    let target = way.in_flight.target();
    Connection::open(target.interfaces(), target.address(), target.reachable()).await.map_err(|error| {
        way.group.figures().connection_error();
        tracing::debug!(target = %target.address(), %error, "no connection");
        match error {
            ConnectError::Timeout => StatusCode::GATEWAY_TIMEOUT,
            ConnectError::Io(_) | ConnectError::Http(_) => StatusCode::BAD_GATEWAY,
        }
    })
}

/// Makes a client's request the target's. Answers the protocol an upgrade asks for, if any.
fn prepare(request: &mut Request<Incoming>, rules: &Rules, client: IpAddr) -> Option<HeaderValue> {
    // HTTP/2 names the host beside the path (RFC 9113, section 8.3.1).
    if !request.headers().contains_key(header::HOST)
        && let Some(host) =
            request.uri().authority().and_then(|host| HeaderValue::from_str(host.as_str()).ok())
    {
        request.headers_mut().insert(header::HOST, host);
    }
    let path = request.uri().path_and_query().cloned();
    *request.uri_mut() = path.map_or_else(|| Uri::from_static("/"), Uri::from);
    *request.version_mut() = Version::HTTP_11;
    let upgrade = headers::strip_hop_by_hop(request.headers_mut());
    headers::add_forwarded(request.headers_mut(), client, rules);
    if let Some(protocol) = upgrade.clone() {
        headers::ask_upgrade(request.headers_mut(), protocol);
    }
    upgrade
}

/// The target's response as the client's. The connection is used again once both bodies have ended. `client_side`: of an
/// upgrade that the client asked for.
fn deliver(
    mut response: Response<Incoming>,
    client_side: Option<OnUpgrade>,
    (way, connection, activity): (Way, Connection, Activity),
) -> Response<Body> {
    let Way { rules, group, in_flight } = way;
    *response.version_mut() = Version::HTTP_11;
    let protocol = headers::strip_hop_by_hop(response.headers_mut());
    if let Some(sticky) = &group.sharing().sticky {
        sticky.bind(in_flight.target().address(), rules.tls.is_some(), response.headers_mut());
    }
    if let (StatusCode::SWITCHING_PROTOCOLS, Some(client_side)) = (response.status(), client_side) {
        let target_side = hyper::upgrade::on(&mut response);
        if let Some(protocol) = protocol {
            headers::ask_upgrade(response.headers_mut(), protocol);
        }
        tokio::spawn(upgraded::join((client_side, target_side), in_flight, rules.idle_timeout));
        return response.map(|_| Empty::new().map_err(|never| match never {}).boxed_unsync());
    }
    response.map(|body| {
        let ended = body.is_end_stream();
        let idle_timeout = rules.idle_timeout;
        let watch = Delivery { ended, connection: Some(connection), in_flight, activity, idle_timeout };
        Watched { body, watch }.boxed_unsync()
    })
}

/// Told of a body's progress.
trait Watch: Unpin {
    /// A part of it came, or its end; `ended` also with the last part, after which it may not be asked again.
    fn moved(&mut self, ended: bool);
}

/// A body on its way, to the target or to the client.
struct Watched<W> {
    body: Incoming,
    watch: W,
}

impl<W: Watch> hyper::body::Body for Watched<W> {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        let ended = frame.is_none() || self.body.is_end_stream();
        self.watch.moved(ended);
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Watch for Activity {
    fn moved(&mut self, ended: bool) {
        self.touch();
        if ended {
            self.set_received();
        }
    }
}

/// A response's body on its way to the client. While it lives the request is in flight.
struct Delivery {
    ended: bool,
    connection: Option<Connection>,
    in_flight: InFlight,
    /// Of the request.
    activity: Activity,
    idle_timeout: Duration,
}

impl Watch for Delivery {
    fn moved(&mut self, ended: bool) {
        self.ended = ended;
    }
}

impl Drop for Delivery {
    /// A body that was left before its end makes its connection useless; so does a request that is answered before it has
    /// come whole: whoever used the connection next would wait behind its rest.
    fn drop(&mut self) {
        if self.ended
            && self.activity.is_received()
            && let Some(connection) = self.connection.take()
        {
            self.in_flight.target().keep(connection, self.idle_timeout);
        }
    }
}
