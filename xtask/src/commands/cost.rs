//! `cargo x cost`: what Realtime counts and costs for streams of some size, and the documents that show it.

use std::fs;
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use lexopt::prelude::*;
use xtask::cost::{self, Load, PLANS, RealtimePlan};
use xtask::{console, workspace};

/// So many streams at most are planned for.
const MOST_STREAMS: u32 = 10_000;

/// `--viewers N --rate R --plan P [...]`, or `--write`, or `--check`.
pub fn run(mut arguments: lexopt::Parser) -> Result<ExitCode> {
    let (mut viewers, mut rate, mut plan) = (None, None, None);
    let (mut stay, mut bids, mut reactions) = (10, 0, 0);
    let (mut streams, mut hours, mut share) = (1, 100, 80);
    let mut documents = None;
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("viewers") => viewers = Some(arguments.value()?.parse()?),
            Long("rate") => rate = Some(arguments.value()?.parse_with(cost::thousandths)?),
            Long("plan") => plan = Some(arguments.value()?.parse_with(RealtimePlan::parse)?),
            Long("stay") => stay = arguments.value()?.parse()?,
            Long("bids") => bids = arguments.value()?.parse_with(cost::thousandths)?,
            Long("reactions") => reactions = arguments.value()?.parse_with(cost::thousandths)?,
            Long("streams") => streams = arguments.value()?.parse()?,
            Long("hours") => hours = arguments.value()?.parse()?,
            Long("share") => share = arguments.value()?.parse()?,
            Long("write") => documents = Some(Documents::Write),
            Long("check") => documents = Some(Documents::Check),
            other => return Err(other.unexpected().into()),
        }
    }
    match (documents, viewers, rate, plan) {
        (Some(documents), None, None, None) => documents.run()?,
        (None, Some(viewers), Some(rate), Some(plan)) => {
            ensure!(
                (1..=MOST_STREAMS).contains(&streams),
                "--streams is 1 to {MOST_STREAMS}"
            );
            ensure!(
                (1..=744).contains(&hours),
                "--hours is 1 to 744, those of a month"
            );
            ensure!((1..=100).contains(&share), "--share is 1 to 100");
            let load = Load {
                bids,
                reactions,
                streams,
                hours,
                share_percent: share,
                ..Load::new(viewers, rate).staying(stay)
            };
            console::answer(cost::report(&load, &plan).trim_end());
        }
        _ => bail!(
            "--viewers N, --rate R and --plan P are needed (plans: {PLANS}), or --write or --check alone"
        ),
    }
    Ok(ExitCode::SUCCESS)
}

/// What is done with the generated parts of the documents.
enum Documents {
    Write,
    Check,
}

impl Documents {
    fn run(self) -> Result<()> {
        let root = workspace::root();
        for document in cost::documents(root)? {
            let (path, file) = (document.path, root.join(document.path));
            match self {
                Self::Write => fs::write(&file, document.text)
                    .with_context(|| format!("cannot write {path}"))?,
                Self::Check => ensure!(
                    fs::read_to_string(&file).is_ok_and(|found| found == document.text),
                    "{path} is out of date: run cargo x cost --write"
                ),
            }
        }
        Ok(())
    }
}
