//! Reading a certificate from a file; refuses files that others could read or replace.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};

use stream_core::agora::Certificate;
use stream_core::error::ErrorCode;

use crate::postgres::error::{Failure, Result};
use crate::token::certificate::source::{CertificateSource, parse};

/// 32 digits and a line end, with some room; a longer file is no certificate.
const MAX_FILE_BYTES: u64 = 64;

/// Permission bits of group and others.
const FOREIGN_ACCESS: u32 = 0o077;

pub fn read(path: &str, names: &CertificateSource) -> Result<Certificate> {
    let source = format!("the file of {}", names.setting);
    let missing = |_| {
        Failure::with_hint(
            ErrorCode::CertificateMissing,
            format!("{source} cannot be read by the server"),
        )
    };
    // Non-blocking, in case the path names a pipe.
    let file = File::options()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)
        .map_err(missing)?;
    let metadata = file.metadata().map_err(missing)?;
    // SAFETY: reads the process's own user id.
    let is_own = metadata.uid() == unsafe { libc::geteuid() };
    if !metadata.is_file() || !is_own || metadata.mode() & FOREIGN_ACCESS != 0 {
        return Err(Failure::with_hint(
            ErrorCode::CertificateUnsafe,
            format!("{source} must be an ordinary file of the server's user, mode 0600 or 0400"),
        ));
    }
    let mut text = String::new();
    match file.take(MAX_FILE_BYTES).read_to_string(&mut text) {
        Ok(_) => parse(&text, &source),
        // Not UTF-8, so no certificate.
        Err(error) if error.kind() == ErrorKind::InvalidData => parse("", &source),
        Err(error) => Err(missing(error)),
    }
}
