//! Probes and steps against real servers, and against targets that misbehave in every way that we could think of.
//!
//! The servers are children of the test, on free ports of loopback, in folders of their own, and end with it. A server
//! that is not installed is a failed test: `./test` installs what is needed.

#[cfg(test)]
mod acted;
#[cfg(test)]
mod child;
#[cfg(test)]
mod daemon;
#[cfg(test)]
mod dns;
#[cfg(test)]
mod evil;
#[cfg(test)]
mod exec;
#[cfg(test)]
mod grpc;
#[cfg(test)]
mod heartbeat;
#[cfg(test)]
mod http;
#[cfg(test)]
mod look;
#[cfg(test)]
mod malformed;
#[cfg(test)]
mod own_trouble;
#[cfg(test)]
mod postgres;
#[cfg(test)]
mod prometheus;
#[cfg(test)]
mod recovery;
#[cfg(test)]
mod redis;
#[cfg(test)]
mod runner;
#[cfg(test)]
mod secure;

#[path = "../it/told/slack.rs"]
mod slack;
#[cfg(test)]
mod step;
#[cfg(test)]
mod tcp;
#[cfg(test)]
mod tls;
