//! Figures of the process itself, and of what was built.

use std::fs::File;
use std::time::{SystemTime, UNIX_EPOCH};

use edge_api::contract::Contract;
use edge_api::metrics::recorder;
use rustix::process::{Resource, getrlimit};

use crate::observed::Observed;

fn now_s() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.expect("after 1970").as_secs_f64()
}

#[test]
pub fn figures_of_the_process_are_those_of_the_system() {
    let recorder = recorder().expect("buckets");
    let before = now_s();
    let observed = Observed::new(&recorder);
    let after = now_s();
    let figure = |name: &str| {
        let value = observed.value(&format!("process_{name}"));
        value.unwrap_or_else(|| panic!("no {name}"))
    };
    let started = figure("start_time_seconds");
    assert!((before..=after).contains(&started), "{started}");

    // Other tests of this process open and close files and take memory beside it.
    let files = [(); 500].map(|()| File::open("/dev/null").expect("a file"));
    assert!(figure("open_fds") > 500.0);
    drop(files);
    let memory = vec![1_u8; 100 << 20];
    assert!(figure("resident_memory_bytes") > 100e6);
    drop(memory);
    let limit = getrlimit(Resource::Nofile).current.expect("a limit");
    assert!((figure("max_fds") - f64::from(u32::try_from(limit).expect("few"))).abs() < 0.5);
    let used = figure("cpu_seconds_total");
    while figure("cpu_seconds_total") <= used {}
}

#[test]
pub fn the_versions_are_those_that_are_built_in() {
    let recorder = recorder().expect("buckets");
    let observed = Observed::new(&recorder);
    let (version, contract) = (env!("CARGO_PKG_VERSION"), &Contract::get().version);
    let series = format!(r#"edge_build_info{{version="{version}",contract_version="{contract}"}}"#);
    assert_eq!(observed.value(&series), Some(1.0));
}
