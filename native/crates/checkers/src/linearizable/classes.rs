//! Operations that may have happened: never required, tried only when they are needed, interchangeable when they are equal.
//!
//! An operation that ended `info` can take effect at any time after its invocation, or never, so each one doubles the possibilities
//! for the rest of the history. Three observations tame them. Nothing has to be explained by one whose token no required operation
//! consumes, directly or through others of its kind: it is deleted. Those with the same action are interchangeable: only how many of
//! a class were used matters, and the earliest goes first. And one is worth a try only just before an operation that consumes its
//! token, because it could otherwise be moved there or left out.

use super::Operation;
use crate::models::{Aid, Model, State, Token};

/// Operations with the same action that may have happened.
pub struct Class<A> {
    /// What each of them does.
    pub action: A,
    /// Which, as indices into the operations, by invocation.
    pub members: Vec<u32>,
    /// How many took effect.
    pub used: u32,
}

/// The classes of a history, and who produces what.
pub struct Classes<A> {
    /// All classes, in the order of their actions.
    pub classes: Vec<Class<A>>,
    by_token: Vec<Vec<u32>>,
    by_aid: Vec<Vec<u32>>,
    consumed: Vec<bool>,
    needed: Vec<u32>,
    wanted: Vec<Token>,
    is_wanted: Vec<bool>,
    aids: Vec<Aid>,
}

impl<A: Copy + Eq + Ord> Classes<A> {
    /// Classify the operations of `operations` that never completed. `required[token]` is the last return of a required operation
    /// that consumes the token, or zero.
    pub fn new<M: Model<Action = A>>(model: &M, operations: &[Operation<A>], required: &[u32]) -> Self {
        let mut pending: Vec<u32> =
            (0..operations.len() as u32).filter(|&i| operations[i as usize].is_pending()).collect();
        pending.sort_by_key(|&i| (operations[i as usize].action, operations[i as usize].invocation));
        let mut classes: Vec<Class<A>> = Vec::new();
        for index in pending {
            let action = operations[index as usize].action;
            match classes.last_mut() {
                Some(class) if class.action == action => class.members.push(index),
                _ => classes.push(Class { action, members: vec![index], used: 0 }),
            }
        }
        let mut needed = Vec::new();
        if model.tokens() > 0 {
            needed = needed_until(model, &classes, &producers(model, &classes), required);
            for class in &mut classes {
                let until = model.produces(class.action).map_or(u32::MAX, |token| needed[token as usize]);
                class.members.retain(|&member| operations[member as usize].invocation < until);
            }
            classes.retain(|class| !class.members.is_empty());
        }
        let mut consumed = vec![false; model.tokens()];
        for token in classes.iter().filter_map(|class| model.consumes(class.action)) {
            consumed[token as usize] = true;
        }
        let by_token = producers(model, &classes);
        let mut by_aid = vec![Vec::new(); model.aids()];
        for (index, class) in classes.iter().enumerate().filter(|_| model.aids() > 0) {
            by_aid[model.aid(class.action) as usize].push(index as u32);
        }
        let is_wanted = vec![false; model.tokens().max(model.aids())];
        Classes { classes, by_token, by_aid, consumed, needed, wanted: Vec::new(), is_wanted, aids: Vec::new() }
    }

    /// The classes that produce `token`.
    pub fn producing(&self, token: Token) -> &[u32] {
        &self.by_token[token as usize]
    }

    /// The last row at which somebody may need what `class` produces.
    pub fn needed_until<M: Model<Action = A>>(&self, model: &M, class: &Class<A>) -> u32 {
        model.produces(class.action).map_or(u32::MAX, |token| self.needed[token as usize])
    }

    /// Bytes held: what a class has, and what a token has.
    pub fn bytes(&self) -> u64 {
        let members: usize =
            self.classes.iter().map(|class| size_of::<Class<A>>() + 4 * (class.members.capacity() + 1)).sum();
        let token = size_of::<Vec<u32>>() + 2 * size_of::<Token>() + 2 * size_of::<bool>();
        (members + token * (self.by_token.len() + self.by_aid.len())) as u64
    }

