//! Getting to a target: its address, a connection, and a stream that gives so many bytes and no more.
//!
//! Here is decided what of the network's errors is the target's and what is ours. Nothing here may wait longer than
//! its look, and nothing may be kept of what a target sends.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use hickory_resolver::TokioResolver;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UdpSocket};
use tokio_rustls::client::TlsStream;

use super::{Gate, Kit, Phase, Seen, Why, blind, duration, failed};
use crate::core::health::{Blindness, Failure};
use crate::core::time::Span;

/// So many addresses of one name are tried.
const ADDRESSES: usize = 4;

/// `host:port`, taken apart; brackets round an IPv6 address.
pub(crate) fn host_port(address: &str) -> Option<(&str, u16)> {
    let (host, port) = address.rsplit_once(':')?;
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    if host.is_empty() {
        return None;
    }
    Some((host, port.parse().ok()?))
}

/// As [`host_port`], for a probe: what cannot be taken apart is our trouble.
pub(crate) fn address(address: &str) -> Result<(&str, u16), Why> {
    host_port(address)
        .ok_or_else(|| blind(Blindness::Evaluation, format!("`{address}` is no address: write host:port")))
}

/// A connection to the first address that takes one.
pub(crate) async fn connect(seen: &mut Seen<'_>, host: &str, port: u16) -> Result<TcpStream, Why> {
    let addresses = match host.parse::<IpAddr>() {
        Ok(ip) => vec![ip],
        Err(_) => {
            let kit = seen.kit;
            seen.phase(Phase::Resolve, resolve(kit, host)).await?
        }
    };
    seen.begin(Phase::Connect);
    let mut first = None;
    let count = addresses.len().min(ADDRESSES);
    for (tried, ip) in addresses.into_iter().take(ADDRESSES).enumerate() {
        let to = SocketAddr::new(ip, port);
        // A black hole among several addresses must not eat the time of those after it.
        let share = Span::micros(seen.left().as_micros() / (count - tried) as u64);
        let connected = if count == 1 {
            Ok(TcpStream::connect(to).await)
        } else {
            tokio::time::timeout(duration(share), TcpStream::connect(to)).await
        };
        let why = match connected {
            Ok(Ok(stream)) => {
                seen.end();
                // Only a matter of speed: without it the answer comes later.
                drop(stream.set_nodelay(true));
                if seen.gate.is_some() {
                    not_late(&stream, seen.left())?;
                }
                return Ok(stream);
            }
            Ok(Err(error)) => not_connected(&error, to).await,
            Err(_) => failed(Failure::TimedOut, format!("{to} does not answer")),
        };
        // What a target says outweighs what we cannot reach.
        match (&first, &why) {
            (None, _) | (Some(Why::Blind(..)), Why::Failed(..)) => first = Some(why),
            _ => {}
        }
    }
    seen.end();
    Err(first.unwrap_or_else(|| failed(Failure::NoAddress, format!("{host} has no address"))))
}

/// A connection that changes something gives up what nobody acknowledged in the time that is left, and takes back what
/// waits in it when it is dropped: a network that heals must not deliver it then.
fn not_late(stream: &TcpStream, left: Span) -> Result<(), Why> {
    let socket = socket2::SockRef::from(stream);
    // Zero would be the system's own quarter of an hour.
    let left = duration(left).max(std::time::Duration::from_millis(1));
    let set = socket.set_tcp_user_timeout(Some(left));
    set.and_then(|()| socket.set_linger(Some(std::time::Duration::ZERO))).map_err(|error| {
        blind(Blindness::Exhausted, format!("the connection cannot be kept from delivering late: {error}"))
    })
}

async fn resolve(kit: &Kit, host: &str) -> Result<Vec<IpAddr>, Why> {
    let Some(resolver) = kit.resolver() else {
        return Err(blind(Blindness::NoRoute, "the system's resolvers (/etc/resolv.conf) cannot be read"));
    };
    let found = resolver.lookup_ip(host).await.map_err(|error| unresolved(host, &error))?;
    let addresses: Vec<_> = found.iter().take(ADDRESSES).collect();
    if addresses.is_empty() {
        return Err(failed(Failure::NoAddress, format!("{host} has no address")));
    }
    Ok(addresses)
}

