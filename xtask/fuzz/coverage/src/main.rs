//! The targets, driven by libFuzzer: the variable `FUZZ_TARGET` names the one to be tried. Built and
//! run by `cargo xtask fuzz run TARGET --coverage`.

#![no_main]

use std::sync::LazyLock;

use fuzz::Target;
use libfuzzer_sys::fuzz_target;

static TARGET: LazyLock<&Target> = LazyLock::new(|| {
    let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
    match Target::find(&name) {
        Some(target) => target,
        None => panic!("no target is called `{name}`"),
    }
});

fuzz_target!(|input: &[u8]| {
    TARGET.check(input);
});
