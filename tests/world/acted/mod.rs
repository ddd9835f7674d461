//! The daemon acts on real servers: what was broken for real is moved, mended or refused for real.

mod cache;
mod database;
mod exposure;
mod home;
mod inspected;
mod killed;
mod loss;
mod shop;
mod web;
