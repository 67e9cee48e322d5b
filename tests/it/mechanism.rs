//! Rows that native code finds and writes by key, next to the statements that mean the same.

mod keyed_rows;
mod rule_forms;
