//! Two segment trees over instants, both iterative, for the peeling of a stack.
//!
//! [`Cover`] counts over each instant how many intervals contain it, and hands out instants that few enough contain. [`Spans`] holds
//! intervals by their first instant, and hands out those that contain an instant. An update or a query takes O(log n).

/// A count for each instant, changed over ranges.
pub struct Cover {
    leaves: usize,
    /// By node: the least count below it, without what was added to the nodes above it.
    least: Vec<i32>,
    /// By inner node: what was added to everything below it.
    added: Vec<i32>,
}

/// More than any count: an instant that was handed out.
const OUT: i32 = 1 << 30;

/// Added to a count to keep an instant from being handed out for the time being.
pub const HIDDEN: i32 = 1 << 29;

impl Cover {
    /// From the differences between each instant's count and the count before.
    pub fn new(differences: &[i32]) -> Cover {
        let leaves = differences.len().next_power_of_two();
        let mut least = vec![OUT; 2 * leaves];
        let mut count = 0;
        for (leaf, difference) in least[leaves..].iter_mut().zip(differences) {
            count += difference;
            *leaf = count;
        }
        for node in (1..leaves).rev() {
            least[node] = least[2 * node].min(least[2 * node + 1]);
        }
        Cover { leaves, least, added: vec![0; leaves] }
    }

    /// Add to the counts of the instants from `start` up to before `end`.
    pub fn add(&mut self, start: usize, end: usize, amount: i32) {
        if start >= end {
            return;
        }
        let (mut low, mut high) = (start + self.leaves, end + self.leaves);
        while low < high {
            if low % 2 == 1 {
                self.apply(low, amount);
                low += 1;
            }
            if high % 2 == 1 {
                high -= 1;
                self.apply(high, amount);
            }
            low /= 2;
            high /= 2;
        }
        self.rebuild(start);
        self.rebuild(end - 1);
    }

    /// The first instant whose count is not positive, and the count; it is taken out.
    pub fn extract(&mut self) -> Option<(usize, i32)> {
        if self.least[1] > 0 {
            return None;
        }
        let (mut node, mut above) = (1, 0);
        while node < self.leaves {
            above += self.added[node];
            node *= 2;
            node += usize::from(self.least[node] + above > 0);
        }
        let count = self.least[node] + above;
        self.least[node] = OUT;
        self.rebuild(node - self.leaves);
        Some((node - self.leaves, count))
    }

    fn apply(&mut self, node: usize, amount: i32) {
        self.least[node] += amount;
        if node < self.leaves {
            self.added[node] += amount;
        }
    }

    fn rebuild(&mut self, instant: usize) {
        let mut node = (instant + self.leaves) / 2;
        while node > 0 {
            self.least[node] = self.least[2 * node].min(self.least[2 * node + 1]) + self.added[node];
            node /= 2;
        }
    }
}

/// Intervals by their first instant.
pub struct Spans {
    leaves: usize,
    /// By node: the latest end of an interval below it, counted from one; zero for none.
    latest: Vec<u32>,
}

impl Spans {
    /// Intervals from first to last instant, by their first instant, in which order they are numbered.
    pub fn new(lasts: impl ExactSizeIterator<Item = u32>) -> Spans {
        let leaves = lasts.len().next_power_of_two();
        let mut latest = vec![0; 2 * leaves];
        for (leaf, last) in latest[leaves..].iter_mut().zip(lasts) {
            *leaf = last + 1;
        }
        for node in (1..leaves).rev() {
            latest[node] = latest[2 * node].max(latest[2 * node + 1]);
        }
        Spans { leaves, latest }
    }

    /// One of the first `count` intervals that ends at `instant` or later, which is taken out.
    pub fn extract(&mut self, count: usize, instant: u32) -> Option<usize> {
        let (mut low, mut high) = (self.leaves, count + self.leaves);
        let mut node = None;
        while low < high && node.is_none() {
            if low % 2 == 1 {
                node = (self.latest[low] > instant).then_some(low);
                low += 1;
            }
            if high % 2 == 1 && node.is_none() {
                high -= 1;
                node = (self.latest[high] > instant).then_some(high);
            }
            low /= 2;
            high /= 2;
        }
        let mut node = node?;
        while node < self.leaves {
            node *= 2;
            node += usize::from(self.latest[node] <= instant);
        }
        let number = node - self.leaves;
        self.latest[node] = 0;
        while node > 1 {
            node /= 2;
            self.latest[node] = self.latest[2 * node].max(self.latest[2 * node + 1]);
        }
        Some(number)
    }
}
