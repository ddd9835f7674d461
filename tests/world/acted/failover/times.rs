//! Times of many failovers, and what is said of them: the middle one and the worst of a hundred.

use watchkeeper::core::time::Span;

/// How long something took in each of the runs, by name, in the order in which it was first told.
#[derive(Default)]
pub(super) struct Times(Vec<(String, Vec<Span>)>);

impl Times {
    pub(super) fn add(&mut self, what: &str, took: Span) {
        match self.0.iter_mut().find(|(known, _)| known == what) {
            Some((_, all)) => all.push(took),
            None => self.0.push((what.to_owned(), vec![took])),
        }
    }

    /// So many percent of them took no longer; of twenty, 99 of a hundred is the longest.
    #[track_caller]
    pub(super) fn percent(&self, percent: usize, what: &str) -> Span {
        let (_, all) = self.0.iter().find(|(known, _)| known == what).expect("it was measured");
        let mut all = all.clone();
        all.sort_unstable();
        all[(all.len() * percent).div_ceil(100).max(1) - 1]
    }

    pub(super) fn show(&self, title: &str) {
        println!("\n{title}");
        println!("  {:46}{:>9} {:>9} {:>9} {:>9}  runs", "", "least", "p50", "p99", "most");
        for (what, all) in &self.0 {
            let cells: Vec<String> =
                [0, 50, 99, 100].iter().map(|percent| text(self.percent(*percent, what))).collect();
            println!("  {what:46}{}  {}", cells.join(" "), all.len());
        }
    }
}

/// In seconds.
pub(super) fn text(span: Span) -> String {
    format!("{:7.3} s", span.as_micros() as f64 / 1e6)
}

#[test]
fn the_middle_and_the_worst_of_a_hundred() {
    let mut times = Times::default();
    for number in [5, 1, 4, 2, 3] {
        times.add("it", Span::secs(number));
    }
    let of = |percent| times.percent(percent, "it");
    assert_eq!([0, 1, 50, 99, 100].map(of), [1, 1, 3, 5, 5].map(Span::secs));
    for number in 6..=100 {
        times.add("it", Span::secs(number));
    }
    assert_eq!([50, 99, 100].map(|percent| times.percent(percent, "it")), [50, 99, 100].map(Span::secs));
}
