//! The search against a planner made of numbers.

use super::*;

/// Plays a search with a planner that says what each set costs and which of it is used.
fn play(sizes: &[(usize, u64)], planner: impl Fn(&[usize]) -> (f64, Set)) -> (Outcome, usize) {
    let sizes = sizes.iter().map(|(table, bytes)| Size {
        table: *table,
        bytes: *bytes,
    });
    let mut search = Search::new(sizes.collect());
    while let Some(set) = search.next() {
        let (cost, used) = planner(&set);
        search.tell(set, Trial { cost, used });
    }
    (search.outcome(), search.asked())
}

/// Each index takes its own share off; the planner uses the best one of each table.
fn best_of_each(factors: &'static [(usize, f64)]) -> impl Fn(&[usize]) -> (f64, Set) {
    |set| {
        let mut cost = 1000.0;
        let mut used = Vec::new();
        for table in 0..3 {
            let best = set
                .iter()
                .filter(|id| factors[**id].0 == table)
                .min_by(|a, b| factors[**a].1.total_cmp(&factors[**b].1));
            if let Some(id) = best.filter(|id| factors[**id].1 < 1.0) {
                cost *= factors[*id].1;
                used.push(*id);
            }
        }
        used.sort_unstable();
        (cost, used)
    }
}

#[test]
fn nothing_is_advised_that_does_not_help() {
    let (outcome, _) = play(&[(0, 10), (0, 20)], |_| (1000.0, Vec::new()));
    assert_eq!(outcome.best, Vec::<usize>::new());
    assert!(outcome.best_cost >= outcome.base);
}

#[test]
fn one_for_each_table_and_the_smaller_of_two_that_do_alike() {
    // 1 is a little better than 0, and ten times as large.
    let (outcome, asked) = play(
        &[(0, 10), (0, 100), (1, 10), (1, 10), (2, 10)],
        best_of_each(&[(0, 0.101), (0, 0.1), (1, 0.5), (1, 0.9), (2, 1.0)]),
    );
    assert_eq!(outcome.best, [0, 2]);
    assert_eq!(outcome.smallest, [0]);
    assert!(asked < 40, "{asked}");
}

#[test]
fn two_that_help_only_together_are_found() {
    let planner = |set: &[usize]| {
        if set.contains(&0) && set.contains(&2) {
            (10.0, vec![0, 2])
        } else {
            (1000.0, Vec::new())
        }
    };
    let (outcome, _) = play(&[(0, 10), (0, 10), (1, 10), (1, 10)], planner);
    assert_eq!(outcome.best, [0, 2]);
}

#[test]
fn a_search_that_is_stopped_early_gives_the_best_so_far() {
    let planner = best_of_each(&[(0, 0.5), (0, 0.1), (1, 0.5)]);
    let sizes = [(0, 10), (0, 100), (1, 10)].map(|(table, bytes)| Size { table, bytes });
    let mut search = Search::new(sizes.to_vec());
    for _ in 0..3 {
        let set = search.next().unwrap();
        let (cost, used) = planner(&set);
        search.tell(set, Trial { cost, used });
    }
    search.stop();
    assert_eq!(search.next(), None);
    assert_eq!(search.outcome().best, [1]);
}
