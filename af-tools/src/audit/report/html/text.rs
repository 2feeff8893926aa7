//! Text that somebody else wrote, on a page: shown as it is, and never read as markup.

use std::fmt::{self, Write};

/// Text for the content of an element. Characters that do not show, or that turn the order of others around, are made
/// visible.
pub(super) struct Shown<'a>(pub(super) &'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match entity(c) {
                Some(entity) => f.write_str(entity)?,
                None if is_odd(c) => write!(f, "<span class=\"odd\">U+{:04X}</span>", u32::from(c))?,
                None => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// Text for an attribute in quotation marks.
pub(super) struct Quoted<'a>(pub(super) &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match entity(c) {
                Some(entity) => f.write_str(entity)?,
                None if is_odd(c) || c == '\n' => write!(f, "U+{:04X}", u32::from(c))?,
                None => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

fn entity(c: char) -> Option<&'static str> {
    match c {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '"' => Some("&quot;"),
        '\'' => Some("&#39;"),
        _ => None,
    }
}

/// Whether a character hides: control characters but the line feed, and what Unicode formats text with.
fn is_odd(c: char) -> bool {
    matches!(c,
        '\0'..='\u{9}' | '\u{b}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{61c}' | '\u{180e}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_read_as_markup_and_nothing_hides() {
        for (text, shown, quoted) in [
            ("plain Übergröße 🙂", "plain Übergröße 🙂", "plain Übergröße 🙂"),
            (
                "</script><img onerror=x>",
                "&lt;/script&gt;&lt;img onerror=x&gt;",
                "&lt;/script&gt;&lt;img onerror=x&gt;",
            ),
            ("\"'&", "&quot;&#39;&amp;", "&quot;&#39;&amp;"),
            ("a\u{202e}b", "a<span class=\"odd\">U+202E</span>b", "aU+202Eb"),
            (
                "a\0\tb",
                "a<span class=\"odd\">U+0000</span><span class=\"odd\">U+0009</span>b",
                "aU+0000U+0009b",
            ),
            ("a\nb", "a\nb", "aU+000Ab"),
        ] {
            assert_eq!(Shown(text).to_string(), shown);
            assert_eq!(Quoted(text).to_string(), quoted);
        }
    }
}
