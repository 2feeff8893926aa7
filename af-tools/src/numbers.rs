//! Numbers as people read them.

/// A number of things for people: `1 chain`, `1,450 entries`.
pub fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(count), if count == 1 { one } else { many })
}

/// A speed for people, in parentheses, with a space before; nothing where there is none.
pub fn rate(per_second: Option<f64>, things: &str) -> String {
    per_second.map_or_else(String::new, |rate| format!(" ({} {things}/s)", grouped(rate as u64)))
}

/// A number for people: `1,450`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_for_people() {
        assert_eq!(counted(1, "chain", "chains"), "1 chain");
        assert_eq!(counted(0, "chain", "chains"), "0 chains");
        assert_eq!(counted(1_450, "entry", "entries"), "1,450 entries");
        assert_eq!(rate(Some(1_234_567.0), "entries"), " (1,234,567 entries/s)");
        assert_eq!(rate(None, "entries"), "");
    }
}
