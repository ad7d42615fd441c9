//! One push, several links of one kind: which of their verdicts counts, and whether another one is asked.

/// What a link says about a push.
pub(crate) trait LinkVerdict: PartialEq {
    /// The link was not asked at all: it is down or full.
    const NOT_MADE: Self;

    /// Whether another link should be asked at once. Nothing was taken over by this one, so nothing is doubled.
    fn wants_other_route(&self) -> bool;
}

/// Links asked in order until one takes the push over or says something that counts. At most one of them is asked after
/// a refusal; those that are down or full cost nothing.
pub(crate) struct Failover<L, V>(Option<(L, V)>);

impl<L, V: LinkVerdict> Failover<L, V> {
    /// Nobody was asked yet.
    pub(crate) fn new() -> Self {
        Self(None)
    }

    /// Takes in what a link said; true: no further one is asked.
    pub(crate) fn note(&mut self, link: L, verdict: V) -> bool {
        let refused_before = self.0.as_ref().is_some_and(|(_, verdict)| *verdict != V::NOT_MADE);
        let done = !verdict.wants_other_route() || (refused_before && verdict != V::NOT_MADE);
        match &self.0 {
            // The first refusal says more than a second link that is down.
            Some(_) if verdict == V::NOT_MADE => {}
            _ => self.0 = Some((link, verdict)),
        }
        done
    }

    /// The link and the verdict that count; none if nobody was asked.
    pub(crate) fn ended(self) -> Option<(L, V)> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Says {
        Down,
        Refused,
        Taken,
    }

    impl LinkVerdict for Says {
        const NOT_MADE: Self = Self::Down;

        fn wants_other_route(&self) -> bool {
            *self != Self::Taken
        }
    }

    /// How many are asked of links that say this, and whose word counts.
    fn asked(says: &[Says]) -> (usize, Option<(usize, Says)>) {
        let mut failover = Failover::new();
        let mut count = 0;
        for (link, verdict) in says.iter().enumerate() {
            count += 1;
            if failover.note(link, *verdict) {
                break;
            }
        }
        (count, failover.ended())
    }

    #[test]
    fn one_more_is_asked_after_a_refusal_and_those_that_are_down_cost_nothing() {
        use Says::{Down, Refused, Taken};
        assert_eq!(asked(&[]), (0, None));
        assert_eq!(asked(&[Taken, Taken]), (1, Some((0, Taken))));
        assert_eq!(asked(&[Down, Down, Taken]), (3, Some((2, Taken))));
        assert_eq!(asked(&[Refused, Refused, Taken]), (2, Some((1, Refused))));
        assert_eq!(asked(&[Refused, Down, Down]), (3, Some((0, Refused))));
        assert_eq!(asked(&[Down, Down]), (2, Some((0, Down))));
    }
}