    /// Whether some class consumes `token`.
    pub fn consume(&self, token: Token) -> bool {
        self.consumed[token as usize]
    }

    /// Whether a member of `class` is left that was invoked before `front`.
    pub fn is_available(&self, class: usize, front: u32, operations: &[Operation<A>]) -> bool {
        let class = &self.classes[class];
        let next = class.members.get(class.used as usize);
        next.is_some_and(|&member| operations[member as usize].invocation < front)
    }

    /// The member of `class` that would take effect next; there must be one.
    pub fn next(&self, class: usize) -> u32 {
        let class = &self.classes[class];
        class.members[class.used as usize]
    }

    /// The classes worth a try in a state that offers `offered`, where enabled required operations consume `enabled`: those that
    /// produce what is consumed, or are a step of a chain from `offered` to it.
    pub fn needed<M: Model<Action = A>>(
        &mut self,
        model: &M,
        offered: Option<Token>,
        enabled: impl Iterator<Item = Token>,
        mut available: impl FnMut(&Self, usize) -> bool,
        found: &mut Vec<u32>,
    ) {
        let mut wanted = std::mem::take(&mut self.wanted);
        for token in enabled {
            self.want(token, &mut wanted);
        }
        let mut position = 0;
        while position < wanted.len() {
            let token = wanted[position] as usize;
            position += 1;
            for i in 0..self.by_token[token].len() {
                let class = self.by_token[token][i];
                if !available(self, class as usize) {
                    continue;
                }
                match model.consumes(self.classes[class as usize].action) {
                    Some(source) if Some(source) != offered => self.want(source, &mut wanted),
                    _ => found.push(class),
                }
            }
        }
        for token in wanted.drain(..) {
            self.is_wanted[token as usize] = false;
        }
        self.wanted = wanted;
    }

    /// The classes that can be of use, in `state`, to one of the required operations that are `enabled`.
    pub fn useful<M: Model<Action = A>>(
        &mut self,
        model: &mut M,
        state: State,
        enabled: impl Iterator<Item = A>,
        found: &mut Vec<u32>,
    ) {
        for goal in enabled {
            model.wants(state, goal, &mut self.aids);
        }
        let mut wanted = std::mem::take(&mut self.wanted);
        while let Some(aid) = self.aids.pop() {
            self.want(aid, &mut wanted);
        }
        for aid in wanted.drain(..) {
            self.is_wanted[aid as usize] = false;
            found.extend(&self.by_aid[aid as usize]);
        }
        self.wanted = wanted;
    }

    fn want(&mut self, token: Token, wanted: &mut Vec<Token>) {
        if !std::mem::replace(&mut self.is_wanted[token as usize], true) {
            wanted.push(token);
        }
    }
}

/// By token: the classes that produce it.
fn producers<M: Model>(model: &M, classes: &[Class<M::Action>]) -> Vec<Vec<u32>> {
    let mut by_token = vec![Vec::new(); model.tokens()];
    for (index, class) in classes.iter().enumerate() {
        if let Some(token) = model.produces(class.action) {
            by_token[token as usize].push(index as u32);
        }
    }
    by_token
}

/// By token: the last row at which somebody may still need it, zero if nobody ever does. `required` says so for required operations
/// alone; a class that produces a needed token passes the need on to the token that it consumes.
fn needed_until<M: Model>(
    model: &M,
    classes: &[Class<M::Action>],
    by_token: &[Vec<u32>],
    required: &[u32],
) -> Vec<u32> {
    let mut until = required.to_vec();
    let mut tokens: Vec<Token> = (0..until.len() as u32).collect();
    tokens.sort_by_key(|&token| std::cmp::Reverse((required[token as usize], token)));
    let mut settled = vec![false; until.len()];
    for token in tokens {
        let mut pending = vec![token];
        while let Some(token) = pending.pop() {
            if std::mem::replace(&mut settled[token as usize], true) {
                continue;
            }
            let need = until[token as usize];
            for &class in &by_token[token as usize] {
                if let Some(source) = model.consumes(classes[class as usize].action) {
                    until[source as usize] = until[source as usize].max(need);
                    pending.push(source);
                }
            }
        }
    }
    until
}
