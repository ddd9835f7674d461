//! Samples, kept compactly for charts and replay: blocks of some hundred, a few bytes each. They are no evidence of
//! anything: what was decided is in the events.
//!
//! It must never write one by one, and never hold more than was agreed.

use rusqlite::{Connection, params};
use serde::Serialize;

use super::Chronicle;
use crate::core::health::{Blindness, Failure, Outcome};
use crate::core::ids::Name;
use crate::core::time::{Span, Wall};
use crate::store::{Trouble, unreadable};

/// A block has no more.
pub const IN_A_BLOCK: u32 = 512;
/// One query gives no more.
pub const MOST_SAMPLES: usize = 10_000;
/// So many blocks are forgotten at once.
const AT_ONCE: i64 = 2_000;

/// Whose samples: service, probe, and where it runs; none: in no region.
pub type Whose = (Name, Name, Option<Name>);

/// One sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// When it had ended; kept to the millisecond.
    pub at: Wall,
    /// How.
    pub outcome: Outcome,
    /// How long it took.
    pub took: Span,
    /// The lag or age that it read.
    pub reading: Option<Span>,
}

/// One sample, as it is shown.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Shown {
    /// When, in microseconds since 1970.
    pub micros: u64,
    /// `ok`, `failed` or `blind`.
    pub outcome: &'static str,
    /// Why, if not ok.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// How long it took, in milliseconds.
    pub took_ms: f64,
    /// The lag or age that it read, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reading_seconds: Option<f64>,
}

/// Samples of one probe, one after another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Block {
    first: u64,
    last: u64,
    count: u32,
    data: Vec<u8>,
}

impl Block {
    /// One more.
    pub fn push(&mut self, taken: Taken) {
        // To the millisecond: a chart shows no more, and it halves what a sample takes.
        let at = taken.at.as_micros() / 1_000 * 1_000;
        if self.count == 0 {
            (self.first, self.last) = (at, at);
        }
        // Against the one before, either way: the wall may be set back.
        let delta = at.cast_signed().wrapping_sub(self.last.cast_signed()) / 1_000;
        varint(&mut self.data, ((delta << 1) ^ (delta >> 63)).cast_unsigned());
        let (code, more) = code(taken.outcome);
        self.data.push(code << 1 | u8::from(taken.reading.is_some()));
        if let Some(more) = more {
            varint(&mut self.data, more);
        }
        varint(&mut self.data, taken.took.as_micros());
        if let Some(reading) = taken.reading {
            varint(&mut self.data, reading.as_micros());
        }
        (self.last, self.count) = (at, self.count + 1);
    }

    /// How many.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.count
    }

    /// How many bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        self.data.len()
    }

    /// All of them; none: these bytes are no block.
    #[must_use]
    pub fn read(&self) -> Option<Vec<Taken>> {
        let mut data = self.data.as_slice();
        let mut at = self.first;
        let mut all = Vec::with_capacity(self.count.min(IN_A_BLOCK) as usize);
        for _ in 0..self.count {
            let zigzag = take(&mut data)?;
            let delta = (zigzag >> 1).cast_signed() ^ -(zigzag & 1).cast_signed();
            at = at.cast_signed().wrapping_add(delta.wrapping_mul(1_000)).cast_unsigned();
            let (tag, rest) = data.split_first()?;
            data = rest;
            let outcome = outcome(tag >> 1, &mut data)?;
            let took = Span::micros(take(&mut data)?);
            let reading = if tag & 1 == 1 { Some(Span::micros(take(&mut data)?)) } else { None };
            let outcome = if let Outcome::Ok { .. } = outcome { Outcome::Ok { took } } else { outcome };
            all.push(Taken { at: Wall::micros(at), outcome, took, reading });
        }
        data.is_empty().then_some(all)
    }
}

