//! `alter extension pg_stream_ext update`: an older version becomes what `create extension` makes of this one.

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use xtask::extension_sql::{CONTROL, DIRECTORY, SQL};
use xtask::extension_upgrade::{full_versions, script, version};
use xtask::server_user::ServerUser;
use xtask::statements::split;
use xtask::{local_dir, postgres, workspace};

/// A version that never was.
const OLDER: &str = "0.0.0";

/// What an extension has made, by names alone.
const MADE: &str = "
select e.extversion, p.proname, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid), p.provolatile, p.proparallel,
    p.proisstrict, p.prosecdef, p.prosrc, p.probin, p.proconfig, p.proacl, p.procost, p.prorows, l.lanname, d.deptype,
    obj_description(p.oid, 'pg_proc')
from pg_proc as p
join pg_language as l on l.oid = p.prolang
left join pg_depend as d on d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.refclassid = 'pg_extension'::regclass
left join pg_extension as e on e.oid = d.refobjid
where p.pronamespace = 'stream_ext'::regnamespace
order by p.proname";

/// A copy of the server's program and a cluster of its own. A server looks for extensions beside its program, so the copy has a
/// folder of extensions in which a test can put other versions.
struct ServerCopy {
    user: ServerUser,
    top: PathBuf,
    program: PathBuf,
    extension_dir: PathBuf,
    data_dir: PathBuf,
}

impl ServerCopy {
    fn new() -> Result<Self> {
        let installation = postgres::installation()?;
        let user = ServerUser::choose()?;
        let top = local_dir::fresh_directory_name(Path::new("/tmp"))?;
        let below_top = |path: &Path| -> Result<PathBuf> { Ok(top.join(path.strip_prefix("/")?)) };
        let bin_dir = below_top(&installation.bin_dir)?;
        let extension_dir = below_top(&installation.extension_dir)?;
        for directory in [&bin_dir, &extension_dir] {
            fs::create_dir_all(directory)?;
        }
        let program = bin_dir.join("postgres");
        fs::copy(installation.bin_dir.join("postgres"), &program)?;
        let libraries = installation.bin_dir.with_file_name("lib");
        symlink(&libraries, bin_dir.with_file_name("lib"))?;
        let share_dir = installation.extension_dir.with_file_name("");
        link_entries(
            &share_dir,
            extension_dir.parent().context("is in a directory")?,
        )?;
        link_entries(&installation.extension_dir, &extension_dir)?;
        let data_dir = top.join("data");
        user.create_private_directory(&data_dir)?;
        let mut command = Command::new(installation.bin_dir.join("initdb"));
        command.arg("--pgdata").arg(&data_dir);
        command.args([
            "--username",
            "postgres",
            "--encoding",
            "UTF8",
            "--locale",
            "C.UTF-8",
            "--no-sync",
        ]);
        user.apply(&mut command);
        let output = command.output()?;
        ensure!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(Self {
            user,
            top,
            program,
            extension_dir,
            data_dir,
        })
    }

    /// Puts a file among the extensions.
    fn put(&self, name: &str, text: &str) -> Result<()> {
        let file = self.extension_dir.join(name);
        let _ = fs::remove_file(&file);
        fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))
    }

    /// Runs statements in a server without connections, which ends with them; fails at the first error.
    fn run(&self, statements: &[String]) -> Result<()> {
        let mut command = Command::new(&self.program);
        command.args([
            "--single",
            "-j",
            "-c",
            "exit_on_error=on",
            "-c",
            "fsync=off",
            "-D",
        ]);
        command.arg(&self.data_dir).arg("postgres");
        self.user.apply(&mut command);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut server = command
            .spawn()
            .context("cannot start the copy of postgres")?;
        // A statement ends with an empty line.
        let lines = statements
            .iter()
            .map(|statement| format!("{statement};\n\n"));
        let input = lines.collect::<String>();
        // One that has failed has closed its input, and says why itself.
        let _ = server
            .stdin
            .take()
            .expect("was piped")
            .write_all(input.as_bytes());
        let output = server.wait_with_output()?;
        let log = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success() && !log.contains("ERROR"), "{log}");
        Ok(())
    }

    /// What there is after these statements.
    fn made_by(&self, statements: &[&str]) -> Result<String> {
        let file = self.data_dir.join("made.txt");
        let statements: Vec<String> = statements
            .iter()
            .map(|statement| (*statement).to_owned())
            .chain([
                format!("copy ({}) to '{}'", MADE.replace('\n', " "), file.display()),
                "drop extension pg_stream_ext".to_owned(),
            ])
            .collect();
        self.run(&statements)?;
        Ok(fs::read_to_string(file)?)
    }
}

