//! Checks of the source tree itself: imports without circles, first lines that state what a file
//! holds, and documents that name nothing that is not there.

mod circles;
mod first_doc_lines;
mod graph;
mod javascript;
mod named_paths;
mod sources;
mod sql_files;