impl Chronicle {
    /// Keeps these blocks, all or none.
    pub async fn keep_samples(&self, blocks: Vec<(Whose, Block)>) -> Result<(), Trouble> {
        let sql = "INSERT INTO blocks(service, probe, region, first, last, count, data)
            VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        self.0
            .write(move |c| {
                let mut insert = c.prepare_cached(sql)?;
                blocks.iter().try_for_each(|((service, probe, region), block)| {
                    insert
                        .execute(params![
                            service.as_str(),
                            probe.as_str(),
                            region.as_ref().map(Name::as_str),
                            block.first.cast_signed(),
                            block.last.cast_signed(),
                            block.count,
                            block.data
                        ])
                        .map(drop)
                })
            })
            .await
    }

    /// The samples of a probe in that time, oldest first; of too many the newest.
    pub async fn samples(&self, of: Whose, from: Wall, to: Wall) -> Result<Vec<Shown>, Trouble> {
        self.0.read(move |c| samples(c, &of, from, to)).await
    }

    /// Forgets blocks that are older than that; how many went.
    pub async fn trim_samples(&self, before: Wall) -> Result<usize, Trouble> {
        let sql =
            "DELETE FROM blocks WHERE id IN (SELECT id FROM blocks WHERE last < ?1 ORDER BY last LIMIT ?2)";
        self.0
            .write(move |c| {
                c.prepare_cached(sql)?.execute(params![before.as_micros().cast_signed(), AT_ONCE])
            })
            .await
    }
}

fn samples(
    c: &Connection,
    (service, probe, region): &Whose,
    from: Wall,
    to: Wall,
) -> rusqlite::Result<Vec<Shown>> {
    let mut rows = c.prepare_cached(
        "SELECT first, last, count, data FROM blocks WHERE service = ?1 AND probe = ?2 AND region IS ?3
        AND last >= ?4 AND first <= ?5 ORDER BY last DESC, id DESC",
    )?;
    let region = region.as_ref().map(Name::as_str);
    let within = (from.as_micros().cast_signed(), to.as_micros().cast_signed());
    let mut rows = rows.query(params![service.as_str(), probe.as_str(), region, within.0, within.1])?;
    let mut all: Vec<Shown> = Vec::new();
    while let (true, Some(row)) = (all.len() < MOST_SAMPLES, rows.next()?) {
        let block = Block {
            first: row.get::<_, i64>(0)?.cast_unsigned(),
            last: row.get::<_, i64>(1)?.cast_unsigned(),
            count: row.get(2)?,
            data: row.get(3)?,
        };
        let taken = block.read().ok_or_else(|| unreadable("a block of samples"))?;
        let within = taken.iter().rev().filter(|one| one.at >= from && one.at <= to);
        all.extend(within.map(shown));
    }
    all.truncate(MOST_SAMPLES);
    all.reverse();
    Ok(all)
}

fn shown(taken: &Taken) -> Shown {
    let (outcome, why) = match taken.outcome {
        Outcome::Ok { .. } => ("ok", None),
        Outcome::Failed(why) => ("failed", Some(why.to_string())),
        Outcome::Blind(why) => ("blind", Some(why.to_string())),
    };
    Shown {
        micros: taken.at.as_micros(),
        outcome,
        why,
        took_ms: taken.took.as_micros() as f64 / 1e3,
        reading_seconds: taken.reading.map(|span| span.as_micros() as f64 / 1e6),
    }
}