impl Drop for ServerCopy {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.top);
    }
}

/// Links to everything in a directory that the other lacks.
fn link_entries(from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let entry = entry?;
        let link = to.join(entry.file_name());
        if !link.exists() {
            symlink(entry.path(), link)?;
        }
    }
    Ok(())
}

/// The present SQL with a function more and one less, other arguments, another result and another volatility.
fn older(present: &str) -> String {
    let mut text = String::new();
    for statement in split(present) {
        let is = |name: &str| statement.contains(&format!("CREATE  FUNCTION \"{name}\"("));
        let changed = if is("work") {
            continue;
        } else if is("act_for") {
            statement.replacen("\"user_id\"", "\"who\"", 1)
        } else if is("begin_moderation") {
            statement.replacen("RETURNS uuid", "RETURNS text", 1)
        } else if is("authorize_view") {
            statement.replacen("STABLE", "VOLATILE", 1)
        } else if is("pause") {
            statement.to_owned() + &statement.replacen("\"pause\"", "\"gone\"", 1)
        } else {
            statement.to_owned()
        };
        text.push_str(&changed);
    }
    text
}

#[test]
fn an_updated_extension_is_as_a_new_one() -> Result<()> {
    let root = workspace::root();
    let server = ServerCopy::new()?;
    let directory = root.join(DIRECTORY);
    for entry in fs::read_dir(&directory)?.flatten() {
        let name = entry.file_name();
        server.put(&name.to_string_lossy(), &fs::read_to_string(entry.path())?)?;
    }
    server.put(
        "pg_stream_ext.control",
        &fs::read_to_string(root.join(CONTROL))?,
    )?;
    let present = fs::read_to_string(root.join(SQL))?;
    let to = version(SQL)?;
    let older = older(&present);
    let script = script(OLDER, &to, &older, &present)?;
    assert_eq!(script.undecided, [""; 0]);
    server.put(&format!("pg_stream_ext--{OLDER}.sql"), &older)?;
    server.put(&format!("pg_stream_ext--{OLDER}--{to}.sql"), &script.text)?;

    let expected = server.made_by(&["create extension pg_stream_ext"])?;
    assert!(expected.lines().count() > 50, "{expected}");
    let create_older = format!("create extension pg_stream_ext version '{OLDER}'");
    let differing = server.made_by(&[&create_older])?;
    for name in [
        "act_for",
        "begin_moderation",
        "authorize_view",
        "gone",
        "work",
    ] {
        let lines = |text: &str| -> Vec<String> {
            let lines = text
                .lines()
                .filter(|line| line.split('\t').nth(1) == Some(name));
            lines.map(|line| line.replace(OLDER, &to)).collect()
        };
        assert_ne!(lines(&differing), lines(&expected), "{name}");
    }

    // And every version that was released.
    let released = full_versions(&directory)?;
    let released = released.into_iter().filter(|version| *version != to);
    for version in std::iter::once(OLDER.to_owned()).chain(released) {
        let create = format!("create extension pg_stream_ext version '{version}'");
        let found = server.made_by(&[&create, "alter extension pg_stream_ext update"])?;
        assert_eq!(found, expected, "from {version}");
    }
    Ok(())
}
