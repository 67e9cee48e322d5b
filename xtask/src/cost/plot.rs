//! The plot of docs/realtime.md: messages a second over viewers, with and without coalescing, as SVG.

use std::fmt::Write as _;

use anyhow::Result;

use super::figures::grouped;
use super::load::Load;
use super::realtime_plan::RealtimePlan;
use super::traffic::Traffic;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 440.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 700.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 380.0;

/// Powers of ten at the ends of both axes.
const VIEWERS: (i32, i32) = (1, 4);
const MESSAGES: (i32, i32) = (1, 6);

/// Points of a curve.
const STEPS: u32 = 90;

/// Thousandths of messages a second in the chat.
const CHAT: u32 = 5_000;

/// Plans, their titles, and the colours of what belongs to each.
const PLANS: [(&str, &str, &str); 3] = [
    ("free", "Free", "#b45309"),
    ("pro", "Pro", "#0369a1"),
    ("team", "Team", "#15803d"),
];

pub fn svg() -> Result<String> {
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH:.0} {HEIGHT:.0}\" role=\"img\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <title>Messages a second that Realtime counts, over the viewers of one stream</title>\n\
         <desc>Without coalescing they grow with the viewers beyond every limit; coalesced they stay below the limit of each plan, \
         as far as it admits connections.</desc>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
    );
    axes(&mut text);
    let most = 10_f64.powi(VIEWERS.1);
    curve(
        &mut text,
        "#111827",
        "2.5",
        most,
        Traffic::without_coalescing,
    );
    label_at(
        &mut text,
        RIGHT - 80.0,
        TOP + 22.0,
        "end",
        "#111827",
        "without coalescing",
    );
    for (name, title, colour) in PLANS {
        let plan = RealtimePlan::parse(name)?;
        let y = y_of(f64::from(plan.limit_per_s));
        line(&mut text, [LEFT, y, RIGHT, y], colour, "4 4");
        let limit = grouped(plan.limit_per_s.into());
        let label = format!("limit of {title}: {limit}/s; coalesced below it");
        label_at(&mut text, RIGHT - 6.0, y - 5.0, "end", colour, &label);
        // One connection is the seller's.
        let viewers = plan.connections.map_or(most, |most| f64::from(most) - 1.0);
        curve(&mut text, colour, "2", viewers, |load| {
            Traffic::coalesced(load, plan.limit_per_s)
        });
    }
    label_at(
        &mut text,
        LEFT,
        TOP - 16.0,
        "start",
        "#111827",
        "Messages a second that Realtime counts; 5 messages a second in the chat, viewers stay ten minutes",
    );
    Ok(text + "</svg>\n")
}

fn axes(text: &mut String) {
    for power in VIEWERS.0..=VIEWERS.1 {
        let x = x_of(10_f64.powi(power));
        line(text, [x, TOP, x, BOTTOM], "#d1d5db", "none");
        label_at(
            text,
            x,
            BOTTOM + 18.0,
            "middle",
            "#111827",
            &power_of_ten(power),
        );
    }
    for power in MESSAGES.0..=MESSAGES.1 {
        let y = y_of(10_f64.powi(power));
        line(text, [LEFT, y, RIGHT, y], "#d1d5db", "none");
        label_at(
            text,
            LEFT - 8.0,
            y + 4.0,
            "end",
            "#111827",
            &power_of_ten(power),
        );
    }
    let middle = f64::midpoint(LEFT, RIGHT);
    label_at(
        text,
        middle,
        BOTTOM + 40.0,
        "middle",
        "#111827",
        "viewers of the stream",
    );
}

/// What a load comes to, from the fewest viewers to so many.
fn curve(
    text: &mut String,
    colour: &str,
    width: &str,
    most: f64,
    traffic: impl Fn(&Load) -> Traffic,
) {
    let points: Vec<String> = (0..=STEPS)
        .map(|step| {
            let span = most.log10() - f64::from(VIEWERS.0);
            let power = f64::from(VIEWERS.0) + span * f64::from(step) / f64::from(STEPS);
            let viewers = 10_f64.powf(power).round() as u32;
            let counted = traffic(&Load::new(viewers, CHAT)).counted;
            let y = y_of(counted as f64 / 1000.0).clamp(TOP, BOTTOM);
            format!("{:.1},{y:.1}", x_of(viewers.into()))
        })
        .collect();
    let points = points.join(" ");
    writeln!(
        text,
        "<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width}\" points=\"{points}\"/>"
    )
    .expect("a String takes everything");
}

fn line(text: &mut String, [x1, y1, x2, y2]: [f64; 4], colour: &str, dashes: &str) {
    writeln!(
        text,
        "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"{colour}\" stroke-dasharray=\"{dashes}\"/>"
    )
    .expect("a String takes everything");
}

fn label_at(text: &mut String, x: f64, y: f64, anchor: &str, colour: &str, label: &str) {
    writeln!(
        text,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" fill=\"{colour}\">{label}</text>"
    )
    .expect("a String takes everything");
}

fn power_of_ten(power: i32) -> String {
    grouped(10_u64.pow(power.unsigned_abs()))
}

fn x_of(viewers: f64) -> f64 {
    LEFT + (RIGHT - LEFT) * place(viewers, VIEWERS)
}

fn y_of(messages: f64) -> f64 {
    BOTTOM - (BOTTOM - TOP) * place(messages, MESSAGES)
}

/// The place on a logarithmic axis, 0 to 1 from its lower to its upper end.
fn place(value: f64, (low, high): (i32, i32)) -> f64 {
    (value.log10() - f64::from(low)) / f64::from(high - low)
}
