//! A history as plain columns: the form in which checkers read it and in which the recorder gathers events.
//!
//! One entry a row, in the order of recording, which is the order of time. Nullable columns are a vector of values and a vector of
//! validities; where the validity is false the value is zero and means nothing. The lists of all rows lie in one vector, cut by
//! offsets, so that a row costs no allocation. A list that is absent is not a list that is empty: reading a register that was never
//! written observes nothing (absent), reading an empty set observes a set (empty).

/// The process number of the nemesis; clients count from zero.
pub const NEMESIS: i32 = -1;

/// `nil` within a list, where it means something: a compare-and-set of a register that was never written expects it.
pub const NIL: i64 = i64::MIN;

/// Words of other tools are numbered from here on: far from what workloads write.
pub const FIRST_WORD: i64 = i64::MIN / 2;

/// What a row says happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Kind {
    /// A client asked for an operation.
    Invoke = 0,
    /// It certainly happened.
    Ok = 1,
    /// It certainly did not happen, and never will.
    Fail = 2,
    /// Nobody knows whether it happened, or still will.
    Info = 3,
    /// A fault came into force.
    Inject = 4,
    /// A fault was undone.
    Heal = 5,
}

impl Kind {
    /// Every kind, at the position of its code.
    pub const ALL: [Kind; 6] = [Kind::Invoke, Kind::Ok, Kind::Fail, Kind::Info, Kind::Inject, Kind::Heal];

    /// The kind with this code, if there is one.
    pub fn from_code(code: u8) -> Option<Kind> {
        Kind::ALL.get(usize::from(code)).copied()
    }

    /// The code, as stored in [`Columns::kind`].
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The word for it, as stored in the file and spoken in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Invoke => "invoke",
            Kind::Ok => "ok",
            Kind::Fail => "fail",
            Kind::Info => "info",
            Kind::Inject => "inject",
            Kind::Heal => "heal",
        }
    }

    /// The kind that is called `name`, if there is one.
    pub fn from_name(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether it ends an operation: `ok`, `fail` or `info`.
    pub const fn is_completion(self) -> bool {
        matches!(self, Kind::Ok | Kind::Fail | Kind::Info)
    }
}

/// The rows of a history, column by column. All vectors have one entry a row, except `value_offsets` (one more) and `values`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    /// Nanoseconds since the recorder's origin, never decreasing.
    pub time: Vec<i64>,
    /// The process that did it; [`NEMESIS`] for faults.
    pub process: Vec<i32>,
    /// Code of a [`Kind`].
    pub kind: Vec<u8>,
    /// Position in the history's list of functions.
    pub f: Vec<u8>,
    /// The independent key, zero where there is none.
    pub key: Vec<i64>,
    /// Whether the row has a key.
    pub key_valid: Vec<bool>,
    /// Row `i` has the values from `value_offsets[i]` up to `value_offsets[i + 1]`.
    pub value_offsets: Vec<usize>,
    /// The lists of all rows, end to end.
    pub values: Vec<i64>,
    /// Whether the row has a list at all. Without one its slice is empty.
    pub value_valid: Vec<bool>,
}

impl Default for Columns {
    fn default() -> Self {
        Columns::with_capacity(0)
    }
}

impl Columns {
    /// No rows, with room for `rows` of one value each.
    pub fn with_capacity(rows: usize) -> Self {
        let mut value_offsets = Vec::with_capacity(rows + 1);
        value_offsets.push(0);
        Columns {
            time: Vec::with_capacity(rows),
            process: Vec::with_capacity(rows),
            kind: Vec::with_capacity(rows),
            f: Vec::with_capacity(rows),
            key: Vec::with_capacity(rows),
            key_valid: Vec::with_capacity(rows),
            value_offsets,
            values: Vec::with_capacity(rows),
            value_valid: Vec::with_capacity(rows),
        }
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.time.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.time.is_empty()
    }

    /// Append one row.
    pub fn push(&mut self, time: i64, process: i32, kind: Kind, f: u8, key: Option<i64>, value: Option<&[i64]>) {
        self.time.push(time);
        self.process.push(process);
        self.kind.push(kind.code());
        self.f.push(f);
        self.key.push(key.unwrap_or(0));
        self.key_valid.push(key.is_some());
        self.values.extend_from_slice(value.unwrap_or(&[]));
        self.value_offsets.push(self.values.len());
        self.value_valid.push(value.is_some());
    }

    /// The key of a row, if it has one.
    pub fn key(&self, row: usize) -> Option<i64> {
        self.key_valid[row].then(|| self.key[row])
    }

    /// The list of a row, if it has one.
    pub fn value(&self, row: usize) -> Option<&[i64]> {
        self.value_valid[row].then(|| &self.values[self.value_offsets[row]..self.value_offsets[row + 1]])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absent_value_is_not_an_empty_list() {
        let mut columns = Columns::default();
        columns.push(1, 0, Kind::Ok, 0, None, None);
        columns.push(2, 0, Kind::Ok, 0, None, Some(&[]));
        columns.push(3, 0, Kind::Ok, 0, Some(0), Some(&[4, 5]));
        assert_eq!(columns.value(0), None);
        assert_eq!(columns.value(1), Some(&[][..]));
        assert_eq!(columns.value(2), Some(&[4, 5][..]));
        assert_eq!((columns.key(0), columns.key(2)), (None, Some(0)));
    }

    #[test]
    fn every_kind_is_found_by_its_code_and_by_its_name() {
        for kind in Kind::ALL {
            assert_eq!(Kind::from_code(kind.code()), Some(kind));
            assert_eq!(Kind::from_name(kind.name()), Some(kind));
        }
        assert_eq!(Kind::from_code(6), None);
        assert_eq!(Kind::from_name("OK"), None);
    }
}
