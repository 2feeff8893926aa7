//! Numbers for people.

/// A count, with thousands set apart: 1,234,567.
pub(crate) fn count(value: impl std::fmt::Display) -> String {
    let digits = value.to_string();
    let mut out = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Three significant digits, with thousands set apart: 1,230,000.
pub(crate) fn grouped(value: f64) -> String {
    if value < 1000.0 {
        return rounded(value);
    }
    let step = 10_f64.powi(value.log10().floor() as i32 - 2);
    count(format!("{:.0}", (value / step).round() * step))
}

/// Three significant digits: 0.0123, 1.23, 12.3, 123, and whole above that.
pub(crate) fn rounded(value: f64) -> String {
    if value <= 0.0 {
        return "0".to_owned();
    }
    let decimals = (2 - value.log10().floor() as i32).clamp(0, 9);
    format!("{value:.*}", usize::try_from(decimals).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_count() {
        let all = [0.0, 0.012_34, 1.0, 12.34, 123.4, 1234.0].map(rounded);
        assert_eq!(all, ["0", "0.0123", "1.00", "12.3", "123", "1234"]);
        assert_eq!([0, 123, 1_234, 1_234_567].map(count), ["0", "123", "1,234", "1,234,567"]);
        let all = [12.0, 1234.0, 123_456.0, 9_999_999.0].map(grouped);
        assert_eq!(all, ["12.0", "1,230", "123,000", "10,000,000"]);
    }
}
