//! What the repository keeps is replayed: every target holds against its seeds and regressions.

use fuzz::TARGETS;

#[test]
fn nothing_that_was_mended_is_broken_again() {
    for target in TARGETS {
        for (path, input) in fuzz::regressions(target).unwrap() {
            println!("{}", path.display());
            target.check(&input);
        }
    }
}

#[test]
fn every_target_holds_against_its_seeds() {
    for target in TARGETS {
        println!("{}", target.name);
        let seeds = fuzz::seeds(target).unwrap();
        assert!(seeds.len() > 1 && seeds.iter().all(|it| it.len() <= target.max_len));
        for input in seeds {
            target.check(&input);
        }
    }
}
