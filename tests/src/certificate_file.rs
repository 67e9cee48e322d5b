//! The file from which a test's server reads a certificate, and other things put in its place.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};
use uuid::Uuid;
use xtask::server_user::ServerUser;

/// The file that the server is told to read, in a directory of the server's user.
pub struct CertificateFile {
    directory: PathBuf,
    user: ServerUser,
}

impl CertificateFile {
    /// Not there yet.
    pub fn choose() -> Result<Self> {
        let user = ServerUser::choose()?;
        let directory = PathBuf::from("/tmp").join(format!("stream-tests-{}", Uuid::new_v4()));
        user.create_private_directory(&directory)?;
        Ok(Self { directory, user })
    }

    pub fn path(&self) -> PathBuf {
        self.directory.join("certificate")
    }

    pub fn write(&self, content: &[u8], mode: u32) -> Result<()> {
        self.remove()?;
        fs::write(self.path(), content)?;
        fs::set_permissions(self.path(), Permissions::from_mode(mode))?;
        self.give(&self.path())
    }

    pub fn make_directory(&self) -> Result<()> {
        self.remove()?;
        self.user.create_private_directory(&self.path())
    }

    pub fn make_pipe(&self) -> Result<()> {
        self.remove()?;
        let status = Command::new("mkfifo")
            .args(["-m", "600"])
            .arg(self.path())
            .status()?;
        ensure!(status.success());
        self.give(&self.path())
    }

    pub fn remove(&self) -> Result<()> {
        let path = self.path();
        if path.is_dir() {
            fs::remove_dir(path)?;
        } else if path.exists() {
            fs::remove_file(path)?;
        }
        Ok(())
    }

    fn give(&self, path: &Path) -> Result<()> {
        match self.user {
            ServerUser::Current => Ok(()),
            ServerUser::Other { uid, gid } => Ok(chown(path, Some(uid), Some(gid))?),
        }
    }
}

impl Drop for CertificateFile {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}
