//! Deflating a token's content without setting up a compressor.
//!
//! Deflate's usual state is some hundred kilobytes, and preparing it costs ten times the signing of
//! a token. A token has at most a few hundred bytes, so one block with the fixed Huffman codes (RFC 1951,
//! 3.2.6) and a small table of recent positions does. Agora's most used libraries emit the same kind
//! of block, which a stored one would exceed by some 16 characters.

/// Shorter repetitions cannot be written.
const MIN_MATCH: usize = 3;
/// Length 258 has an irregular code; 257 is the longest regular one.
const MAX_MATCH: usize = 257;
const WINDOW_BYTES: usize = 32 * 1024;
const TABLE_BITS: u32 = 9;

const END_OF_BLOCK: u32 = 256;
const FIRST_LENGTH_SYMBOL: u32 = 257;

/// Appends one final deflate block that inflates to `content`.
pub(super) fn deflate(content: &[u8], output: &mut Vec<u8>) {
    let mut bits = BitWriter {
        output,
        pending: 0,
        count: 0,
    };
    // Final block; type 01, fixed codes.
    bits.put(0b011, 3);

    let mut recent = RecentPositions([0; 1 << TABLE_BITS]);
    let mut position = 0;
    while position < content.len() {
        let candidate = recent.replace(content, position);
        let length = candidate.map_or(0, |start| common_length(content, start, position));
        let Some(start) = candidate.filter(|_| length >= MIN_MATCH) else {
            bits.put_symbol(u32::from(content[position]));
            position += 1;
            continue;
        };
        bits.put_match(length, position - start);
        for inside in position + 1..position + length {
            recent.replace(content, inside);
        }
        position += length;
    }
    bits.put_symbol(END_OF_BLOCK);
    bits.finish();
}

/// The position at which each hash of three bytes was seen last, counted from 1; 0 is never.
struct RecentPositions([u16; 1 << TABLE_BITS]);

impl RecentPositions {
    /// Notes the three bytes at `position` and returns where the same hash was seen before.
    fn replace(&mut self, content: &[u8], position: usize) -> Option<usize> {
        let [first, second, third] = *content.get(position..)?.first_chunk::<MIN_MATCH>()?;
        let hash = u32::from_le_bytes([first, second, third, 0]).wrapping_mul(0x9E37_79B1);
        let slot = &mut self.0[(hash >> (32 - TABLE_BITS)) as usize];
        let before = usize::from(*slot);
        // A position that does not fit is dropped, which costs a match and nothing else.
        *slot = u16::try_from(position + 1).unwrap_or(0);
        before
            .checked_sub(1)
            .filter(|start| position - start <= WINDOW_BYTES)
    }
}

fn common_length(content: &[u8], earlier: usize, later: usize) -> usize {
    content[earlier..]
        .iter()
        .zip(&content[later..])
        .take(MAX_MATCH)
        .take_while(|(left, right)| left == right)
        .count()
}

struct BitWriter<'a> {
    output: &'a mut Vec<u8>,
    pending: u64,
    count: u32,
}

impl BitWriter<'_> {
    /// Writes the `count` low bits of `value`, at most 16, lowest first.
    fn put(&mut self, value: u32, count: u32) {
        self.pending |= u64::from(value) << self.count;
        self.count += count;
        if self.count >= 32 {
            self.output
                .extend_from_slice(&(self.pending as u32).to_le_bytes());
            self.pending >>= 32;
            self.count -= 32;
        }
    }

    /// A literal byte, the end of the block or the symbol of a length.
    fn put_symbol(&mut self, symbol: u32) {
        let (code, bits) = SYMBOL_CODES[symbol as usize];
        self.put(u32::from(code), u32::from(bits));
    }

    fn put_match(&mut self, length: usize, distance: usize) {
        let (symbol, extra, extra_bits) = bucket((length - MIN_MATCH) as u32, 2);
        self.put_symbol(FIRST_LENGTH_SYMBOL + symbol);
        self.put(extra, extra_bits);
        let (code, extra, extra_bits) = bucket((distance - 1) as u32, 1);
        self.put(code.reverse_bits() >> 27, 5);
        self.put(extra, extra_bits);
    }

    fn finish(self) {
        let bytes = self.count.div_ceil(8) as usize;
        self.output
            .extend_from_slice(&self.pending.to_le_bytes()[..bytes]);
    }
}

