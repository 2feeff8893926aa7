//! Numbers: ECMAScript's text where it is exact, plain decimal digits elsewhere.

use std::io::Write as _;
use std::ops::RangeInclusive;

use super::Sink;

/// The exponents, as a [`Decimal`] has them, with which ECMAScript writes all digits and no exponent (ECMA-262
/// `Number::toString`, steps 6 to 8).
const PLAIN: RangeInclusive<i32> = -5..=21;

/// A decimal number `±0.DIGITS × 10^exponent`, where DIGITS are ASCII without zeros at either end;
/// no digits at all is zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Decimal<'a> {
    negative: bool,
    digits: &'a [u8],
    exponent: i32,
}

impl<'a> Decimal<'a> {
    /// From digits that may have zeros at both ends, with `point` digits before the decimal point.
    pub(super) fn new(negative: bool, digits: &'a [u8], point: i32) -> Self {
        let leading = digits.iter().take_while(|digit| **digit == b'0').count();
        let digits = &digits[leading..];
        let trailing = digits.iter().rev().take_while(|digit| **digit == b'0').count();
        // Digit strings come from values of at most 1 GB, whose lengths fit an i32.
        Self { negative, digits: &digits[..digits.len() - trailing], exponent: point - leading as i32 }
    }

    /// Writes the canonical text.
    pub(super) fn write(self, sink: &mut impl Sink) {
        if self.digits.is_empty() {
            return sink.write(b"0");
        }
        if self.negative {
            sink.write(b"-");
        }
        // Where ECMAScript would write all digits as well, it is the same whether the number is exactly a double's.
        if PLAIN.contains(&self.exponent) || !(self.is_own_shortest() || self.is_exact_double()) {
            self.write_plain(sink);
        } else {
            self.write_exponential(sink);
        }
    }

    /// Whether the digits are known, without conversion, to be the shortest that name their double:
    /// any 15 significant digits survive the way through a normal double (`DBL_DIG`, C11 5.2.4.2.2).
    fn is_own_shortest(self) -> bool {
        self.digits.len() <= 15 && (-290..300).contains(&self.exponent)
    }

    /// Whether ECMAScript's text of the nearest double is exactly this number.
    #[cold]
    fn is_exact_double(self) -> bool {
        // A text of the shortest digits that name a double never has more than 17.
        if self.digits.len() > 17 {
            return false;
        }
        // On the stack: in some ledgers every entry has such a number.
        let mut text = [0_u8; 32];
        let mut room = &mut text[..];
        let written = (|| {
            room.write_all(b"0.")?;
            room.write_all(self.digits)?;
            write!(room, "e{}", self.exponent)
        })();
        let left = room.len();
        let Ok(text) = str::from_utf8(&text[..text.len() - left]) else { return false };
        let Some(nearest) = written.ok().and_then(|()| text.parse::<f64>().ok()) else { return false };
        if !nearest.is_finite() || nearest == 0.0 {
            return false;
        }
        let mut buffer = ryu_js::Buffer::new();
        let shortest = buffer.format_finite(nearest).as_bytes();
        // ECMAScript writes at most 21 digits before it takes to exponents, and at most 6 zeros before 17 digits.
        let mut digits = [0_u8; 24];
        let mut count = 0;
        let split = split(shortest, |digit| {
            if let Some(place) = digits.get_mut(count) {
                *place = digit;
            }
            count += 1;
        });
        match (split, digits.get(..count)) {
            (Some((_, point)), Some(digits)) => Decimal::new(self.negative, digits, point) == self,
            _ => false,
        }
    }

    /// One digit before the point, and an exponent (`Number::toString`, steps 9 to 11).
    fn write_exponential(self, sink: &mut impl Sink) {
        let (first, rest) = self.digits.split_at(1);
        sink.write(first);
        if !rest.is_empty() {
            sink.write(b".");
            sink.write(rest);
        }
        let exponent = self.exponent - 1;
        sink.write(if exponent < 0 { b"e-" } else { b"e+" });
        write_integer(i64::from(exponent.abs()), sink);
    }

    /// All digits, no exponent.
    fn write_plain(self, sink: &mut impl Sink) {
        let length = self.digits.len() as i32;
        if self.exponent <= 0 {
            sink.write(b"0.");
            write_zeros(-self.exponent, sink);
            sink.write(self.digits);
        } else if self.exponent >= length {
            sink.write(self.digits);
            write_zeros(self.exponent - length, sink);
        } else {
            let (whole, fraction) = self.digits.split_at(self.exponent as usize);
            sink.write(whole);
            sink.write(b".");
            sink.write(fraction);
        }
    }
}

fn write_zeros(count: i32, sink: &mut impl Sink) {
    const ZEROS: [u8; 64] = [b'0'; 64];
    let mut left = usize::try_from(count).unwrap_or(0);
    while left > 0 {
        let now = left.min(ZEROS.len());
        sink.write(&ZEROS[..now]);
        left -= now;
    }
}

/// Writes an integer in decimal, which is also its canonical form below 2^53.
pub(crate) fn write_integer(value: i64, sink: &mut impl Sink) {
    let mut text = [0; 20];
    let mut at = text.len();
    let mut rest = value.unsigned_abs();
    while rest >= 100 {
        at -= 2;
        text[at..at + 2].copy_from_slice(&decimal_pair((rest % 100) as u8));
        rest /= 100;
    }
    let [tens, ones] = decimal_pair(rest as u8);
    at -= 1;
    text[at] = ones;
    if tens != b'0' {
        at -= 1;
        text[at] = tens;
    }
    if value < 0 {
        at -= 1;
        text[at] = b'-';
    }
    sink.write(&text[at..]);
}

