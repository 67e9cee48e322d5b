//! The lock of the command of this checkout that starts, holds or stops the stack just now.

use std::fs::File;
use std::io::{Read, Seek, Write};

use anyhow::{Context, Result};

use crate::local_dir;
use crate::process::ProcessId;

/// Held from the first step of a stack in the foreground to its last, and by `down`. The kernel frees
/// it when its holder dies.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Lock {
    /// The lock's file; nothing is locked yet.
    pub fn open() -> Result<Self> {
        let path = local_dir::directory("")?.join("up.lock");
        let file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .with_context(|| format!("cannot open {}", path.display()))?;
        Ok(Self { file })
    }

    /// Takes the lock unless another command has it, and says whose it is.
    pub fn try_take(&mut self) -> Result<bool> {
        if self.file.try_lock().is_err() {
            return Ok(false);
        }
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file
            .write_all(&serde_json::to_vec(&ProcessId::current()?)?)?;
        Ok(true)
    }

    /// The command that has the lock, once it has said so.
    pub fn holder(&mut self) -> Option<ProcessId> {
        let mut text = String::new();
        self.file.rewind().ok()?;
        self.file.read_to_string(&mut text).ok()?;
        serde_json::from_str(&text).ok()
    }
}
