//! A development stand-in for Supabase: enough of auth, PostgREST's functions and Realtime that
//! the real `@supabase/supabase-js` runs against a bare Postgres. Never for production.

mod api_key;
mod auth;
pub mod config;
mod database;
mod demo;
mod gateway;
mod host;
pub mod jwt;
pub mod keys;
mod loopback;
mod realtime;
mod rest;
pub mod serve;
