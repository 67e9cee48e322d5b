//! Promises to callers, read from the catalogue of a database and the sources: rights, arguments, generated
//! files, hooks.

mod arguments;
mod comments;
mod core_sql;
mod edge_calls;
mod function_settings;
mod generated;
mod hooks;
mod native_functions;
mod oldest_client;
mod privileges;
mod request_ids;
mod rules_once;
mod writers;
