//! Kept statements: planned at their first use in a backend, and run without planning again.
//!
//! The cell of a plan is only borrowed to read it, so a trigger that re-enters finds the same plan and no lock.

use std::cell::OnceCell;
use std::thread::LocalKey;

use pgrx::datum::DatumWithOid;
use pgrx::pg_sys::{BuiltinOid, PgOid};
use pgrx::prelude::*;
use pgrx::spi::{OwnedPreparedStatement, SpiClient, SpiHeapTupleData, SpiTupleTable};

use crate::postgres::error::{Failure, Result};

/// Whether a statement sees the snapshot of the query that called the function.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// The caller's snapshot; for STABLE functions.
    Read,
    /// A snapshot of its own, so that it sees what was committed while it waited for a lock.
    Write,
}

pub struct Statement {
    sql: &'static str,
    argument_types: &'static [BuiltinOid],
    access: Access,
    // Leaked on purpose: freeing a plan while the backend exits would touch freed memory.
    plan: OnceCell<&'static OwnedPreparedStatement>,
}

impl Statement {
    pub const fn new(
        sql: &'static str,
        argument_types: &'static [BuiltinOid],
        access: Access,
    ) -> Self {
        Self {
            sql,
            argument_types,
            access,
            plan: OnceCell::new(),
        }
    }

    fn plan(&self, client: &SpiClient<'_>) -> Result<&'static OwnedPreparedStatement> {
        if let Some(plan) = self.plan.get() {
            return Ok(plan);
        }
        let types: Vec<PgOid> = self
            .argument_types
            .iter()
            .copied()
            .map(PgOid::from)
            .collect();
        let prepared = match self.access {
            Access::Read => client.prepare(self.sql, &types)?,
            Access::Write => client.prepare_mut(self.sql, &types)?,
        };
        let kept: &'static OwnedPreparedStatement = Box::leak(Box::new(prepared.keep()));
        Ok(self.plan.get_or_init(|| kept))
    }
}

/// Declares thread-local statements: `name: access [types] "text";`.
macro_rules! statements {
    ($($(#[$meta:meta])* $name:ident: $access:ident [$($kind:ident),*] $sql:expr;)+) => {
        thread_local! {
            $($(#[$meta])* static $name: $crate::postgres::spi::Statement = const {
                $crate::postgres::spi::Statement::new(
                    $sql,
                    &[$(pgrx::pg_sys::BuiltinOid::$kind),*],
                    $crate::postgres::spi::Access::$access,
                )
            };)+
        }
    };
}
pub(crate) use statements;

/// Runs a statement and reads its rows.
pub fn run<T>(
    statement: &'static LocalKey<Statement>,
    arguments: &[DatumWithOid<'_>],
    read: impl FnOnce(SpiTupleTable<'_>) -> Result<T>,
) -> Result<T> {
    Spi::connect(|client| {
        let plan = statement.with(|statement| statement.plan(client))?;
        read(client.select(plan, None, arguments)?)
    })
}

/// Runs a statement for its effect; returns the number of rows.
pub fn execute(
    statement: &'static LocalKey<Statement>,
    arguments: &[DatumWithOid<'_>],
) -> Result<usize> {
    run(statement, arguments, |rows| Ok(rows.len()))
}

/// Runs a statement that returns at most one row.
pub fn first<T>(
    statement: &'static LocalKey<Statement>,
    arguments: &[DatumWithOid<'_>],
    read: impl FnOnce(&SpiHeapTupleData<'_>) -> Result<T>,
) -> Result<Option<T>> {
    run(statement, arguments, |mut rows| {
        rows.next().map(|row| read(&row)).transpose()
    })
}

/// A column that may be null, counted from 1.
pub fn nullable<T: FromDatum + IntoDatum>(
    row: &SpiHeapTupleData<'_>,
    column: usize,
) -> Result<Option<T>> {
    Ok(row.get(column)?)
}

/// A column that is never null, counted from 1.
pub fn column<T: FromDatum + IntoDatum>(row: &SpiHeapTupleData<'_>, column: usize) -> Result<T> {
    nullable(row, column)?.ok_or(Failure::Row("a column was unexpectedly null"))
}
