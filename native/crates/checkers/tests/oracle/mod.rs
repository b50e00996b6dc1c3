//! What the fast checkers are measured against: a brute-force checker that is obviously right, and random histories.
#![allow(dead_code, reason = "each test binary uses its own part")]

use schrodinger_checkers::linearizable::Operation;
use schrodinger_checkers::models::{Model, Register, RegisterAction};
use schrodinger_checkers::pairing::NEVER;

pub type Operations = Vec<Operation<RegisterAction>>;

/// The definition, word for word: some order of all required operations and some of the others, in which nothing comes before what
/// returned before it was called, and which the register allows.
pub fn is_linearizable(operations: &[Operation<RegisterAction>]) -> bool {
    assert!(operations.len() <= 16, "brute force is for small histories");
    let mut model = Register { values: 64 };
    let initial = model.initial();
    explore(&mut model, operations, (1 << operations.len()) - 1, initial)
}

fn explore(model: &mut Register, operations: &[Operation<RegisterAction>], left: u32, state: u32) -> bool {
    let is_left = |index: &usize| left & (1 << index) != 0;
    let remaining: Vec<usize> = (0..operations.len()).filter(is_left).collect();
    if remaining.iter().all(|&index| operations[index].is_pending()) {
        return true;
    }
    remaining.iter().any(|&index| {
        let comes_too_early =
            remaining.iter().any(|&other| operations[other].completion < operations[index].invocation);
        !comes_too_early
            && model
                .step(state, operations[index].action)
                .is_some_and(|next| explore(model, operations, left & !(1 << index), next))
    })
}

/// SplitMix64: the same cases on every machine.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

/// What random histories look like.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    pub operations: usize,
    pub processes: usize,
    /// Every written value is new; otherwise values are drawn from a few.
    pub distinct: bool,
    /// Percent of the producers that end without anybody knowing.
    pub info: usize,
    /// Percent of the operations that are compare-and-sets, and that are reads.
    pub cas: usize,
    pub reads: usize,
}

impl Shape {
    pub fn random(random: &mut Random, most_operations: usize) -> Shape {
        Shape {
            operations: 1 + random.below(most_operations),
            processes: 1 + random.below(5),
            distinct: random.chance(50),
            info: [0, 10, 30, 60][random.below(4)],
            cas: [0, 20, 40][random.below(3)],
            reads: [20, 40, 60][random.below(3)],
        }
    }
}

/// Where one process is with its operation.
#[derive(Clone, Copy)]
enum Stage {
    Idle,
    Called { row: u32, action: Wish },
    Applied { row: u32, action: Wish, result: Option<RegisterAction> },
}

#[derive(Clone, Copy)]
enum Wish {
    Read,
    Write(u32),
    Cas(u32, u32),
}

/// A history that a real register produced, hence linearizable: every operation takes effect at one instant between call and return,
/// and those that nobody knows about at some instant after the call or never.
pub fn produced_by_a_register(random: &mut Random, shape: Shape) -> Operations {
    let mut stages = vec![Stage::Idle; shape.processes];
    let mut lost: Vec<Wish> = Vec::new();
    let mut operations: Operations = Vec::new();
    let (mut value, mut fresh, mut row, mut called) = (Register::INITIAL, 0, 0, 0);
    loop {
        if !lost.is_empty() && random.chance(20) {
            let late = random.below(lost.len());
            let late = lost.swap_remove(late);
            apply(late, &mut value);
        }
        let who = random.below(shape.processes);
        match stages[who] {
            Stage::Idle if called < shape.operations => {
                let action = wish(random, shape, value, &mut fresh);
                stages[who] = Stage::Called { row, action };
                called += 1;
                row += 1;
            }
            Stage::Idle => {
                if stages.iter().all(|stage| matches!(stage, Stage::Idle)) {
                    operations.sort_by_key(|operation| operation.invocation);
                    return operations;
                }
            }
            Stage::Called { row: call, action } => {
                if !matches!(action, Wish::Read) && random.chance(shape.info) {
                    if random.chance(60) {
                        lost.push(action);
                    }
                    operations.extend(pending(call, action));
                    stages[who] = Stage::Idle;
                    row += 1;
                } else {
                    stages[who] = Stage::Applied { row: call, action, result: apply(action, &mut value) };
                }
            }
            Stage::Applied { row: call, result, .. } => {
                let done = |action| Operation { invocation: call, completion: row, action };
                operations.extend(result.map(done));
                stages[who] = Stage::Idle;
                row += 1;
            }
        }
    }
}

