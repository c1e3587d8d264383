//! What a `Target` says, before anybody resolves it.

use socketio_adapter::Target;

#[test]
fn everyone_is_not_an_empty_list() {
    assert_eq!(Target::everyone().addressed(), None);
    assert_eq!(Target::rooms([] as [&str; 0]).addressed(), Some(&[][..]));
    assert_eq!(
        Target::everyone().to([] as [&str; 0]),
        Target::rooms([] as [&str; 0])
    );
}

#[test]
fn calls_add_up() {
    let target = Target::everyone()
        .to(["a"])
        .except(["x"])
        .to([String::from("b")])
        .except(["y", "x"]);
    assert_eq!(target, Target::rooms(["a", "b"]).except(["x", "y", "x"]));
    assert_eq!(target.excepted().len(), 3);
}
