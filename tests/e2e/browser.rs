//! The client in a real browser: Debian's Chromium, with real frames over the stack's signalling.

mod agora_web;
mod demo;
mod loopback;
mod script;
mod viewer;