/// A name that has no address is the target's; a resolver of ours that does not know or answer is not.
fn unresolved(host: &str, error: &NetError) -> Why {
    match error {
        NetError::Dns(DnsError::NoRecordsFound(none))
            if matches!(none.response_code, ResponseCode::NXDomain | ResponseCode::NoError) =>
        {
            failed(Failure::NoAddress, format!("{host} has no address"))
        }
        NetError::Io(error) => ours(error).unwrap_or_else(|| {
            blind(Blindness::NoRoute, format!("our resolvers cannot be asked for {host}: {error}"))
        }),
        error => blind(Blindness::NoRoute, format!("our resolvers do not say where {host} is: {error}")),
    }
}

/// What is ours in any input or output: used up, or without a way out.
pub(super) fn ours(error: &io::Error) -> Option<Why> {
    let errno = rustix::io::Errno::from_io_error(error)?;
    Some(match errno {
        rustix::io::Errno::MFILE | rustix::io::Errno::NFILE => {
            blind(Blindness::Exhausted, "no file descriptor is free here")
        }
        rustix::io::Errno::NOMEM | rustix::io::Errno::NOBUFS => {
            blind(Blindness::Exhausted, "no memory is free here")
        }
        rustix::io::Errno::ADDRNOTAVAIL => blind(Blindness::Exhausted, "no local port is free here"),
        rustix::io::Errno::PERM | rustix::io::Errno::ACCESS => {
            blind(Blindness::NoRoute, "this machine's own rules forbid it")
        }
        rustix::io::Errno::NETDOWN => blind(Blindness::NoRoute, "our network is down"),
        rustix::io::Errno::AFNOSUPPORT => {
            blind(Blindness::NoRoute, "this machine has no such kind of address")
        }
        _ => return None,
    })
}

/// Why a connection did not come about.
async fn not_connected(error: &io::Error, to: SocketAddr) -> Why {
    // No address of ours fits, or every port is taken.
    if error.kind() == io::ErrorKind::AddrNotAvailable
        && let Some(why) = in_the_way(to).await
    {
        return why;
    }
    if let Some(why) = ours(error) {
        return why;
    }
    match error.kind() {
        io::ErrorKind::ConnectionRefused => failed(Failure::Refused, format!("{to} refuses the connection")),
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted => {
            failed(Failure::Closed, format!("{to} closes the connection at once"))
        }
        io::ErrorKind::TimedOut => failed(Failure::TimedOut, format!("{to} does not answer")),
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => {
            let why = in_the_way(to).await;
            why.unwrap_or_else(|| {
                failed(Failure::Silent, format!("the network says that {to} cannot be reached"))
            })
        }
        _ => failed(Failure::Closed, format!("{to}: {error}")),
    }
}

/// What of ours is in the way there, if this machine itself knows none. To connect a datagram socket looks the route up
/// and sends nothing.
pub(super) async fn in_the_way(to: SocketAddr) -> Option<Why> {
    let any: SocketAddr = if to.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0_u16; 8], 0).into() };
    let no_route = || blind(Blindness::NoRoute, format!("this machine has no route to {to}"));
    match UdpSocket::bind(any).await {
        Ok(socket) => socket.connect(to).await.err().map(|_| no_route()),
        Err(error) => Some(ours(&error).unwrap_or_else(no_route)),
    }
}

/// What went wrong on a connection that stood.
pub(crate) fn broken(error: &io::Error) -> Why {
    if let Some(why) = ours(error) {
        return why;
    }
    if error.get_ref().is_some_and(|inner| inner.is::<TooMuch>()) {
        return failed(Failure::BadAnswer, error.to_string());
    }
    match error.kind() {
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::NotConnected => failed(Failure::Closed, "the connection was closed in the middle"),
        io::ErrorKind::TimedOut => failed(Failure::TimedOut, "the connection went silent"),
        _ => failed(Failure::BadAnswer, error.to_string()),
    }
}

