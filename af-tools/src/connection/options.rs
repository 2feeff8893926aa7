//! The parameter `options`: server parameters for the session.

use super::Error;

/// The server parameters of an `options` string: `-c name=value`, `-cname=value` or `--name=value`,
/// where a backslash takes the next character as it is.
pub(super) fn session_options(text: &str) -> Result<Vec<(String, String)>, Error> {
    let mut words: Vec<String> = Vec::new();
    let mut is_inside = false;
    let mut chars = text.chars();
    while let Some(next) = chars.next() {
        if next.is_whitespace() {
            is_inside = false;
            continue;
        }
        if !is_inside {
            words.push(String::new());
            is_inside = true;
        }
        let taken = if next == '\\' { chars.next() } else { Some(next) };
        if let (Some(word), Some(taken)) = (words.last_mut(), taken) {
            word.push(taken);
        }
    }
    let mut options = Vec::new();
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        let assignment = match (word.strip_prefix("--"), word.strip_prefix("-c")) {
            (Some(rest), _) => rest.to_owned(),
            (None, Some("")) => words.next().ok_or_else(invalid)?,
            (None, Some(rest)) => rest.to_owned(),
            (None, None) => return Err(invalid()),
        };
        let (name, value) = assignment.split_once('=').ok_or_else(invalid)?;
        options.push((name.replace('-', "_"), value.to_owned()));
    }
    Ok(options)
}

fn invalid() -> Error {
    let reason = "only -c name=value and --name=value are supported".to_owned();
    Error::InvalidValue { keyword: "options", reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_options_are_taken_apart() {
        let options = session_options(r"-c geqo=off  --work-mem=4MB -csearch_path=a\ b,c").unwrap();
        let expected = [("geqo", "off"), ("work_mem", "4MB"), ("search_path", "a b,c")];
        assert!(options.iter().map(|(name, value)| (name.as_str(), value.as_str())).eq(expected));
        for bad in ["-d 5", "-c", "-c geqo", "geqo=off"] {
            assert!(session_options(bad).is_err(), "{bad}");
        }
    }
}
