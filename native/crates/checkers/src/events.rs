//! The input of every checker: one row an event, column by column, borrowed.

/// `nil` within a list.
pub const NIL: i64 = i64::MIN;

/// Values below this are no numbers: [`NIL`], and the words of other tools, of which a fraction is one. Nothing can be added up with
/// them, and none is more than another.
const LEAST_NUMBER: i64 = i64::MIN / 4;

/// Whether a value is the number that it seems to be.
pub fn is_number(value: i64) -> bool {
    value >= LEAST_NUMBER
}

/// What a row says happened, by its code in [`Events::kind`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A client asked for an operation.
    Invoke,
    /// It certainly happened.
    Ok,
    /// It certainly did not happen, and never will.
    Fail,
    /// Nobody knows whether it happened, or still will.
    Info,
}

/// The rows of a history in the order of recording. Every slice has one entry a row, except `value_offsets` (one more) and `values`.
#[derive(Clone, Copy, Debug)]
pub struct Events<'a> {
    /// Nanoseconds. Only for latencies: no verdict depends on it.
    pub time: &'a [i64],
    /// The process; negative for the nemesis, whose rows are skipped.
    pub process: &'a [i32],
    /// 0 invoke, 1 ok, 2 fail, 3 info; 4 and above are faults, and skipped.
    pub kind: &'a [u8],
    /// Position in the list of function names.
    pub f: &'a [u8],
    /// The independent key, where `key_valid`.
    pub key: &'a [i64],
    /// Whether the row has a key.
    pub key_valid: &'a [bool],
    /// Row `i` has the values from `value_offsets[i]` up to `value_offsets[i + 1]`.
    pub value_offsets: &'a [usize],
    /// The lists of all rows, end to end.
    pub values: &'a [i64],
    /// Whether the row has a list at all; absent is nil, which is not the empty list.
    pub value_valid: &'a [bool],
}

impl<'a> Events<'a> {
    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.kind.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.kind.is_empty()
    }

    /// What a row says, or nothing when it is none of a client's doing.
    pub fn kind(&self, row: usize) -> Option<Kind> {
        if self.process[row] < 0 {
            return None;
        }
        match self.kind[row] {
            0 => Some(Kind::Invoke),
            1 => Some(Kind::Ok),
            2 => Some(Kind::Fail),
            3 => Some(Kind::Info),
            _ => None,
        }
    }

    /// The key of a row, if it has one.
    pub fn key(&self, row: usize) -> Option<i64> {
        self.key_valid[row].then(|| self.key[row])
    }

    /// The list of a row, if it has one.
    pub fn value(&self, row: usize) -> Option<&'a [i64]> {
        self.value_valid[row].then(|| &self.values[self.value_offsets[row]..self.value_offsets[row + 1]])
    }
}
