//! Frames taken apart as far as faults need it: IPv4 with TCP or UDP, and the Internet checksum.
//!
//! RFC 791, 768, 9293 for the headers, RFC 1071 and 1624 for the checksum. Whatever is none of these, or shorter than it says, is left
//! alone.

use std::ops::Range;

const ETHERNET: usize = 14;
const IPV4: [u8; 2] = [0x08, 0x00];
const TCP: u8 = 6;
const UDP: u8 = 17;
const TCP_HEADER: usize = 20;
const UDP_HEADER: usize = 8;

const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const ACK: u8 = 0x10;

/// Where the parts of an IPv4 packet are in its frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parts {
    protocol: u8,
    fragment: bool,
    /// What IP carries: the header of TCP or UDP, and its payload.
    carried: Range<usize>,
}

impl Parts {
    /// The parts of an IPv4 frame; none of any other.
    pub(crate) fn of(frame: &[u8]) -> Option<Parts> {
        if frame.get(12..14)? != IPV4.as_slice() {
            return None;
        }
        let ip = frame.get(ETHERNET..)?;
        let header = usize::from(ip.first()? & 0x0f) * 4;
        let total = usize::from(word(ip, 2)?);
        if ip.first()? >> 4 != 4 || header < 20 || total < header || ip.len() < total {
            return None;
        }
        Some(Parts {
            protocol: *ip.get(9)?,
            fragment: word(ip, 6)? & 0x3fff != 0,
            carried: ETHERNET + header..ETHERNET + total,
        })
    }

    /// The payload of TCP or UDP, and where the checksum stands, if this is one whole packet of theirs with a payload.
    fn payload(&self, frame: &[u8]) -> Option<(Range<usize>, usize)> {
        let start = self.carried.start;
        let (header, checksum) = match self.protocol {
            _ if self.fragment => return None,
            TCP => (usize::from(frame.get(start + 12)? >> 4) * 4, start + 16),
            UDP => (UDP_HEADER, start + 6),
            _ => return None,
        };
        let payload = start + header..self.carried.end;
        (!payload.is_empty() && checksum + 2 <= payload.start).then_some((payload, checksum))
    }

    /// The range in which any flipped bit is found by a checksum: all that IP carries. UDP without a checksum has none.
    pub(crate) fn protected(&self, frame: &[u8]) -> Option<Range<usize>> {
        let unprotected = self.protocol == UDP && !self.fragment && word(frame, self.carried.start + 6)? == 0;
        (!unprotected && !self.carried.is_empty()).then(|| self.carried.clone())
    }
}

/// Flip one bit, chosen by `word`, where the receiver will find it. Returns whether there is such a place.
pub(crate) fn corrupt(frame: &mut [u8], random: u64) -> bool {
    let Some(range) = Parts::of(frame).and_then(|parts| parts.protected(frame)) else { return false };
    flip(frame, range, random);
    true
}

/// Whether there is a payload that [`corrupt_silently`] could damage.
pub(crate) fn has_payload(frame: &[u8]) -> bool {
    Parts::of(frame).is_some_and(|parts| parts.payload(frame).is_some())
}

/// Flip one bit of the payload, chosen by `random`, and mend the checksum. Returns whether there was a payload.
pub(crate) fn corrupt_silently(frame: &mut [u8], random: u64) -> bool {
    let Some((range, checksum)) = Parts::of(frame).and_then(|parts| parts.payload(frame)) else { return false };
    let start = range.start;
    let at = flip(frame, range, random);
    let (Some(sum), Some(&now)) = (word(frame, checksum), frame.get(at)) else { return false };
    let udp_without_checksum = sum == 0;
    if !udp_without_checksum {
        // RFC 1624, equation 3, for the byte that changed: HC' = ~(~HC + ~m + m').
        let before = now ^ 1 << (random & 7);
        let (was, is) = (aligned(before, at - start), aligned(now, at - start));
        let mended = !fold(u32::from(!sum) + u32::from(!was) + u32::from(is));
        // A UDP checksum of zero would mean that there is none; its other zero means zero. TCP takes both alike.
        put(frame, checksum, if mended == 0 { 0xffff } else { mended });
    }
    true
}

