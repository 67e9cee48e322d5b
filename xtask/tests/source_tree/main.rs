//! Checks of the source tree itself: imports without circles, first lines that state what a file holds, documents that name
//! nothing that is not there, short files, and few lines inside unsafe.

mod circles;
mod file_lengths;
mod first_doc_lines;
mod graph;
mod javascript;
mod named_paths;
mod sources;
mod sql_files;
mod unsafe_lines;
mod where_clauses;
