//! In which order the addresses of a name are tried.

use std::io;
use std::net::SocketAddr;

/// The families in turn (RFC 8305 §4), beginning with that of the first address: if one of them
/// does not work here, the second attempt does not suffer as well.
pub(crate) fn alternate(addresses: impl IntoIterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let addresses: Vec<_> = addresses.into_iter().collect();
    let first_family = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) = addresses
        .into_iter()
        .partition(|it| it.is_ipv6() == first_family);
    let mut ordered = Vec::new();
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    loop {
        match (first.next(), second.next()) {
            (None, None) => return ordered,
            (one, other) => ordered.extend(one.into_iter().chain(other)),
        }
    }
}

/// A name without any address.
pub(crate) fn no_address() -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, "the name has no address")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(addresses: &str, expected: &str) {
        let parse = |text: &str| text.split(' ').map(|it| it.parse().unwrap()).collect();
        let addresses: Vec<SocketAddr> = parse(addresses);
        let expected: Vec<SocketAddr> = parse(expected);
        assert_eq!(alternate(addresses), expected);
    }

    #[test]
    fn families_take_turns() {
        check(
            "[::1]:1 [::2]:1 [::3]:1 1.1.1.1:1 2.2.2.2:1",
            "[::1]:1 1.1.1.1:1 [::2]:1 2.2.2.2:1 [::3]:1",
        );
        check("1.1.1.1:1 2.2.2.2:1 [::1]:1", "1.1.1.1:1 [::1]:1 2.2.2.2:1");
        check("1.1.1.1:1 2.2.2.2:1", "1.1.1.1:1 2.2.2.2:1");
        assert!(alternate([]).is_empty());
    }
}