/// The first error of input or output in a chain of errors.
pub(crate) fn io_in<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a io::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(io) = error.downcast_ref::<io::Error>() {
            return Some(io);
        }
        next = error.source();
    }
    None
}

/// A target sent more than it may.
#[derive(Debug, thiserror::Error)]
#[error("it sends more than the {0} bytes that are read at most")]
struct TooMuch(u64);

/// Where a library swallows the error of a connection that gave all that it may: said from what is left of it.
pub(crate) fn too_much(left: &AtomicU64, most: u64) -> Option<Why> {
    (left.load(Ordering::Relaxed) == 0).then(|| failed(Failure::BadAnswer, TooMuch(most).to_string()))
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    Local(tokio::net::UnixStream),
}

/// A connection that gives so many bytes and no more.
pub(crate) struct Wire {
    stream: Stream,
    most: u64,
    left: Arc<AtomicU64>,
    gate: Option<Arc<Gate>>,
}

impl Wire {
    fn new(stream: Stream, most: u64) -> Wire {
        Wire { stream, most, left: Arc::new(AtomicU64::new(most)), gate: None }
    }
    /// What is written passes the gate, if there is one.
    pub(crate) fn through(mut self, gate: Option<&Arc<Gate>>) -> Wire {
        self.gate = gate.map(Arc::clone);
        self
    }
    pub(crate) fn plain(stream: TcpStream, most: u64) -> Wire {
        Wire::new(Stream::Plain(stream), most)
    }
    pub(crate) fn tls(stream: TlsStream<TcpStream>, most: u64) -> Wire {
        Wire::new(Stream::Tls(Box::new(stream)), most)
    }
    pub(crate) fn local(stream: tokio::net::UnixStream, most: u64) -> Wire {
        Wire::new(Stream::Local(stream), most)
    }
    /// What may still be read: a connection that is kept is given as much again for its next look.
    pub(crate) fn left(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.left)
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let left = self.left.load(Ordering::Relaxed);
        if left == 0 {
            return Poll::Ready(Err(io::Error::other(TooMuch(self.most))));
        }
        let before = buf.filled().len();
        let polled = match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Stream::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
            Stream::Local(stream) => Pin::new(stream).poll_read(cx, buf),
        };
        let read = buf.filled().len().saturating_sub(before) as u64;
        self.left.store(left.saturating_sub(read), Ordering::Relaxed);
        polled
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        // In the same call that gives it to the socket, with nothing between.
        if let Some(gate) = &self.gate {
            gate.pass()?;
        }
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Stream::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
            Stream::Local(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_flush(cx),
            Stream::Local(stream) => Pin::new(stream).poll_flush(cx),
        }
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Local(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

impl Kit {
    /// By the system's own settings, made at the first name that is asked for; none where they cannot be read.
    fn resolver(&self) -> Option<&TokioResolver> {
        let made = self.resolver.get_or_init(|| {
            let mut builder = TokioResolver::builder_tokio().ok()?;
            let options = builder.options_mut();
            // A name that moves is what we are here for.
            options.positive_max_ttl = Some(std::time::Duration::from_secs(30));
            options.negative_max_ttl = Some(std::time::Duration::from_secs(1));
            options.timeout = std::time::Duration::from_secs(1);
            builder.build().ok()
        });
        made.as_ref()
    }
}

/// Runs a connection's own work beside `work`, until `work` is done. No task is needed, so none can be left behind. A
/// connection that is over is dropped, or whoever waits for an answer over it would never hear of its end.
pub(crate) async fn beside<C, T>(connection: &mut Option<Pin<Box<C>>>, work: impl Future<Output = T>) -> T
where
    C: Future + ?Sized,
{
    let mut work = std::pin::pin!(work);
    std::future::poll_fn(move |cx| {
        if let Poll::Ready(done) = work.as_mut().poll(cx) {
            return Poll::Ready(done);
        }
        if connection.as_mut().is_some_and(|connection| connection.as_mut().poll(cx).is_ready()) {
            *connection = None;
        }
        // What the connection brought may be all that the work waits for.
        work.as_mut().poll(cx)
    })
    .await
}
