//! Where a recipient is served: here, at a peer, or nowhere.
//!
//! **What this release reaches.** Numbers that no peer's ranges cover are subscribers of this message centre. Every
//! other way out is an [`Outlet`] that is still closed: a number of a configured MM4 peer, an e-mail address (MM3),
//! a short code (MM7) gets a typed [`NoRoute`] and **is not delivered**; nothing is silently taken for local.
//! The interface that arrives later opens its outlet and nothing else changes.

use std::collections::BTreeMap;
use std::fmt;

use crate::address::Address;
use crate::lifecycle::Leads;
use crate::record::Interface;
use crate::why::Why;

/// The configured name of a peer: another message centre, a mail relay, a provider.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerName(pub String);

impl fmt::Display for PeerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether an interface can take messages out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Outlet {
    /// Not in this node: whatever leads there has no route.
    #[default]
    Closed,
    /// Messages can leave there.
    Open,
}

/// One outlet for each interface that leads to somebody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Outlets {
    /// E-mail.
    pub mm3: Outlet,
    /// Other message centres.
    pub mm4: Outlet,
    /// Value-added service providers.
    pub mm7: Outlet,
}

/// Where an address leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// To a subscriber of ours.
    Here,
    /// Out over an interface, to a peer.
    Peer(Interface, PeerName),
    /// Nowhere.
    Nowhere(NoRoute),
}

/// Why an address leads nowhere.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum NoRoute {
    /// It is served by a configured peer, over an interface that this node does not have.
    #[error("served by {peer} over {interface}, which this node does not have")]
    InterfaceClosed {
        /// The interface that would lead there.
        interface: Interface,
        /// Who serves it.
        peer: PeerName,
    },
    /// Its kind of address needs an interface for which nobody is configured.
    #[error("{interface} has nobody configured for it")]
    NobodyConfigured {
        /// The interface that would lead there.
        interface: Interface,
    },
    /// No interface of any message centre leads to this kind of address.
    #[error("no interface leads to this kind of address")]
    NoInterface,
}

impl NoRoute {
    /// The interface that would have led there, if there is one.
    #[must_use]
    pub fn interface(&self) -> Option<Interface> {
        match self {
            Self::InterfaceClosed { interface, .. } | Self::NobodyConfigured { interface } => Some(*interface),
            Self::NoInterface => None,
        }
    }

    /// The peer that serves the address, if one is configured.
    #[must_use]
    pub fn peer(&self) -> Option<&PeerName> {
        match self {
            Self::InterfaceClosed { peer, .. } => Some(peer),
            Self::NobodyConfigured { .. } | Self::NoInterface => None,
        }
    }
}

impl Route {
    /// The route as a copy's life sees it.
    #[must_use]
    pub fn leads(&self) -> Leads {
        match self {
            Self::Here => Leads::Here,
            Self::Peer(..) => Leads::Peer,
            Self::Nowhere(_) => Leads::Nowhere(Why::NoRoute),
        }
    }

    /// The peer behind the route, reachable or not.
    #[must_use]
    pub fn peer(&self) -> Option<&PeerName> {
        match self {
            Self::Here => None,
            Self::Peer(_, peer) => Some(peer),
            Self::Nowhere(none) => none.peer(),
        }
    }
}

/// Why a number range cannot be taken into the table: a mistake in the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum RangeError {
    /// Not `+46`, `+4670` or `+46700000-46709999`.
    #[error("a range is a prefix of digits, or two numbers of equal length with a hyphen between them")]
    Malformed,
    /// The second number is smaller than the first.
    #[error("the range ends before it begins")]
    Reversed,
    /// The same range belongs to somebody else already.
    #[error("the range belongs to {0} already")]
    Taken(PeerName),
}

/// The operator's routing: number ranges of peers, longest prefix first; everything else is local.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoutingTable {
    /// Which interfaces can take messages out.
    pub outlets: Outlets,
    /// Who takes e-mail.
    pub mail: Option<PeerName>,
    /// Digits → MM4 peer.
    ranges: BTreeMap<String, PeerName>,
    /// Short code → MM7 provider.
    short_codes: BTreeMap<String, PeerName>,
}

