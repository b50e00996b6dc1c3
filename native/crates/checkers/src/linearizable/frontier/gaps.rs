//! Gaps: where in the order so far a write could have gone without anybody having seen it.
//!
//! A transaction that writes several keys may be read at one of them only after another was overwritten, so it can't be put off until
//! somebody reads from it. But it can be put into the order afterwards, at a moment from which on nobody looked: where each key that it
//! writes is overwritten before it is read (*hidden*), or was not touched since (*open*), so that what is written there is there now.
//! Each configuration knows these moments, as sets of places in machine words. So nobody has to guess which transactions took effect
//! before it shows.
//!
//! A required write that was called, and would be hidden everywhere, may count as linearized, and may still go: it is *free*, as an
//! overwrite of a whole object is.

use super::window::Configuration;
use crate::models::Access;

/// A set of places.
pub type Places = u64;

/// How many places there can be.
pub const PLACES: usize = Places::BITS as usize;

/// The places of some accesses.
pub fn touched(accesses: &[Access], which: impl Fn(&Access) -> bool) -> Places {
    accesses.iter().filter(|access| which(access)).fold(0, |places, access| places | 1 << access.key)
}

/// How many gaps a configuration knows; the last are the most useful.
const MOST: usize = 6;

/// A moment in the order of a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Places that are overwritten after it before they are read.
    pub hidden: Places,
    /// Places that nobody touched after it.
    pub open: Places,
    /// The return before which the next operation was put in order: what was called before it can have gone here.
    pub row: u32,
}

/// What was done at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Touch {
    /// Places that were read.
    pub reads: Places,
    /// Places that were written.
    pub writes: Places,
    /// The return before which that was.
    pub row: u32,
}

/// The gaps of a configuration, the first moment first. The moment after all is none of them: everything is open there.
#[derive(Clone, Copy)]
pub struct List {
    gaps: [Gap; MOST],
    count: usize,
}

impl List {
    const EMPTY: List = List { gaps: [Gap { hidden: 0, open: 0, row: 0 }; MOST], count: 0 };

    fn gaps(&self) -> &[Gap] {
        &self.gaps[..self.count]
    }

    /// Add a gap behind the others, unless it offers nothing; it takes the place of those that offer no more.
    fn push(&mut self, gap: Gap) {
        if gap.hidden == 0 {
            return;
        }
        let mut kept = 0;
        for at in 0..self.count {
            if self.gaps[at].hidden & !gap.hidden != 0 {
                self.gaps[kept] = self.gaps[at];
                kept += 1;
            }
        }
        if kept == MOST {
            self.gaps.copy_within(1.., 0);
            kept -= 1;
        }
        self.gaps[kept] = gap;
        self.count = kept + 1;
    }
}

/// The gaps of all configurations.
pub struct Gaps {
    lists: Vec<List>,
}

impl Gaps {
    /// No gaps, which is list zero.
    pub fn new() -> Self {
        Gaps { lists: vec![List::EMPTY] }
    }

    /// The gaps of a configuration.
    pub fn of(&self, configuration: &Configuration) -> &[Gap] {
        self.lists.get(configuration.gaps as usize).map_or(&[], List::gaps)
    }

    /// Something was done before the gap `at`, or last of all, by an action that goes whatever it finds where it writes and does not read.
    pub fn touch(&mut self, configuration: &mut Configuration, at: usize, Touch { reads, writes, row }: Touch) {
        let before = self.of(configuration);
        let blind = writes & !reads;
        let is_seen = before.iter().any(|gap| gap.open & (reads | writes) != 0);
        if blind == 0 && !is_seen {
            return;
        }
        let mut list = List::EMPTY;
        for gap in before.iter().take(at) {
            let open = gap.open & !(reads | writes);
            if gap.open != 0 {
                list.push(Gap { hidden: gap.hidden | (gap.open & blind), open, row: gap.row });
            }
        }
        let here = before.get(at).copied().unwrap_or(Gap { hidden: 0, open: Places::MAX, row });
        list.push(Gap {
            hidden: here.hidden | (here.open & blind),
            open: here.open & !(reads | writes),
            row: here.row,
        });
        for gap in before.iter().skip(at).filter(|gap| gap.open != 0) {
            list.push(*gap);
        }
        configuration.gaps = self.lists.len() as u32;
        self.lists.push(list);
    }

    /// Forget gaps of configurations that are gone.
    pub fn settle(&mut self, configurations: &mut [Configuration]) {
        let mut lists = vec![List::EMPTY];
        for configuration in configurations {
            let list = self.lists[configuration.gaps as usize];
            configuration.gaps = if list.count == 0 { 0 } else { lists.len() as u32 };
            if list.count != 0 {
                lists.push(list);
            }
        }
        self.lists = lists;
    }

    /// The gaps of configurations that are to be returned to.
    pub fn mark(&self) -> Vec<List> {
        self.lists.clone()
    }

    /// Return to what [`Gaps::mark`] gave.
    pub fn back_to(&mut self, mark: &[List]) {
        self.lists.clear();
        self.lists.extend_from_slice(mark);
    }

    /// Bytes held.
    pub fn bytes(&self) -> u64 {
        (self.lists.capacity() * size_of::<List>()) as u64
    }
}
