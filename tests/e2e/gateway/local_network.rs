//! Phones of the local network: what reaches them with `--host`, and what stays on this machine.

use std::net::{IpAddr, Ipv4Addr, TcpListener};

use anyhow::Result;
use serde_json::{Value, json};
use stream_tests::services::{Services, script};
use xtask::local_network::LocalNetwork;

/// Connections to the TLS port that never say a word.
const SILENT: u32 = 20;

/// Ports that nobody has at the moment.
fn free_ports() -> Result<[u16; 2]> {
    let listeners = [(); 2].map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)));
    let [first, second] = listeners;
    Ok([first?.local_addr()?.port(), second?.local_addr()?.port()])
}

#[tokio::test]
async fn a_phone_gets_the_product_with_and_without_tls_and_no_faults() -> Result<()> {
    let mut network = LocalNetwork::prepare(Some(IpAddr::V4(Ipv4Addr::LOCALHOST)))?;
    let [plain, tls] = free_ports()?;
    network.plain.set_port(plain);
    network.tls.set_port(tls);
    let variables = network.variables();
    let mut variables: Vec<(&str, &str)> = variables
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    variables.push(("DEMO_DIRECTORY", "."));
    let services = Services::start_with(&variables).await?;
    let argument = json!({
        "plain": format!("http://{}", network.plain),
        "tls": format!("https://{}", network.tls),
        "authorityFile": network.authority,
        "apiKey": services.keys.anon_key,
        "origin": "http://somewhere.test",
        "silent": SILENT,
    });
    let script = "tests/js/local_network.mjs";
    let environment = &services.database.environment;
    let finished = script::run(environment, script, &[&argument.to_string()]).await?;
    assert_eq!(finished.exit_code, Some(0), "{finished:?}");
    let seen: Value = finished.json()?;
    assert_eq!(
        seen,
        json!({
            "health": 200,
            "allowedOrigin": null,
            "trusted": 200,
            "untrusted": "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
            "faults": 404,
            "signalling": 101,
            "demo": 200,
            "socket": 101,
            "secureSocket": 101,
            "authority": true,
        })
    );
    Ok(())
}
