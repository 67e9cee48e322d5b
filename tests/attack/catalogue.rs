//! Rights and bodies, judged from the catalogue of a database.

mod function_bodies;
mod table_privileges;
