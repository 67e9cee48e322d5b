//! Statements that are planned once in a backend, and their results, read by the names of the columns.
//!
//! The cell of a plan is only borrowed to read it, so a trigger that re-enters finds the same plan and no lock.
//! Where the columns of a result stand is looked up by their names with the first row, and kept too: no later
//! row costs a look-up.

use std::cell::OnceCell;
use std::marker::PhantomData;
use std::thread::LocalKey;

use pgrx::datum::DatumWithOid;
use pgrx::pg_sys::{BuiltinOid, PgOid};
use pgrx::prelude::*;
use pgrx::spi::{OwnedPreparedStatement, SpiClient, SpiTupleTable};

use crate::postgres::column::{Columns, ResultRow};
use crate::postgres::error::{Failure, Result};

/// Whether a statement sees the snapshot of the query that called the function.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// The caller's snapshot; for STABLE functions.
    Read,
    /// A snapshot of its own, so that it sees what was committed while it waited for a lock.
    Write,
}

/// A statement whose rows are read as `R`; nothing is read of one of `()`.
pub struct Statement<R = ()> {
    sql: &'static str,
    argument_types: &'static [BuiltinOid],
    access: Access,
    // Leaked on purpose: freeing a plan while the backend exits would touch freed memory.
    plan: OnceCell<&'static OwnedPreparedStatement>,
    /// Where the columns of `R` stand in the result, in the order of their names.
    ordinals: OnceCell<&'static [usize]>,
    rows: PhantomData<R>,
}

impl<R> Statement<R> {
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
            ordinals: OnceCell::new(),
            rows: PhantomData,
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

impl<R: Columns> Statement<R> {
    fn ordinals(&self, result: &SpiTupleTable<'_>) -> Result<&'static [usize]> {
        if let Some(ordinals) = self.ordinals.get() {
            return Ok(ordinals);
        }
        let mut names = Vec::new();
        R::names("", &mut names);
        if result.columns()? != names.len() {
            return Err(Failure::Row(
                "a statement returns other columns than are read",
            ));
        }
        let ordinals = match names.as_slice() {
            // The only column needs no name.
            [""] => vec![1],
            names => names
                .iter()
                .map(|name| result.column_ordinal(name))
                .collect::<std::result::Result<_, _>>()?,
        };
        Ok(self.ordinals.get_or_init(|| Vec::leak(ordinals)))
    }
}

/// Declares thread-local statements: `NAME: access [types] -> row, "text";`, of which `-> row,` is left out
/// where nothing is read.
macro_rules! statements {
    ($($(#[$meta:meta])* $name:ident: $access:ident [$($kind:ident),*] $(-> $row:ty,)? $sql:expr;)+) => {
        thread_local! {
            $($(#[$meta])*
            static $name: $crate::postgres::spi::Statement$(<$row>)? = const {
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

/// Runs a statement for what it does; returns the number of rows.
pub fn execute<R>(
    statement: &'static LocalKey<Statement<R>>,
    arguments: &[DatumWithOid<'_>],
) -> Result<usize> {
    Spi::connect(|client| {
        let plan = statement.with(|statement| statement.plan(client))?;
        Ok(client.select(plan, None, arguments)?.len())
    })
}

/// Runs a statement and reads its first row.
pub fn first<R: Columns>(
    statement: &'static LocalKey<Statement<R>>,
    arguments: &[DatumWithOid<'_>],
) -> Result<Option<R>> {
    read(statement, arguments, |rows| rows.next().transpose())
}

/// Runs a statement and reads its rows.
pub fn all<R: Columns>(
    statement: &'static LocalKey<Statement<R>>,
    arguments: &[DatumWithOid<'_>],
) -> Result<Vec<R>> {
    read(statement, arguments, |rows| rows.collect())
}

fn read<R: Columns, T: Default>(
    statement: &'static LocalKey<Statement<R>>,
    arguments: &[DatumWithOid<'_>],
    collect: impl FnOnce(&mut dyn Iterator<Item = Result<R>>) -> Result<T>,
) -> Result<T> {
    Spi::connect(|client| {
        let plan = statement.with(|statement| statement.plan(client))?;
        let result = client.select(plan, None, arguments)?;
        if result.is_empty() {
            return Ok(T::default());
        }
        let ordinals = statement.with(|statement| statement.ordinals(&result))?;
        collect(&mut result.map(|row| R::read(&mut ResultRow::new(&row, ordinals))))
    })
}
