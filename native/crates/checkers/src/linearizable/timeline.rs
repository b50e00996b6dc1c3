//! The operations that must still be linearized, as a doubly linked list of their calls and returns in real-time order.
//!
//! Wing and Gong's list ("Testing and verifying concurrent objects", 1993): what may go next is exactly what is called before the
//! first return. Taking an operation out unlinks its two nodes and putting it back relinks them, in constant time, as long as
//! operations are put back in the reverse order.

/// The calls and returns of required operations that are not linearized yet.
pub struct Timeline {
    next: Vec<u32>,
    previous: Vec<u32>,
    rows: Vec<u32>,
    head: u32,
}

impl Timeline {
    /// All of `intervals`: the rows of call and return of each operation.
    pub fn new(intervals: impl ExactSizeIterator<Item = (u32, u32)>) -> Self {
        let count = intervals.len();
        let head = 2 * count as u32;
        let mut rows = Vec::with_capacity(2 * count + 1);
        for (call, ret) in intervals {
            rows.extend([call, ret]);
        }
        let mut order: Vec<u32> = (0..head).collect();
        order.sort_unstable_by_key(|&node| rows[node as usize]);
        rows.push(u32::MAX);
        let mut timeline = Timeline { next: vec![head; rows.len()], previous: vec![head; rows.len()], rows, head };
        let mut last = head;
        for node in order.into_iter().chain([head]) {
            timeline.next[last as usize] = node;
            timeline.previous[node as usize] = last;
            last = node;
        }
        timeline
    }

    /// Bytes held.
    pub fn bytes(&self) -> u64 {
        12 * self.rows.len() as u64
    }

    /// The row of the first return; nothing when every operation is linearized.
    pub fn front(&self) -> Option<u32> {
        let mut node = self.first();
        while node != self.head {
            if node % 2 == 1 {
                return Some(self.rows[node as usize]);
            }
            node = self.after(node);
        }
        None
    }

    /// Whether everything left was called after `row`.
    pub fn is_past(&self, row: u32) -> bool {
        self.rows[self.first() as usize] > row
    }

    /// The first node.
    pub fn first(&self) -> u32 {
        self.next[self.head as usize]
    }

    /// The node after `node`.
    pub fn after(&self, node: u32) -> u32 {
        self.next[node as usize]
    }

    /// The operation that is called at `node`; nothing when the node is a return or the end.
    pub fn called_at(&self, node: u32) -> Option<usize> {
        (node != self.head && node % 2 == 0).then_some(node as usize / 2)
    }

    /// The operations that are called before the first return, in the order of their calls.
    pub fn enabled(&self) -> impl Iterator<Item = usize> + Clone {
        let mut node = self.first();
        std::iter::from_fn(move || {
            let operation = self.called_at(node)?;
            node = self.after(node);
            Some(operation)
        })
    }

    /// Take an operation out.
    pub fn remove(&mut self, operation: usize) {
        for node in [2 * operation, 2 * operation + 1] {
            let (before, after) = (self.previous[node], self.next[node]);
            self.next[before as usize] = after;
            self.previous[after as usize] = before;
        }
    }

    /// Put back the operation that was taken out last.
    pub fn restore(&mut self, operation: usize) {
        for node in [2 * operation + 1, 2 * operation] {
            let (before, after) = (self.previous[node], self.next[node]);
            self.next[before as usize] = node as u32;
            self.previous[after as usize] = node as u32;
        }
    }
}
