//! Checks of the source tree itself: imports without circles, first lines that state what a file holds, documents that name
//! nothing that is not there, short files, no function of SQL that nothing calls, few lines inside unsafe, and property tests that
//! say which property they test and follow the seed.

mod browser_waits;
mod called_functions;
mod circles;
mod file_lengths;
mod first_doc_lines;
mod graph;
mod javascript;
mod named_paths;
mod properties;
mod sources;
mod sql_files;
mod unsafe_lines;
mod where_clauses;
