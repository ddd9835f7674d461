//! "Did you mean": the one word of a list that somebody probably meant. It guesses for people and never for the
//! program.

/// The nearest of the known words, if one is near enough.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let far = match word.chars().count() {
        0..=2 => 1,
        3..=5 => 2,
        _ => 3,
    };
    known
        .into_iter()
        .filter(|one| one.len() <= 100 && word.len() <= 100)
        .map(|one| (distance(word, one), one))
        .filter(|(steps, one)| *steps <= far && *steps < one.chars().count())
        .min_by_key(|(steps, one)| (*steps, *one))
        .map(|(_, one)| one)
}

/// What to write: the nearest word, or all of them where they are few.
pub(crate) fn help<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    match nearest(word, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => list(&known),
    }
}

/// All of them in words.
pub(crate) fn list(known: &[&str]) -> String {
    const SHOWN: usize = 40;
    let quoted: Vec<String> = known.iter().take(SHOWN).map(|one| format!("`{one}`")).collect();
    let more = if known.len() > SHOWN { ", …" } else { "" };
    match quoted.as_slice() {
        [] => "there is none".to_owned(),
        [one] => format!("there is only {one}"),
        all => format!("there are {}{more}", all.join(", ")),
    }
}

/// Letters to change, add, remove or exchange with a neighbour.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let other = usize::from(a[i - 1] != b[j - 1]);
            row[j] = (rows[i - 1][j] + 1).min(row[j - 1] + 1).min(rows[i - 1][j - 1] + other);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(rows[i - 2][j - 2] + 1);
            }
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_seen_and_another_word_is_not() {
        let keys = ["timeout", "interval", "url", "use", "kind"];
        assert_eq!(nearest("timeot", keys), Some("timeout"));
        assert_eq!(nearest("itnerval", keys), Some("interval"));
        assert_eq!(nearest("ulr", keys), Some("url"));
        assert_eq!(nearest("colour", keys), None);
        assert_eq!(nearest("", keys), None);
        assert_eq!(distance("ab", "ba"), 1);
    }
}