/// The two digits of a number below 100.
#[inline]
pub(crate) fn decimal_pair(value: u8) -> [u8; 2] {
    const PAIRS: [[u8; 2]; 100] = {
        let mut pairs = [[0; 2]; 100];
        let mut value = 0;
        while value < 100 {
            pairs[value] = [b'0' + (value / 10) as u8, b'0' + (value % 10) as u8];
            value += 1;
        }
        pairs
    };
    PAIRS[usize::from(value)]
}

/// Splits the text of a JSON number into its sign, its digits (one by one to `take`) and the count of them
/// before the decimal point. `None` if the exponent is beyond what any stored number has.
pub(super) fn split(text: &[u8], mut take: impl FnMut(u8)) -> Option<(bool, i32)> {
    /// Far above PostgreSQL's 131,072 digits before the point and 16,383 behind it.
    const MAX_EXPONENT: i32 = 200_000;
    let (negative, unsigned) = match text.split_first() {
        Some((b'-', rest)) => (true, rest),
        _ => (false, text),
    };
    let mut digits = 0_usize;
    let mut point = None;
    let mut exponent = 0;
    for (at, &byte) in unsigned.iter().enumerate() {
        match byte {
            b'.' => point = Some(digits),
            b'e' | b'E' => {
                exponent = str::from_utf8(&unsigned[at + 1..]).ok()?.parse::<i32>().ok()?;
                break;
            }
            _ => {
                take(byte);
                digits += 1;
            }
        }
    }
    let point = i32::try_from(point.unwrap_or(digits)).ok()?;
    (exponent.abs() <= MAX_EXPONENT && point <= MAX_EXPONENT).then_some((negative, point + exponent))
}

/// Whether the text of a JSON number without exponent, of which `whole` digits are before the point and `fraction` behind it,
/// can be seen to be canonical: one that is written plainly, and has no needless zeros.
#[inline]
pub(super) fn is_canonical(text: &[u8], whole: usize, fraction: usize) -> bool {
    if whole > *PLAIN.end() as usize {
        return false;
    }
    if fraction == 0 {
        return text != b"-0";
    }
    let unsigned = text.strip_prefix(b"-").unwrap_or(text);
    // With a sixth zero behind the point, the exponent is less than -5.
    !unsigned.starts_with(b"0.000000") && !text.ends_with(b"0")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn canonical(text: &str) -> String {
        let mut digits = Vec::new();
        let (negative, point) = split(text.as_bytes(), |digit| digits.push(digit)).unwrap();
        let mut out = Vec::new();
        Decimal::new(negative, &digits, point).write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn writes_ecmascript_where_exact_and_digits_elsewhere() {
        for (given, wanted) in [
            ("0", "0"),
            ("-0", "0"),
            ("-0.000e5", "0"),
            ("1.50", "1.5"),
            ("100", "100"),
            ("1e21", "1e+21"),
            ("1e20", "100000000000000000000"),
            ("123456789012345678901", "123456789012345678901"),
            ("0.000001", "0.000001"),
            ("0.0000001", "1e-7"),
            ("-12.5e-9", "-1.25e-8"),
            ("9007199254740991", "9007199254740991"),
            ("9007199254740992", "9007199254740992"),
            ("9007199254740993", "9007199254740993"),
            ("0.1000000000000000055511151231257827", "0.1000000000000000055511151231257827"),
            ("1.7976931348623157e308", "1.7976931348623157e+308"),
            ("5e-324", "5e-324"),
            ("4.9e-324", &format!("0.{}49", "0".repeat(323))),
            ("1e309", &format!("1{}", "0".repeat(309))),
            // RFC 8785 rounds this one to 333333333.3333333; here it keeps its digits.
            ("333333333.33333329", "333333333.33333329"),
        ] {
            assert_eq!(canonical(given), wanted, "{given}");
        }
    }

    #[test]
    fn integers_are_written_as_rust_writes_them() {
        for value in [0, 1, 9, 10, 99, 100, 101, 999, 1_000, 123_456_789, i64::MAX, i64::MIN, -1, -10, -100] {
            let mut out = Vec::new();
            write_integer(value, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), value.to_string());
        }
    }

    #[test]
    fn refuses_absurd_exponents() {
        for text in ["1e200001", "1e-200001", "1e99999999999999999999"] {
            assert_eq!(split(text.as_bytes(), |_| ()), None, "{text}");
        }
    }

    proptest! {
        /// The ECMAScript text of any double is its own canonical form.
        #[test]
        fn doubles_are_fixed_points(bits in any::<u64>()) {
            let double = f64::from_bits(bits);
            prop_assume!(double.is_finite());
            let text = ryu_js::Buffer::new().format_finite(double).to_owned();
            prop_assert_eq!(canonical(&text), text);
        }

        /// Different spellings of one number agree, different numbers do not.
        #[test]
        fn equal_exactly_when_the_number_is(digits in 1_u128..u128::MAX, zeros in 0_usize..5, shift in -40_i32..40, other in 1_u128..u128::MAX) {
            let spelled = format!("{digits}{}e{}", "0".repeat(zeros), shift);
            let plain = format!("{digits}e{}", shift + zeros as i32);
            prop_assert_eq!(canonical(&spelled), canonical(&plain));
            prop_assert_eq!(canonical(&format!("{digits}")) == canonical(&format!("{other}")), digits == other);
            prop_assert_ne!(canonical(&format!("{digits}.5")), canonical(&format!("{digits}")));
        }
    }
}
