//! Checks of the source tree itself: imports without circles, first lines that state what a file holds.

mod circles;
mod first_doc_lines;
mod graph;
mod javascript;
mod sources;
mod sql_files;