fn flip(frame: &mut [u8], range: Range<usize>, random: u64) -> usize {
    let at = range.start + ((random >> 3) % range.len() as u64) as usize;
    if let Some(byte) = frame.get_mut(at) {
        *byte ^= 1 << (random & 7);
    }
    at
}

/// Whether the frame is a segment of an established TCP connection, which a reset could end.
pub(crate) fn is_established(frame: &[u8]) -> bool {
    flags(frame).is_some_and(|flags| flags & (SYN | RST) == 0 && flags & ACK != 0)
}

fn flags(frame: &[u8]) -> Option<u8> {
    let parts = Parts::of(frame)?;
    let whole = parts.protocol == TCP && !parts.fragment && parts.carried.len() >= TCP_HEADER;
    whole.then(|| frame.get(parts.carried.start + 13).copied()).flatten()
}

/// The two resets that end the connection of this segment: to its receiver, as if from its sender, and the other way round.
///
/// RFC 9293, 3.10.7.4 and RFC 5961: a reset is believed if its number is the very next one that is expected, which for the receiver is
/// the segment's own and for the sender is what the segment acknowledges.
pub(crate) fn resets(frame: &[u8]) -> Option<[Vec<u8>; 2]> {
    let parts = Parts::of(frame)?;
    let segment = frame.get(parts.carried.clone())?;
    let (sequence, acknowledged) = (long(segment, 4)?, long(segment, 8)?);
    let data = parts.carried.len().checked_sub(usize::from(segment.get(12)? >> 4) * 4)?;
    let occupied = data as u32 + u32::from(flags(frame)? & FIN);
    let ip = frame.get(ETHERNET..ETHERNET + 20)?;
    let onward = Ends { ethernet: frame.get(..ETHERNET)?, ip, ports: segment.get(..4)? };
    let there = onward.reset(sequence, acknowledged, false);
    let back = onward.reset(acknowledged, sequence.wrapping_add(occupied), true);
    Some([there, back])
}

/// Who speaks to whom in a TCP segment.
struct Ends<'a> {
    ethernet: &'a [u8],
    ip: &'a [u8],
    ports: &'a [u8],
}

impl Ends<'_> {
    /// A reset between the same ends.
    fn reset(&self, sequence: u32, acknowledged: u32, reverse: bool) -> Vec<u8> {
        let pair = |bytes: &[u8], width: usize| {
            let (first, second) = bytes.split_at(width);
            if reverse { [second, first].concat() } else { bytes.to_vec() }
        };
        let mut frame = Vec::with_capacity(ETHERNET + 20 + TCP_HEADER);
        frame.extend(pair(&self.ethernet[..12], 6));
        frame.extend(IPV4);
        let length = (20 + TCP_HEADER) as u16;
        frame.extend([0x45, 0, (length >> 8) as u8, length as u8, 0, 0, 0x40, 0, 64, TCP, 0, 0]);
        frame.extend(pair(&self.ip[12..20], 4));
        let header_checksum = !fold(sum(&frame[ETHERNET..]));
        put(&mut frame, ETHERNET + 10, header_checksum);
        let segment = frame.len();
        frame.extend(pair(self.ports, 2));
        frame.extend(sequence.to_be_bytes());
        frame.extend(acknowledged.to_be_bytes());
        frame.extend([(TCP_HEADER as u8 / 4) << 4, RST | ACK, 0, 0, 0, 0, 0, 0]);
        let pseudo = sum(&frame[ETHERNET + 12..ETHERNET + 20]) + u32::from(TCP) + TCP_HEADER as u32;
        let checksum = !fold(pseudo + sum(&frame[segment..]));
        put(&mut frame, segment + 16, checksum);
        frame
    }
}

