//! Probes against real servers, and against targets that misbehave in every way that we could think of.
//!
//! The servers are children of the test, on free ports of loopback, in folders of their own, and end with it. A server
//! that is not installed is a failed test: `./test` installs what is needed.

mod child;
mod dns;
mod evil;
mod exec;
mod grpc;
mod heartbeat;
mod http;
mod look;
mod malformed;
mod own_trouble;
mod postgres;
mod prometheus;
mod recovery;
mod redis;
mod tcp;
mod tls;
