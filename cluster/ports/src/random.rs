//! Unpredictable octets: ids, tokens, jitter.

use std::io::Read as _;
use std::sync::Mutex;

/// A source of octets that nobody can guess.
pub trait Random: Send + Sync + 'static {
    /// Fills `out`.
    fn fill(&self, out: &mut [u8]);

    /// A number in `0..bound` (0 if `bound` is 0); the bias of the remainder is below 2⁻³².
    fn below(&self, bound: u32) -> u32 {
        let mut octets = [0u8; 8];
        self.fill(&mut octets);
        let value = u64::from_be_bytes(octets);
        u32::try_from(value.checked_rem(u64::from(bound)).unwrap_or(0)).unwrap_or(0)
    }
}

/// The operating system's generator, read in blocks so that an id costs no system call of its own.
pub struct RealRandom {
    block: Mutex<Block>,
}

struct Block {
    source: Option<std::fs::File>,
    octets: [u8; 4096],
    used: usize,
}

impl RealRandom {
    /// Opens `/dev/urandom`.
    #[must_use]
    pub fn new() -> Self {
        let source = std::fs::File::open("/dev/urandom").ok();
        Self {
            block: Mutex::new(Block {
                source,
                octets: [0; 4096],
                used: 4096,
            }),
        }
    }
}

impl Default for RealRandom {
    fn default() -> Self {
        Self::new()
    }
}

impl Block {
    /// A machine without a random source must not hand out guessable retrieval addresses: it stops instead.
    fn refill(&mut self) {
        let read = self.source.as_mut().map(|source| source.read_exact(&mut self.octets));
        if !matches!(read, Some(Ok(()))) {
            tracing::error!("no random source: /dev/urandom cannot be read; stopping");
            std::process::abort();
        }
        self.used = 0;
    }
}

impl Random for RealRandom {
    fn fill(&self, out: &mut [u8]) {
        let mut block = self.block.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for octet in out {
            if block.used >= block.octets.len() {
                block.refill();
            }
            let at = block.used;
            block.used += 1;
            if let Some(source) = block.octets.get_mut(at) {
                *octet = std::mem::take(source);
            }
        }
    }
}

/// A reproducible source for tests and the simulator (SplitMix64); never for production.
pub struct SeededRandom(Mutex<u64>);

impl SeededRandom {
    /// The sequence that belongs to `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(seed))
    }
}

impl Random for SeededRandom {
    fn fill(&self, out: &mut [u8]) {
        let mut state = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for chunk in out.chunks_mut(8) {
            *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut z = *state;
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            for (octet, random) in chunk.iter_mut().zip((z ^ (z >> 31)).to_be_bytes()) {
                *octet = random;
            }
        }
    }
}
