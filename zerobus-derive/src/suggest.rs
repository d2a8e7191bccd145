//! Did you mean …?

/// The name that was probably meant.
pub(crate) fn closest<'a>(
    name: &str,
    known: impl Iterator<Item = &'a str> + Clone,
) -> Option<&'a str> {
    let plain = |name: &str| name.replace('_', "").to_lowercase();
    let wanted = plain(name);
    if let Some(same) = known.clone().find(|other| plain(other) == wanted) {
        return Some(same);
    }
    let near = (name.chars().count() / 3).max(1);
    known
        .map(|other| (distance(name, other), other))
        .filter(|(distance, _)| *distance <= near)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, other)| other)
}

/// How many characters to add, drop, change or swap with the next one.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (i, &from) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, &to) in b.iter().enumerate() {
            let get = |row: &[usize], at: usize| row.get(at).copied().unwrap_or(usize::MAX - 1);
            let mut best = (get(&above, j) + usize::from(from != to))
                .min(get(&above, j + 1) + 1)
                .min(get(&row, j) + 1);
            let previous =
                |text: &[char], at: usize| at.checked_sub(1).and_then(|at| text.get(at).copied());
            if previous(&a, i) == Some(to) && previous(&b, j) == Some(from) {
                best = best.min(get(&before, j - 1) + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut above, row);
    }
    above.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_meant() {
        let known = ["device_name", "temp", "humidity", "observed_at"];
        let meant = |name| closest(name, known.into_iter());
        assert_eq!(meant("hunidity"), Some("humidity"));
        assert_eq!(meant("tmep"), Some("temp"));
        assert_eq!(meant("deviceName"), Some("device_name"));
        assert_eq!(meant("DEVICE_NAME"), Some("device_name"));
        assert_eq!(meant("pressure"), None);
        assert_eq!(meant(""), None);
    }

    #[test]
    fn distance_counts_edits() {
        for (a, b, edits) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("abc", "abc", 0),
            ("abc", "abd", 1),
            ("abc", "acb", 1),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(distance(a, b), edits, "{a} {b}");
        }
    }
}