impl RoutingTable {
    /// Gives `range` to an MM4 peer: a prefix (`+4670`), or first and last number (`+46700000-46709999`). Plus signs
    /// are optional.
    ///
    /// # Errors
    /// Says what is wrong with the range; nothing is added then.
    pub fn add_range(&mut self, range: &str, peer: &PeerName) -> Result<(), RangeError> {
        let prefixes = match range.split_once('-') {
            Some((first, last)) => cover(range_digits(first)?, range_digits(last)?)?,
            None => vec![range_digits(range)?.to_owned()],
        };
        let taken = prefixes
            .iter()
            .filter_map(|prefix| self.ranges.get(prefix))
            .find(|owner| *owner != peer);
        if let Some(owner) = taken {
            return Err(RangeError::Taken(owner.clone()));
        }
        self.ranges
            .extend(prefixes.into_iter().map(|prefix| (prefix, peer.clone())));
        Ok(())
    }

    /// Gives a short code to an MM7 provider.
    ///
    /// # Errors
    /// It belongs to another one.
    pub fn add_short_code(&mut self, code: &str, provider: &PeerName) -> Result<(), RangeError> {
        match self.short_codes.get(code) {
            Some(owner) if owner != provider => Err(RangeError::Taken(owner.clone())),
            Some(_) | None => {
                self.short_codes.insert(code.to_owned(), provider.clone());
                Ok(())
            }
        }
    }

    /// Where `address` leads.
    #[must_use]
    pub fn route(&self, address: &Address) -> Route {
        match address {
            // Handsets write a short code as a number, too (`12345/TYPE=PLMN`).
            Address::Phone(digits) => match (self.short_codes.get(digits), self.longest_prefix(digits)) {
                (Some(provider), _) => self.out(Interface::Mm7, Some(provider)),
                (None, Some(peer)) => self.out(Interface::Mm4, Some(peer)),
                (None, None) => Route::Here,
            },
            Address::ShortCode(code) => self.out(Interface::Mm7, self.short_codes.get(code)),
            Address::Email(_) => self.out(Interface::Mm3, self.mail.as_ref()),
            Address::Ipv4(_) | Address::Ipv6(_) | Address::Other(..) => Route::Nowhere(NoRoute::NoInterface),
        }
    }

    /// The peer whose range covers `digits` best.
    fn longest_prefix(&self, digits: &str) -> Option<&PeerName> {
        if self.ranges.is_empty() {
            return None;
        }
        (1..=digits.len())
            .rev()
            .filter_map(|len| digits.get(..len))
            .find_map(|prefix| self.ranges.get(prefix))
    }

    /// The port to a later interface: open, or a typed "no route".
    fn out(&self, interface: Interface, peer: Option<&PeerName>) -> Route {
        let outlet = match interface {
            Interface::Mm3 => self.outlets.mm3,
            Interface::Mm4 => self.outlets.mm4,
            Interface::Mm7 => self.outlets.mm7,
            // Handsets are reached as subscribers, never as peers.
            Interface::Mm1 => Outlet::Closed,
        };
        match (peer, outlet) {
            (Some(peer), Outlet::Open) => Route::Peer(interface, peer.clone()),
            (Some(peer), Outlet::Closed) => Route::Nowhere(NoRoute::InterfaceClosed {
                interface,
                peer: peer.clone(),
            }),
            (None, Outlet::Open | Outlet::Closed) => Route::Nowhere(NoRoute::NobodyConfigured { interface }),
        }
    }
}

fn range_digits(text: &str) -> Result<&str, RangeError> {
    let digits = text.trim();
    let digits = digits.strip_prefix('+').unwrap_or(digits);
    let sound = (1..=15).contains(&digits.len()) && digits.bytes().all(|octet| octet.is_ascii_digit());
    sound.then_some(digits).ok_or(RangeError::Malformed)
}

