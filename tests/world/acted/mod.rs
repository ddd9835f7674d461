//! The daemon acts on real servers: what was broken for real is moved, mended or refused for real.

mod cache;
mod database;
mod killed;
mod shop;
mod web;
