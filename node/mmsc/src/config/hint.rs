//! The nearest known name for a mistyped one.

/// Edits from `a` to `b`: insert, delete, replace, and swap of neighbours (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, to) in b.iter().enumerate() {
            let at = |line: &[usize], index: usize| line.get(index).copied().unwrap_or(usize::MAX / 2);
            let replaced = at(&last, j) + usize::from(from != to);
            let mut best = replaced.min(at(&last, j + 1) + 1).min(at(&row, j) + 1);
            let swapped = i > 0 && j > 0 && a.get(i - 1) == Some(to) && b.get(j - 1) == Some(from);
            if swapped {
                best = best.min(at(&before, j - 1) + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or(usize::MAX)
}

/// The known name that is nearest to `given`, if it is near enough to be what was meant.
pub(crate) fn nearest(given: &str, known: impl IntoIterator<Item = String>) -> Option<String> {
    let limit = (given.chars().count() / 3).clamp(1, 4);
    let leaf = given.rsplit('.').next().unwrap_or(given).to_owned();
    known
        .into_iter()
        .map(|name| {
            let whole = distance(given, &name);
            // The right key in the wrong table is a near miss as well.
            let same_leaf = name.rsplit('.').next() == Some(leaf.as_str());
            (if same_leaf { whole.min(limit) } else { whole }, whole, name)
        })
        .filter(|(near, ..)| *near <= limit)
        .min()
        .map(|(_, _, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_found_and_far_ones_not() {
        let known = || ["mm1.listen", "mm1.public_url", "mm4.listen", "retention.content"].map(str::to_owned);
        assert_eq!(nearest("mm1.listn", known()).as_deref(), Some("mm1.listen"));
        assert_eq!(nearest("mm1.lisetn", known()).as_deref(), Some("mm1.listen"));
        assert_eq!(nearest("mm1.publicurl", known()).as_deref(), Some("mm1.public_url"));
        assert_eq!(nearest("store.content", known()).as_deref(), Some("retention.content"));
        assert_eq!(nearest("something.else", known()), None);
    }

    #[test]
    fn distances() {
        for (a, b, edits) in [
            ("", "abc", 3),
            ("abc", "abc", 0),
            ("abcd", "abdc", 1),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(distance(a, b), edits, "{a} {b}");
        }
    }
}
