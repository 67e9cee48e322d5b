//! The cluster on which cargo's tests and benchmarks run, with its template.

use std::process::Command;

use anyhow::Result;
use xtask::cluster::{Cluster, Options};
use xtask::database::{self, AgoraSettings};
use xtask::node::Node;
use xtask::test_environment::{TEMPLATE, TestEnvironment, VARIABLE};
use xtask::{
    bundle, client_package, console, extension, interrupt, local_dir, postgres, workspace,
};

/// The choice whether broadcasts are compared with the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broadcasts {
    Compared,
    /// A benchmark sends too many.
    NotCompared,
}

/// Makes the cluster with its template and tells cargo's tests where it is.
pub fn start_cluster(
    cargo: &mut Command,
    options: Options,
    broadcasts: Broadcasts,
) -> Result<(Cluster, TestEnvironment)> {
    postgres::ensure()?;
    bundle::write_before_run()?;
    let built = extension::build()?;
    extension::install(&built)?;
    let node = Node::ensure()?;
    client_package::ensure_built(&node)?;
    for package in ["client/scripted_demo", "tests/js"] {
        node.install_packages(&workspace::root().join(package))?;
    }
    interrupt::check()?;

    console::step("making a cluster for the tests");
    let mut cluster = Cluster::start(options)?;
    let agora = AgoraSettings::random()?;
    cluster.address().create_empty_database(TEMPLATE)?;
    database::prepare(cluster.address(), TEMPLATE, &agora)?;
    cluster.address().close_database(TEMPLATE)?;
    let original_data_dir = cluster.run().directory().join("data");
    cluster.copy_data_to(&original_data_dir)?;

    let environment = TestEnvironment {
        cluster: cluster.address().clone(),
        original_data_dir,
        agora,
        bin_dir: built.bin_dir,
        node: node.program,
        log_dir: local_dir::directory("log")?,
        secrets_file: cluster.run().directory().join("secrets.jsonl"),
        statements_file: cluster.run().directory().join("statements.jsonl"),
        broadcasts_file: match broadcasts {
            Broadcasts::Compared => Some(cluster.run().directory().join("broadcasts.jsonl")),
            Broadcasts::NotCompared => None,
        },
    };
    environment.note_secrets_of(&environment.cluster, &environment.agora)?;
    let file = cluster.run().directory().join("environment.json");
    environment.save(&file)?;
    cargo.env(VARIABLE, file);
    interrupt::check()?;
    Ok((cluster, environment))
}