fn wish(random: &mut Random, shape: Shape, value: u32, fresh: &mut u32) -> Wish {
    let mut new = |random: &mut Random| {
        *fresh += 1;
        if shape.distinct { *fresh } else { random.below(4) as u32 }
    };
    let kind = random.below(100);
    if kind < shape.reads {
        Wish::Read
    } else if kind < shape.reads + shape.cas {
        let new = new(random);
        let old = if random.chance(70) { value } else { random.below(new as usize + 2) as u32 };
        if old == new { Wish::Read } else { Wish::Cas(old, new) }
    } else {
        Wish::Write(new(random))
    }
}

fn apply(wish: Wish, value: &mut u32) -> Option<RegisterAction> {
    match wish {
        Wish::Read => Some(RegisterAction::Read(*value)),
        Wish::Write(new) => {
            *value = new;
            Some(RegisterAction::Write(new))
        }
        Wish::Cas(old, new) => (*value == old).then(|| {
            *value = new;
            RegisterAction::Cas(old, new)
        }),
    }
}

fn pending(invocation: u32, wish: Wish) -> Option<Operation<RegisterAction>> {
    let action = match wish {
        Wish::Read => return None,
        Wish::Write(new) => RegisterAction::Write(new),
        Wish::Cas(old, new) => RegisterAction::Cas(old, new),
    };
    Some(Operation { invocation, completion: NEVER, action })
}

/// Spoil what one observation saw; the history may or may not stay linearizable.
pub fn spoil(random: &mut Random, operations: &mut Operations) {
    let values = values_of(operations) as usize + 1;
    let observers: Vec<usize> = (0..operations.len()).filter(|&i| operations[i].action.consumes().is_some()).collect();
    if observers.is_empty() {
        return;
    }
    let action = &mut operations[observers[random.below(observers.len())]].action;
    let other = random.below(values) as u32;
    *action = match *action {
        RegisterAction::Cas(_, new) if new != other => RegisterAction::Cas(other, new),
        RegisterAction::Read(_) => RegisterAction::Read(other),
        unspoilt => unspoilt,
    };
}

/// How many values are in use.
pub fn values_of(operations: &[Operation<RegisterAction>]) -> u32 {
    let touched = operations.iter().flat_map(|o| [o.action.consumes(), o.action.produces()]).flatten();
    touched.max().unwrap_or(0) + 1
}

/// How many random cases a test tries: `quick`, or what SCHRODINGER_FUZZ_CASES says.
pub fn cases(quick: usize) -> usize {
    std::env::var("SCHRODINGER_FUZZ_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(quick)
}

/// A random history: as produced, or spoilt once or twice.
pub fn random_history(seed: u64, most_operations: usize) -> Operations {
    let mut random = Random(seed);
    let shape = Shape::random(&mut random, most_operations);
    let mut operations = produced_by_a_register(&mut random, shape);
    for _ in 0..random.below(3) {
        spoil(&mut random, &mut operations);
    }
    operations
}

/// One operation a line, for a person to read.
pub fn printed(operations: &[Operation<RegisterAction>]) -> String {
    let line = |o: &Operation<RegisterAction>| match o.completion {
        NEVER => format!("{:>3} ..  ?  {:?}\n", o.invocation, o.action),
        completion => format!("{:>3} .. {completion:>2}  {:?}\n", o.invocation, o.action),
    };
    operations.iter().map(line).collect()
}