/// The sum of 16-bit words that a checksum is made of. A packet is far too short for it to overflow.
fn sum(bytes: &[u8]) -> u32 {
    bytes.iter().enumerate().map(|(at, byte)| u32::from(aligned(*byte, at))).sum()
}

/// What the byte at this place adds to a sum: the first of two is the high one.
fn aligned(byte: u8, at: usize) -> u16 {
    if at % 2 == 0 { u16::from(byte) << 8 } else { u16::from(byte) }
}

fn fold(mut sum: u32) -> u16 {
    while sum >> 16 != 0 {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}

fn word(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn long(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn put(bytes: &mut [u8], at: usize, value: u16) {
    if let Some(place) = bytes.get_mut(at..at + 2) {
        place.copy_from_slice(&value.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: [u8; 4] = [10, 77, 0, 1];
    const THERE: [u8; 4] = [10, 77, 0, 2];

    /// A frame of IPv4 around what it carries, with both checksums right. `checksum` is where the inner one stands.
    fn frame(protocol: u8, mut carried: Vec<u8>, checksum: usize) -> Vec<u8> {
        let length = (20 + carried.len()) as u16;
        let mut ip = vec![0x45, 0, (length >> 8) as u8, length as u8, 0, 1, 0x40, 0, 64, protocol, 0, 0];
        ip.extend(HERE);
        ip.extend(THERE);
        let header = ones_complement(&ip);
        put(&mut ip, 10, !header);
        put(&mut carried, checksum, 0);
        let sum = ones_complement(&[&pseudo(protocol, carried.len()), &carried[..]].concat());
        put(&mut carried, checksum, !sum);
        [&[2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0], &ip[..], &carried].concat()
    }

    fn pseudo(protocol: u8, length: usize) -> Vec<u8> {
        [&HERE[..], &THERE, &[0, protocol, (length >> 8) as u8, length as u8]].concat()
    }

    fn tcp(sequence: u32, acknowledged: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
        let mut segment = [4000_u16.to_be_bytes(), 5000_u16.to_be_bytes()].concat();
        segment.extend(sequence.to_be_bytes());
        segment.extend(acknowledged.to_be_bytes());
        segment.extend([0x50, flags, 1, 0, 0, 0, 0, 0]);
        segment.extend(payload);
        frame(TCP, segment, 16)
    }

    fn udp(payload: &[u8]) -> Vec<u8> {
        let length = (8 + payload.len() as u16).to_be_bytes();
        frame(UDP, [&[15, 160, 19, 136], &length[..], &[0, 0], payload].concat(), 6)
    }

    /// RFC 1071, word by word.
    fn ones_complement(bytes: &[u8]) -> u16 {
        bytes.chunks(2).fold(0_u16, |sum, pair| {
            let word = u16::from_be_bytes([pair[0], *pair.get(1).unwrap_or(&0)]);
            let (sum, carry) = sum.overflowing_add(word);
            sum + u16::from(carry)
        })
    }

    fn is_sound(frame: &[u8]) -> bool {
        let carried = &frame[34..];
        let pseudo = [&frame[26..34], &[0, frame[23], (carried.len() >> 8) as u8, carried.len() as u8]].concat();
        ones_complement(&frame[14..34]) == 0xffff && ones_complement(&[&pseudo, carried].concat()) == 0xffff
    }

    fn changed(before: &[u8], after: &[u8]) -> Vec<usize> {
        (0..before.len()).filter(|at| before[*at] != after[*at]).collect()
    }

    #[test]
    fn corruption_flips_one_bit_that_the_checksum_finds() {
        for before in [tcp(1, 2, ACK, b"payload"), tcp(1, 2, ACK, b""), udp(b"payload")] {
            assert!(is_sound(&before));
            for random in 0..3_000 {
                let mut after = before.clone();
                assert!(corrupt(&mut after, random * 7_919));
                let [at] = changed(&before, &after)[..] else { panic!("one byte") };
                assert!(at >= 34 && (before[at] ^ after[at]).count_ones() == 1);
                assert!(!is_sound(&after));
            }
        }
    }

    #[test]
    fn silent_corruption_flips_one_bit_of_the_payload_and_the_checksum_stays_right() {
        for (before, payload) in [(tcp(1, 2, ACK, b"some payload"), 54), (udp(b"other payloads"), 42), (udp(b"x"), 42)]
        {
            for random in 0..3_000 {
                let mut after = before.clone();
                assert!(corrupt_silently(&mut after, random * 7_919));
                let flipped: Vec<usize> = changed(&before, &after).into_iter().filter(|at| *at >= payload).collect();
                let [at] = flipped[..] else { panic!("one byte of the payload") };
                assert!((before[at] ^ after[at]).count_ones() == 1);
                assert!(is_sound(&after), "bit {random}");
            }
        }
    }

    #[test]
    fn silent_corruption_needs_a_payload() {
        let mut empty = tcp(1, 2, ACK, b"");
        assert!(!has_payload(&empty) && !corrupt_silently(&mut empty, 5));
        assert_eq!(empty, tcp(1, 2, ACK, b""));
    }

    #[test]
    fn udp_without_a_checksum_stays_without_one_and_is_never_damaged_where_nobody_would_find_it() {
        let mut plain = udp(b"payload");
        put(&mut plain, 40, 0);
        assert!(!corrupt(&mut plain.clone(), 9));
        assert!(corrupt_silently(&mut plain, 9));
        assert_eq!(word(&plain, 40), Some(0));
    }

    #[test]
    fn what_is_no_packet_of_ipv4_is_left_alone() {
        let arp = [&[0xff; 6][..], &[2; 6], &[8, 6], &[1; 28]].concat();
        let mut short = tcp(1, 2, ACK, b"payload");
        short.truncate(50);
        for before in [arp, short, vec![], vec![8; 14]] {
            let mut after = before.clone();
            assert!(!corrupt(&mut after, 1) && !corrupt_silently(&mut after, 1) && !is_established(&after));
            assert_eq!(resets(&before), None);
            assert_eq!(after, before);
        }
    }

    #[test]
    fn resets_have_the_numbers_that_each_end_expects_next() {
        let [there, back] = resets(&tcp(1000, 2000, ACK, b"12345")).expect("resets");
        assert!(is_sound(&there) && is_sound(&back));
        assert_eq!(&there[..12], &tcp(0, 0, 0, b"")[..12]);
        assert_eq!((&there[26..30], &there[30..34]), (&HERE[..], &THERE[..]));
        assert_eq!((word(&there, 34), word(&there, 36)), (Some(4000), Some(5000)));
        assert_eq!((long(&there, 38), long(&there, 42), flags(&there)), (Some(1000), Some(2000), Some(RST | ACK)));
        assert_eq!((&back[..6], &back[6..12]), (&there[6..12], &there[..6]));
        assert_eq!((&back[26..30], &back[30..34]), (&THERE[..], &HERE[..]));
        assert_eq!((word(&back, 34), word(&back, 36)), (Some(5000), Some(4000)));
        assert_eq!((long(&back, 38), long(&back, 42), flags(&back)), (Some(2000), Some(1005), Some(RST | ACK)));
    }

    #[test]
    fn only_segments_of_established_connections_can_be_reset() {
        assert!(is_established(&tcp(1, 2, ACK, b"")));
        assert!(is_established(&tcp(1, 2, ACK | FIN, b"")));
        assert!(!is_established(&tcp(1, 0, SYN, b"")));
        assert!(!is_established(&tcp(1, 2, SYN | ACK, b"")));
        assert!(!is_established(&tcp(1, 2, RST | ACK, b"")));
        assert!(!is_established(&udp(b"payload")));
    }
}
