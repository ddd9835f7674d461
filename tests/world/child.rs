//! A server as our own child: started on a free port, stopped by its own pid, gone when this is dropped.

use std::future::Future;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

pub(crate) struct Server {
    child: Child,
    /// How it is ended: PostgreSQL's children must hear of it.
    end: Signal,
}

impl Server {
    pub(crate) fn start(command: &mut Command, end: Signal) -> Server {
        Server::logging(command, end, Stdio::null())
    }

    /// The same, and what it says goes there.
    pub(crate) fn logging(command: &mut Command, end: Signal, log: Stdio) -> Server {
        let program = command.get_program().to_owned();
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn();
        let child =
            child.unwrap_or_else(|error| panic!("{program:?} cannot be started ({error}): run ./test"));
        Server { child, end }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
        // A process of many threads stops one after the other.
        let stopped = || {
            let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
            stat.contains(") T ")
        };
        while signal == Signal::STOP && !stopped() {
            std::thread::yield_now();
        }
    }

    /// Goes on, if it is still there.
    pub(crate) fn wakes(&self) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, Signal::CONT).ok();
    }

    /// Ends it now and waits for its end.
    pub(crate) fn stop(&mut self) {
        if self.child.try_wait().unwrap().is_none() {
            self.signal(Signal::CONT);
            self.signal(self.end);
        }
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

pub(crate) fn listens(port: u16) -> bool {
    TcpStream::connect_timeout(&SocketAddr::from(([127, 0, 0, 1], port)), Duration::from_millis(200)).is_ok()
}

/// Asks again and again, for twenty seconds at most.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let mut ticks = tokio::time::interval(Duration::from_millis(25));
    for _ in 0..800 {
        ticks.tick().await;
        if holds().await {
            return;
        }
    }
    panic!("not within 20 s: {what}");
}
