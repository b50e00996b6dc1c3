//! What may have happened to a queue: enqueues, and dequeues of which it is known what they would have taken, or not even that.
//!
//! Of several that do the same the one called first goes first: none of them has a return that could be missed. So how many of them went
//! says which.

/// What may have happened, by call: the call, and the place among all operations.
pub type Pending = Vec<(u32, u32)>;

/// See the module.
#[derive(Debug, Default)]
pub struct Supply {
    /// By element: its enqueues.
    pub puts: Vec<Pending>,
    /// By element: its dequeues.
    pub takes: Vec<Pending>,
    /// Dequeues of nobody knows what.
    pub unknown: Pending,
    /// The calls of all of them, in order.
    pub calls: Vec<u32>,
}

impl Supply {
    /// Nothing, of this many elements.
    pub fn new(elements: usize) -> Supply {
        let [puts, takes] = [(); 2].map(|()| vec![Vec::new(); elements]);
        Supply { puts, takes, ..Supply::default() }
    }

    /// How many were called before `row`.
    pub fn called_before(&self, row: u32) -> usize {
        self.calls.partition_point(|&call| call < row)
    }

    /// Bytes held.
    pub fn bytes(&self) -> u64 {
        let lists = self.puts.iter().chain(&self.takes).chain([&self.unknown]);
        let lists = lists.map(|list| size_of::<Pending>() + list.capacity() * size_of::<(u32, u32)>());
        (lists.sum::<usize>() + 4 * self.calls.capacity()) as u64
    }
}

/// The call of the next one, if that is before `limit`, when `used` of them went.
pub fn next(list: &[(u32, u32)], used: u32, limit: u32) -> Option<u32> {
    list.get(used as usize).map(|&(call, _)| call).filter(|&call| call < limit)
}
