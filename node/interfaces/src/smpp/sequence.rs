//! Sequence numbers of a session (SMPP 3.4 clause 3.2).

const LAST: u32 = 0x7fff_ffff;

/// 1 to 0x7fffffff, then from 1 again.
#[derive(Debug)]
pub(super) struct Sequence(u32);

impl Sequence {
    pub(super) fn new(first: u32) -> Self {
        Self(first.clamp(1, LAST))
    }

    /// The next number that is not `used`. The window is far smaller than the numbers, so there is one.
    pub(super) fn next(&mut self, used: impl Fn(u32) -> bool) -> u32 {
        loop {
            let number = self.0;
            self.0 = if number >= LAST { 1 } else { number + 1 };
            if !used(number) {
                return number;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wraps_to_one_and_passes_over_what_is_outstanding() {
        let mut sequence = Sequence::new(LAST - 1);
        let numbers: Vec<u32> = (0..4).map(|_| sequence.next(|used| used == 2)).collect();
        assert_eq!(numbers, [LAST - 1, LAST, 1, 3]);
        assert_eq!(Sequence::new(0).next(|_| false), 1);
    }
}
