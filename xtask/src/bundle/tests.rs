//! What is written into `supabase/migrations`, and what a release forbids.

use super::*;

const MIGRATIONS: &str = "supabase/migrations";
const SCHEMA: &str = "supabase/migrations/20260102000000_stream_schema.sql";
const CODE: &str = "supabase/migrations/20260102000001_stream_code.sql";

/// A repository of two files of `sql/` and the host application's template.
struct Repository(PathBuf);

const FUNCTION: &str = "create function b() returns integer\nlanguage sql\nas 'select 2';\n";

impl Repository {
    fn new(name: &str) -> Self {
        let root = std::env::temp_dir().join(format!("bundle-{name}-{}", std::process::id()));
        for directory in [
            "sql/schema",
            "sql/private",
            MIGRATIONS,
            extension_sql::DIRECTORY,
        ] {
            fs::create_dir_all(root.join(directory)).expect("the directory is made");
        }
        let repository = Self(root);
        repository.put("sql/schema/010_a.sql", "select 1;\n\n");
        repository.put("sql/private/b.sql", FUNCTION);
        repository.put("sql/host_app.sql", "select 3;\n");
        repository.put("pg_stream_ext/sql/pg_stream_ext--1.sql", "select 4;\n");
        repository
    }

    fn put(&self, file: &str, text: &str) {
        fs::write(self.0.join(file), text).expect("the file is written");
    }

    fn text(&self, file: &str) -> String {
        fs::read_to_string(self.0.join(file)).expect("the file is there")
    }

    fn sources(&self) -> Sources {
        Sources::read(&self.0, Edition::Native).expect("sql/ is read")
    }

    fn migrations(&self) -> Vec<String> {
        let all = self.sources().files(MIGRATIONS, |_| true);
        all.expect("the directory is read")
    }

    fn refusal(&self) -> String {
        let refusal = self.sources().check().expect_err("something differs");
        refusal.to_string()
    }

    /// With everything written and released.
    fn released(name: &str) -> Self {
        let repository = Self::new(name);
        repository.sources().write().expect("writes");
        repository.sources().release().expect("releases");
        repository
    }
}

impl Drop for Repository {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn schema_and_code_stand_in_migrations_of_their_own() {
    let repository = Repository::new("order");
    repository.sources().write().expect("writes");
    let schema =
        format!("{HEADER}{SCHEMA_BEGIN}\n-- sql/schema/010_a.sql\n\nselect 1;\n{SCHEMA_END}");
    assert_eq!(repository.text(SCHEMA), schema);
    let code = repository.text(CODE);
    assert!(code.contains("-- sql/private/b.sql\n\ncreate or replace function b()"));
    assert_eq!(repository.migrations(), [SCHEMA, CODE, HOST_APP]);
}

#[test]
fn host_application_migration_becomes_its_template() {
    let repository = Repository::new("template");
    repository.put(HOST_APP, "select 'edited';");
    repository.sources().write().expect("writes");
    assert_eq!(repository.text(HOST_APP), "select 3;\n");
}

#[test]
fn run_writes_migrations_that_are_not_there() {
    let repository = Repository::new("absent");
    repository.sources().write_before_run().expect("writes");
    repository.sources().check().expect("all are there");
}

#[test]
fn run_keeps_an_edited_host_application_migration() {
    let repository = Repository::new("edited");
    repository.put(HOST_APP, "select 'edited';");
    repository.sources().write_before_run().expect("writes");
    assert_eq!(repository.text(HOST_APP), "select 'edited';");
}

#[test]
fn check_refuses_a_migration_that_differs_from_its_source() {
    let repository = Repository::new("check");
    repository.sources().write().expect("writes");
    repository.sources().check().expect("all are equal");
    for file in [SCHEMA, CODE, HOST_APP] {
        let written = repository.text(file);
        repository.put(file, &format!("{written}select 4;\n"));
        assert!(repository.refusal().starts_with(file));
        repository.put(file, &written);
    }
}

#[test]
fn move_between_editions_applies_the_newest_code() {
    let repository = Repository::new("move");
    fs::create_dir_all(repository.0.join("sql/edition/move")).expect("the directory is made");
    let source = "begin;\n-- All that the editions share.\ncommit;\n";
    repository.put(Edition::Native.move_source(), source);
    repository.sources().write().expect("writes");
    let file = Edition::Native.move_script();
    let applied = source.replace(
        "commit",
        "\\ir ../migrations/20260102000001_stream_code.sql\ncommit",
    );
    assert_eq!(repository.text(file), format!("{HEADER}{applied}"));
    repository.put(file, source);
    assert!(repository.refusal().starts_with(file));
}

#[test]
fn no_released_file_is_changed() {
    let repository = Repository::released("frozen");
    repository.sources().check().expect("all are as they were");
    for file in [SCHEMA, CODE, "pg_stream_ext/sql/pg_stream_ext--1.sql"] {
        let released = repository.text(file);
        repository.put(file, &format!("{released}select 4;\n"));
        let refusal = repository.refusal();
        assert!(
            refusal.starts_with(file) && refusal.contains("was released"),
            "{refusal}"
        );
        assert!(repository.sources().write().is_err());
        repository.put(file, &released);
        fs::rename(repository.0.join(file), repository.0.join("gone")).expect("moves");
        assert!(repository.refusal().contains(file));
        fs::rename(repository.0.join("gone"), repository.0.join(file)).expect("moves");
    }
    // Whoever adopts the product edits this one.
    repository.put("sql/host_app.sql", "select 5;\n");
    repository.sources().write().expect("writes");
    repository.sources().check().expect("it is nobody else's");
}

#[test]
fn a_released_schema_is_left_and_released_code_gets_another_version() {
    let repository = Repository::released("next");
    let (schema, code) = (repository.text(SCHEMA), repository.text(CODE));
    repository.put("sql/schema/010_a.sql", "select 5;\n");
    repository.sources().write().expect("writes");
    assert_eq!(repository.text(SCHEMA), schema);
    assert_eq!(repository.migrations(), [SCHEMA, CODE, HOST_APP]);

    repository.put("sql/private/b.sql", &FUNCTION.replace('2', "6"));
    assert!(repository.refusal().starts_with(CODE));
    repository.sources().write().expect("writes");
    repository.sources().check().expect("all are there");
    assert_eq!(repository.text(CODE), code);
    let migrations = repository.migrations();
    let [_, _, _, new] = &migrations[..] else {
        panic!("{migrations:?}")
    };
    assert!(new.ends_with(CODE_NAME) && repository.text(new).contains("select 6"));

    // Until it is released too, it is the one that is written.
    repository.put("sql/private/b.sql", &FUNCTION.replace('2', "7"));
    repository.sources().write().expect("writes");
    assert_eq!(repository.migrations(), migrations);
    assert!(repository.text(new).contains("select 7"));
}

#[test]
fn code_stands_behind_the_newest_schema() {
    let repository = Repository::new("behind");
    repository.sources().write().expect("writes");
    let later = "supabase/migrations/20260201000000_stream_schema_more.sql";
    repository.put(later, "alter table a add b text;\n");
    assert!(repository.refusal().starts_with(CODE));
    repository.sources().write().expect("writes");
    repository.sources().check().expect("it stands behind");
    let migrations = repository.migrations();
    assert_eq!(migrations[..3], [SCHEMA, HOST_APP, later]);
    assert!(
        migrations.len() == 4 && migrations[3].ends_with(CODE_NAME),
        "{migrations:?}"
    );
}
