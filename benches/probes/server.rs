//! The targets: one process that answers every address of 127/8 at one port, and a port that swallows packets.
//!
//! It does as little as a server can, so that what is measured is the prober.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

const OPEN: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n{\"status\":\"healthy\"}";
const CLOSE: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: 20\r\n\r\n{\"status\":\"healthy\"}";

/// The other process; it ends with this.
pub(crate) struct Server {
    child: Child,
    pub(crate) port: u16,
    pub(crate) black: u16,
}

impl Server {
    pub(crate) fn start() -> Server {
        let program = std::env::current_exe().expect("our own path");
        let mut child = Command::new(program)
            .arg("serve")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let mut line = String::new();
        let out = child.stdout.take().expect("its output");
        BufReader::new(out).read_line(&mut line).expect("its ports");
        let mut ports = line.split_whitespace().map(|port| port.parse().expect("a port"));
        let (port, black) = (ports.next().expect("a port"), ports.next().expect("a port"));
        Server { child, port, black }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().expect("the server can be ended");
        self.child.wait().expect("the server ends");
    }
}

/// Until it is killed, or whoever started it is gone.
pub(crate) fn serve() {
    let any = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
    socket.bind(&any.into()).expect("a port");
    socket.listen(4_096).expect("it listens");
    socket.set_nonblocking(true).expect("it does not block");
    let listener: TcpListener = socket.into();
    let (black, _held) = black_hole();
    println!(
        "{} {}",
        listener.local_addr().expect("a port").port(),
        black.local_addr().expect("a port").port()
    );
    std::io::stdout().flush().expect("somebody reads");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, async {
        let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
        let mut parent = tokio::io::stdin();
        let mut nothing = [0; 1];
        loop {
            tokio::select! {
                accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                    tokio::task::spawn_local(answer(stream));
                },
                _ = parent.read(&mut nothing) => return,
            }
        }
    });
}

async fn answer(mut stream: tokio::net::TcpStream) {
    stream.set_nodelay(true).ok();
    let mut buffer = [0; 1_024];
    while let Ok(read @ 1..) = stream.read(&mut buffer).await {
        let closes = buffer[..read].windows(17).any(|part| part.eq_ignore_ascii_case(b"connection: close"));
        if stream.write_all(if closes { CLOSE } else { OPEN }).await.is_err() || closes {
            return;
        }
    }
}

/// A listener whose queue is full: the kernel drops what comes.
fn black_hole() -> (TcpListener, Vec<TcpStream>) {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
    socket.bind(&SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0).into()).expect("a port");
    socket.listen(1).expect("it listens");
    let listener: TcpListener = socket.into();
    let at = listener.local_addr().expect("a port");
    let mut held = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&at, std::time::Duration::from_millis(200)) {
        held.push(stream);
    }
    (listener, held)
}
