//! Proxies as the environment names them: in the variables that curl and most programs read.

use std::net::IpAddr;

use super::{Proxy, ProxyParseError, Target};

/// The variables, read once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Environment {
    http: Option<Proxy>,
    https: Option<Proxy>,
    all: Option<Proxy>,
    direct: Direct,
}

/// Who is reached without a proxy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Direct {
    everybody: bool,
    /// In lower case, without dots around them.
    names: Vec<String>,
    /// Addresses, and how many of their bits count.
    networks: Vec<(IpAddr, u8)>,
}

impl Environment {
    /// Asks for variables by name. One that is empty is none.
    pub(super) fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, ProxyParseError> {
        let variable = |name: &str| variable(name).filter(|it| !it.is_empty());
        let either = |lower: &str| variable(lower).or_else(|| variable(&lower.to_uppercase()));
        // In a CGI program it is a header of the client's, and not the environment's word.
        let upper = || variable("HTTP_PROXY").filter(|_| variable("REQUEST_METHOD").is_none());
        let proxy = |url: Option<String>| url.map(|it| parse(&it)).transpose();
        Ok(Self {
            http: proxy(variable("http_proxy").or_else(upper))?,
            https: proxy(either("https_proxy"))?,
            all: proxy(either("all_proxy"))?,
            direct: Direct::new(&either("no_proxy").unwrap_or_default()),
        })
    }

    /// The proxy on the way to somebody, if there is one.
    pub(super) fn proxy(&self, target: &Target) -> Option<&Proxy> {
        let own = match target.tls {
            true => &self.https,
            false => &self.http,
        };
        let proxy = own.as_ref().or(self.all.as_ref());
        proxy.filter(|_| !self.direct.contains(&target.host))
    }
}

/// A URL of a proxy, whose scheme may be missing.
fn parse(url: &str) -> Result<Proxy, ProxyParseError> {
    match url.contains("://") {
        true => url.parse(),
        false => format!("http://{url}").parse(),
    }
}

impl Direct {
    fn new(list: &str) -> Self {
        let mut direct = Self {
            everybody: list.trim() == "*",
            ..Self::default()
        };
        for entry in list.split([',', ' ', '\t']) {
            match network(entry) {
                Some(network) => direct.networks.push(network),
                None => direct.names.push(bare(entry)),
            }
        }
        direct.names.retain(|it| !it.is_empty() && it != "*");
        direct
    }

    fn contains(&self, host: &str) -> bool {
        if self.everybody {
            return true;
        }
        if let Ok(address) = host.parse::<IpAddr>() {
            let mut networks = self.networks.iter();
            return networks.any(|&(network, bits)| is_in(address, network, bits));
        }
        let host = bare(host);
        self.names.iter().any(|name| {
            let above = host.strip_suffix(name.as_str());
            above.is_some_and(|it| it.is_empty() || it.ends_with('.'))
        })
    }
}

/// A name as it is compared.
fn bare(name: &str) -> String {
    name.trim_matches('.').to_ascii_lowercase()
}

/// An address, alone or with the number of its bits that count.
fn network(entry: &str) -> Option<(IpAddr, u8)> {
    let (address, bits) = match entry.split_once('/') {
        Some((address, bits)) => (address, Some(bits)),
        None => (entry, None),
    };
    let address: IpAddr = address.trim_matches(['[', ']']).parse().ok()?;
    let most = match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    };
    let bits = bits.map_or(Some(most), |it| it.parse().ok());
    Some((address, bits.filter(|&it| it <= most)?))
}

fn is_in(address: IpAddr, network: IpAddr, bits: u8) -> bool {
    let differs = match (address, network) {
        (IpAddr::V4(one), IpAddr::V4(other)) => u128::from(one.to_bits() ^ other.to_bits()) << 96,
        (IpAddr::V6(one), IpAddr::V6(other)) => one.to_bits() ^ other.to_bits(),
        _ => return false,
    };
    differs.leading_zeros() >= u32::from(bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        let find = |name: &str| variables.iter().find(|(it, _)| *it == name);
        Environment::read(|name| find(name).map(|(_, value)| (*value).to_owned())).unwrap()
    }

    /// The host of the proxy on the way to a server.
    fn way<'a>(environment: &'a Environment, host: &str, tls: bool) -> Option<&'a str> {
        let target = Target::new(host, 1, tls);
        environment.proxy(&target).map(|it| it.host.as_str())
    }

    #[test]
    fn each_scheme_has_its_proxy_and_the_rest_a_common_one() {
        let both = environment(&[("http_proxy", "http://a"), ("HTTPS_PROXY", "http://b")]);
        assert_eq!(way(&both, "server", false), Some("a"));
        assert_eq!(way(&both, "server", true), Some("b"));
        let all = environment(&[("ALL_PROXY", "socks5://c"), ("https_proxy", "")]);
        assert_eq!(way(&all, "server", false), Some("c"));
        assert_eq!(way(&all, "server", true), Some("c"));
        assert_eq!(way(&environment(&[]), "server", true), None);
    }

    #[test]
    fn names_in_lower_case_come_first_and_a_scheme_may_be_missing() {
        let variables = [("https_proxy", "a:3128"), ("HTTPS_PROXY", "http://b")];
        assert_eq!(way(&environment(&variables), "server", true), Some("a"));
    }

    #[test]
    fn a_program_of_cgi_is_not_told_its_proxy_by_clients() {
        let variables = [("HTTP_PROXY", "http://a"), ("REQUEST_METHOD", "GET")];
        assert_eq!(
            way(&environment(&variables[..1]), "server", false),
            Some("a")
        );
        assert_eq!(way(&environment(&variables), "server", false), None);
    }

    #[test]
    fn what_is_no_proxy_is_an_error() {
        let broken = Environment::read(|name| (name == "all_proxy").then(|| "ftp://a".into()));
        assert_eq!(broken, Err(ProxyParseError::Scheme("ftp".into())));
    }

    #[track_caller]
    fn check(no_proxy: &str, direct: &[&str], proxied: &[&str]) {
        let environment = environment(&[("all_proxy", "http://proxy"), ("no_proxy", no_proxy)]);
        for host in direct {
            assert_eq!(way(&environment, host, false), None, "{no_proxy}: {host}");
        }
        for host in proxied {
            let way = way(&environment, host, false);
            assert_eq!(way, Some("proxy"), "{no_proxy}: {host}");
        }
    }

    #[test]
    fn no_proxy_names_hosts_domains_and_networks() {
        check("*", &["server", "::1"], &[]);
        check("*,other", &["other"], &["server"]);
        check(
            "example.com, .Example.ORG local",
            &[
                "example.com",
                "A.example.com.",
                "example.org",
                "b.example.org",
                "local",
            ],
            &["notexample.com", "example.com.de", "127.0.0.1"],
        );
        check(
            "10.0.0.0/9,192.168.0.1,::1,[fe80::]/10,1.1.1.1/x,2.2.2.2/33",
            &["10.127.0.1", "192.168.0.1", "::1", "febf::1"],
            &[
                "10.128.0.1",
                "192.168.0.2",
                "::2",
                "fec0::",
                "1.1.1.1",
                "2.2.2.2",
            ],
        );
        check("0.0.0.0/0", &["1.2.3.4"], &["::1"]);
    }
}
