//! Rights and bodies, judged from the catalogue of a database.

mod function_bodies;
mod realtime_ddl;
mod table_privileges;