/// These numbers are on disks: a new one is added, and none is changed.
const fn code(outcome: Outcome) -> (u8, Option<u64>) {
    match outcome {
        Outcome::Ok { .. } => (0, None),
        Outcome::Failed(Failure::Refused) => (1, None),
        Outcome::Failed(Failure::TimedOut) => (2, None),
        Outcome::Failed(Failure::Closed) => (3, None),
        Outcome::Failed(Failure::NoAddress) => (4, None),
        Outcome::Failed(Failure::Untrusted) => (5, None),
        Outcome::Failed(Failure::Status(status)) => (6, Some(status as u64)),
        Outcome::Failed(Failure::BadAnswer) => (7, None),
        Outcome::Failed(Failure::Unmet(which)) => (8, Some(which as u64)),
        Outcome::Failed(Failure::NotWritable) => (9, None),
        Outcome::Failed(Failure::Silent) => (10, None),
        Outcome::Blind(Blindness::Isolated) => (32, None),
        Outcome::Blind(Blindness::ParentDown) => (33, None),
        Outcome::Blind(Blindness::NoRoute) => (34, None),
        Outcome::Blind(Blindness::Exhausted) => (35, None),
        Outcome::Blind(Blindness::Secret) => (36, None),
        Outcome::Blind(Blindness::Evaluation) => (37, None),
        Outcome::Blind(Blindness::NoData) => (38, None),
    }
}

fn outcome(code: u8, data: &mut &[u8]) -> Option<Outcome> {
    Some(match code {
        0 => Outcome::Ok { took: Span::ZERO },
        1 => Outcome::Failed(Failure::Refused),
        2 => Outcome::Failed(Failure::TimedOut),
        3 => Outcome::Failed(Failure::Closed),
        4 => Outcome::Failed(Failure::NoAddress),
        5 => Outcome::Failed(Failure::Untrusted),
        6 => Outcome::Failed(Failure::Status(u16::try_from(take(data)?).ok()?)),
        7 => Outcome::Failed(Failure::BadAnswer),
        8 => Outcome::Failed(Failure::Unmet(u8::try_from(take(data)?).ok()?)),
        9 => Outcome::Failed(Failure::NotWritable),
        10 => Outcome::Failed(Failure::Silent),
        32 => Outcome::Blind(Blindness::Isolated),
        33 => Outcome::Blind(Blindness::ParentDown),
        34 => Outcome::Blind(Blindness::NoRoute),
        35 => Outcome::Blind(Blindness::Exhausted),
        36 => Outcome::Blind(Blindness::Secret),
        37 => Outcome::Blind(Blindness::Evaluation),
        38 => Outcome::Blind(Blindness::NoData),
        _ => return None,
    })
}

/// Seven bits a byte, the lowest first.
fn varint(data: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        data.push((value & 0x7F) as u8 | 0x80);
        value >>= 7;
    }
    data.push(value as u8);
}

fn take(data: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = data.split_first()?;
        *data = rest;
        value |= u64::from(byte & 0x7F) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_reads_back_as_it_was_written_in_a_few_bytes_each() {
        let codes: Vec<Outcome> = (0..=63).filter_map(|code| outcome(code, &mut [0x77].as_slice())).collect();
        assert_eq!(codes.len(), 18);
        let mut block = Block::default();
        let mut all = Vec::new();
        for n in 0..512_u64 {
            let took = Span::micros(900 + n * 37 % 4_000);
            let outcome = match n % 40 {
                0 => codes[(n as usize / 40) % codes.len()],
                _ => Outcome::Ok { took },
            };
            let outcome = if let Outcome::Ok { .. } = outcome { Outcome::Ok { took } } else { outcome };
            let jump = if n == 300 { 0 } else { 3_600_000_000 };
            let at = Wall::micros(1_700_000_000_000_000 + jump + n * 10_000_000 + n * 7_919 % 50 * 1_000);
            let reading = (n % 2 == 0).then(|| Span::millis(n));
            let taken = Taken { at, outcome, took, reading };
            block.push(taken);
            all.push(taken);
        }
        assert_eq!(block.read().as_deref(), Some(&all[..]));
        println!("{} samples in {} bytes", block.count(), block.size());
        assert!(block.size() < 512 * 9, "{}", block.size());
        for cut in 0..block.data.len() {
            let torn = Block { data: block.data[..cut].to_vec(), ..block.clone() };
            assert_eq!(torn.read(), None, "cut at {cut}");
        }
    }
}
