//! A picture of a wanted size: a real PNG (any viewer shows it) of noise over a gradient, which no transport compresses.

use mmsc_ports::Random as _;
use mmsc_ports::random::SeededRandom;

/// Pixels in a row; one octet each (8 bit grey).
const WIDTH: u32 = 160;
/// A row on the wire: its filter octet and its pixels.
const ROW: usize = WIDTH as usize + 1;
/// The most that a stored deflate block holds.
const STORED_MAX: usize = 65_535;
/// Signature, IHDR, IEND and the frame of IDAT with its zlib header and checksum.
const FRAME: usize = 8 + 25 + 12 + 12 + 6;

/// A PNG of at most `octets` octets and less than a row below that (at least one row).
pub(super) fn png(seed: u64, octets: usize) -> Vec<u8> {
    let blocks = octets / STORED_MAX + 1;
    let rows = (octets.saturating_sub(FRAME + 5 * blocks) / ROW).max(1);
    let mut out = Vec::with_capacity(octets);
    out.extend_from_slice(b"\x89PNG\r\n\x1a\n");
    let mut header = Vec::with_capacity(13);
    header.extend_from_slice(&WIDTH.to_be_bytes());
    header.extend_from_slice(&u32::try_from(rows).unwrap_or(u32::MAX).to_be_bytes());
    // 8 bit grey, deflate, no filter method but 0, not interlaced.
    header.extend_from_slice(&[8, 0, 0, 0, 0]);
    chunk(*b"IHDR", &header, &mut out);
    chunk(*b"IDAT", &stored(&pixels(seed, rows)), &mut out);
    chunk(*b"IEND", &[], &mut out);
    out
}

fn pixels(seed: u64, rows: usize) -> Vec<u8> {
    let mut noise = vec![0; rows * ROW];
    SeededRandom::new(seed).fill(&mut noise);
    for (y, row) in noise.chunks_mut(ROW).enumerate() {
        for (x, pixel) in row.iter_mut().enumerate() {
            let shade = u8::try_from((x + y) % 192).unwrap_or_default();
            // The first octet of a row names its filter: none.
            *pixel = if x == 0 { 0 } else { shade.wrapping_add(*pixel >> 2) };
        }
    }
    noise
}

/// A zlib stream of stored blocks (RFC 1950, RFC 1951 section 3.2.4).
fn stored(data: &[u8]) -> Vec<u8> {
    let mut out = vec![0x78, 0x01];
    let mut blocks = data.chunks(STORED_MAX).peekable();
    while let Some(block) = blocks.next() {
        let len = u16::try_from(block.len()).unwrap_or(u16::MAX);
        out.push(u8::from(blocks.peek().is_none()));
        out.extend_from_slice(&len.to_le_bytes());
        out.extend_from_slice(&(!len).to_le_bytes());
        out.extend_from_slice(block);
    }
    out.extend_from_slice(&adler32(data).to_be_bytes());
    out
}

fn adler32(data: &[u8]) -> u32 {
    let (mut a, mut b) = (1_u32, 0_u32);
    for octet in data {
        a = (a + u32::from(*octet)) % 65_521;
        b = (b + a) % 65_521;
    }
    b << 16 | a
}

fn chunk(kind: [u8; 4], data: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&u32::try_from(data.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(&kind);
    out.extend_from_slice(data);
    let mut crc = crc32fast::Hasher::new();
    crc.update(&kind);
    crc.update(data);
    out.extend_from_slice(&crc.finalize().to_be_bytes());
}