/// The fewest prefixes that cover exactly the numbers from `first` to `last`, both of one length.
fn cover(first: &str, last: &str) -> Result<Vec<String>, RangeError> {
    if first.len() != last.len() {
        return Err(RangeError::Malformed);
    }
    let parse = |text: &str| text.parse::<u64>().map_err(|_| RangeError::Malformed);
    let (mut from, to) = (parse(first)?, parse(last)?);
    if from > to {
        return Err(RangeError::Reversed);
    }
    let mut prefixes = Vec::new();
    while from <= to {
        let mut block = 1_u64;
        let mut digits = first.len();
        // Grow the block by tens as long as it is aligned and ends within the range.
        while digits > 1 && from % (block * 10) == 0 && from + block * 10 - 1 <= to {
            block *= 10;
            digits -= 1;
        }
        prefixes.push(format!("{:0digits$}", from / block));
        from += block;
    }
    Ok(prefixes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(name: &str) -> PeerName {
        PeerName(name.to_owned())
    }

    fn phone(digits: &str) -> Address {
        Address::Phone(digits.to_owned())
    }

    fn table() -> RoutingTable {
        let mut table = RoutingTable {
            outlets: Outlets {
                mm4: Outlet::Open,
                ..Outlets::default()
            },
            ..RoutingTable::default()
        };
        table.add_range("+46", &peer("sweden")).unwrap();
        table.add_range("+4670", &peer("mobile")).unwrap();
        table.add_range("+46701200-46701399", &peer("small")).unwrap();
        table.add_short_code("12345", &peer("news")).unwrap();
        table
    }

    #[test]
    fn the_longest_prefix_wins_and_the_rest_is_local() {
        let table = table();
        for (digits, owner) in [
            ("46812345678", Some("sweden")),
            ("46700000001", Some("mobile")),
            ("46701199999", Some("mobile")),
            ("46701200000", Some("small")),
            ("46701399999", Some("small")),
            ("46701400000", Some("mobile")),
            ("47900000000", None),
            ("4", None),
        ] {
            let expected = owner.map_or(Route::Here, |name| Route::Peer(Interface::Mm4, peer(name)));
            assert_eq!(table.route(&phone(digits)), expected, "{digits}");
        }
    }

    #[test]
    fn what_no_interface_reaches_says_so() {
        let mut table = table();
        table.outlets = Outlets::default();
        let closed = |interface, name| {
            Route::Nowhere(NoRoute::InterfaceClosed {
                interface,
                peer: peer(name),
            })
        };
        let nobody = |interface| Route::Nowhere(NoRoute::NobodyConfigured { interface });
        assert_eq!(table.route(&phone("46700000001")), closed(Interface::Mm4, "mobile"));
        assert_eq!(table.route(&phone("12345")), closed(Interface::Mm7, "news"));
        assert_eq!(
            table.route(&Address::ShortCode("12345".to_owned())),
            closed(Interface::Mm7, "news")
        );
        assert_eq!(
            table.route(&Address::ShortCode("999".to_owned())),
            nobody(Interface::Mm7)
        );
        let mail = Address::Email("a@b.example".to_owned());
        assert_eq!(table.route(&mail), nobody(Interface::Mm3));
        let ip = Address::Ipv4("192.0.2.7".to_owned());
        assert_eq!(table.route(&ip), Route::Nowhere(NoRoute::NoInterface));
        assert_eq!(table.route(&mail).leads(), Leads::Nowhere(Why::NoRoute));
        table.mail = Some(peer("smarthost"));
        table.outlets.mm3 = Outlet::Open;
        assert_eq!(table.route(&mail), Route::Peer(Interface::Mm3, peer("smarthost")));
    }

    #[test]
    fn ranges_become_the_fewest_prefixes() {
        let cover = |first, last| super::cover(first, last).unwrap();
        assert_eq!(cover("4670000", "4670999"), ["4670"]);
        assert_eq!(cover("00", "99"), ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
        assert_eq!(cover("098", "121"), ["098", "099", "10", "11", "120", "121"]);
        assert_eq!(cover("7", "7"), ["7"]);
    }

    #[test]
    fn mistakes_in_ranges_are_named() {
        let mut table = table();
        let other = peer("other");
        assert_eq!(table.add_range("+46x", &other), Err(RangeError::Malformed));
        assert_eq!(table.add_range("", &other), Err(RangeError::Malformed));
        assert_eq!(table.add_range("+46-469", &other), Err(RangeError::Malformed));
        assert_eq!(table.add_range("+469-460", &other), Err(RangeError::Reversed));
        assert_eq!(table.add_range("46", &other), Err(RangeError::Taken(peer("sweden"))));
        assert_eq!(
            table.add_short_code("12345", &other),
            Err(RangeError::Taken(peer("news")))
        );
    }
}
