//! Runs every script in this folder.
