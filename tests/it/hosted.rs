//! The SQL edition on a server whose role postgres may do what it may do on hosted Supabase.

mod rights;
mod whole_stream;