/// The fixed code of each symbol and its length in bits. Huffman codes are written highest bit
/// first, unlike everything else, hence they stand here reversed.
static SYMBOL_CODES: [(u16, u8); 288] = {
    let mut codes = [(0, 0); 288];
    let mut symbol: u16 = 0;
    while symbol < 288 {
        let (code, bits): (u16, u8) = match symbol {
            0..=143 => (0x030 + symbol, 8),
            144..=255 => (0x190 + symbol - 144, 9),
            256..=279 => (symbol - 256, 7),
            _ => (0x0C0 + symbol - 280, 8),
        };
        codes[symbol as usize] = (code.reverse_bits() >> (16 - bits), bits);
        symbol += 1;
    }
    codes
};

/// Deflate writes a length or a distance as a bucket, which fixes the leading one and the `kept` bits
/// below it, and the remaining bits: (bucket, remaining bits, how many).
const fn bucket(value: u32, kept: u32) -> (u32, u32, u32) {
    let extra_bits = (value | 1).ilog2().saturating_sub(kept);
    let index = (extra_bits << kept) + (value >> extra_bits);
    (index, value & ((1 << extra_bits) - 1), extra_bits)
}

#[cfg(test)]
mod tests {
    use flate2::{Decompress, FlushDecompress, Status};
    use proptest::prelude::*;

    use super::*;
    use property_seed::config;

    fn deflated(content: &[u8]) -> Vec<u8> {
        let mut output = Vec::new();
        deflate(content, &mut output);
        output
    }

    /// Inflates with the library and insists that every byte was used.
    fn inflated(block: &[u8], expected_bytes: usize) -> Vec<u8> {
        let mut output = Vec::with_capacity(expected_bytes + 1);
        let mut inflater = Decompress::new(false);
        let status = inflater.decompress_vec(block, &mut output, FlushDecompress::Finish);
        assert_eq!(status.unwrap(), Status::StreamEnd);
        assert_eq!(inflater.total_in(), block.len() as u64);
        output
    }

    #[test]
    fn every_byte_value_and_every_repetition_length_comes_back() {
        let all_bytes: Vec<u8> = (0..=u8::MAX).collect();
        assert_eq!(inflated(&deflated(&all_bytes), 256), all_bytes);
        for length in 0..600 {
            let content = vec![b'a'; length];
            assert_eq!(inflated(&deflated(&content), length), content, "{length}");
        }
    }

    #[test]
    fn repetitions_come_back_from_every_distance_and_beyond_the_window() {
        for gap in (0..33_000)
            .step_by(97)
            .chain(WINDOW_BYTES - 10..WINDOW_BYTES + 10)
        {
            // Zeroes leave the position of `abcdef` in the table, however long the gap.
            let content = [&b"abcdef"[..], &vec![0; gap], b"abcdef"].concat();
            assert_eq!(
                inflated(&deflated(&content), content.len()),
                content,
                "{gap}"
            );
        }
    }

    #[test]
    fn repetition_makes_the_block_shorter() {
        assert!(deflated(&[7; 200]).len() < 10);
    }

    proptest! {
        #![proptest_config(config(512))]

        #[test]
        fn the_block_inflates_to_its_content(
            content in prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..800),
                proptest::collection::vec(0..3u8, 0..3000),
            ],
        ) {
            prop_assert_eq!(inflated(&deflated(&content), content.len()), content);
        }
    }
}
