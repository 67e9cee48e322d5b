//! Supabase's HTTP routes, as the local stand-in has them.

mod calls;
mod demo_app;
mod local_network;
mod postgrest;
mod postgrest_answers;
mod postgrest_relations;
mod reading;
mod requests;
mod sign_in;
mod signalling;
