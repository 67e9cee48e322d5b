//! Numbers as people read them.

/// With commas between thousands.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Thousandths: two decimals below 10, whole above, rounded to the nearest.
pub fn rate(thousandths: u64) -> String {
    if thousandths >= 9_995 {
        return grouped((thousandths + 500) / 1000);
    }
    let hundredths = (thousandths + 5) / 10;
    if hundredths.is_multiple_of(100) {
        return (hundredths / 100).to_string();
    }
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

/// Cents as dollars.
pub fn dollars(cents: u64) -> String {
    format!("${}.{:02}", grouped(cents / 100), cents % 100)
}

/// Milliseconds, as seconds from one on.
pub fn window(milliseconds: u32) -> String {
    if milliseconds < 1000 {
        return format!("{milliseconds} ms");
    }
    format!("{} s", rate(milliseconds.into()))
}
