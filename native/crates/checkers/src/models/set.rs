//! A set: add and remove, which may tell whether they changed anything, contains, and a read of all elements.
//!
//! Where nobody read all elements, they have nothing to do with each other: each is a register that holds whether it is there.

use super::call::{Call, Complaint, Decoder, by_subject};
use super::interner::Interner;
use super::register::{Register, RegisterAction};
use super::shelf::{self, Shelf};
use super::words::bracketed;
use super::{Aid, Model, Nature, State};
use crate::linearizable::{Object, Operation, Part};

/// What happened to a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SetAction {
    /// The element was added; it may have been there.
    Add(u32),
    /// The element was removed; it may not have been there.
    Remove(u32),
    /// The element was added, and had not been there.
    Insert(u32),
    /// The element was removed, and had been there.
    Delete(u32),
    /// The element was looked for, and was there or not.
    Contains(u32, bool),
    /// Exactly these elements were there, by their number in [`Set`].
    ReadAll(u32),
}

impl SetAction {
    /// What one element sees of it: its values are 0, not there, and 1. A read of all says nothing here.
    pub fn as_register(self) -> Option<RegisterAction> {
        match self {
            Self::Add(_) => Some(RegisterAction::Write(1)),
            Self::Remove(_) => Some(RegisterAction::Write(0)),
            Self::Insert(_) => Some(RegisterAction::Cas(0, 1)),
            Self::Delete(_) => Some(RegisterAction::Cas(1, 0)),
            Self::Contains(_, there) => Some(RegisterAction::Read(u32::from(there))),
            Self::ReadAll(_) => None,
        }
    }
}

/// A set that starts empty. A state is a map: one for each element that is there.
#[derive(Clone, Debug)]
pub struct Set {
    elements: usize,
    shelf: Shelf,
    reads: Vec<shelf::Map>,
}

impl Set {
    /// A set of this many different elements. `reads` are what the reads of all elements saw.
    pub fn new(elements: usize, reads: &[Vec<u32>]) -> Self {
        let mut shelf = Shelf::new(elements);
        let maps = reads.iter().map(|seen| seen.iter().fold(shelf::EMPTY, |map, &element| shelf.set(map, element, 1)));
        let reads = maps.collect();
        Set { elements, shelf, reads }
    }

    /// What each read of all elements saw.
    pub fn seen(&self) -> Vec<Vec<u32>> {
        let elements = |&map: &shelf::Map| self.shelf.entries(map).into_iter().map(|(element, _)| element).collect();
        self.reads.iter().map(elements).collect()
    }

    /// How many different elements there are.
    pub fn elements(&self) -> usize {
        self.elements
    }

    fn has(&self, state: State, element: u32) -> bool {
        self.shelf.get(state, element) == 1
    }

    /// Pending operations that make `element` be there or not.
    fn aid_for(element: u32, there: bool) -> Aid {
        2 * element + u32::from(there)
    }
}

/// What a state has for an element of which nobody knows whether it is there.
const PERHAPS: u32 = 2;

impl Model for Set {
    type Action = SetAction;

    fn initial(&self) -> State {
        shelf::EMPTY
    }

    fn step(&mut self, state: State, action: SetAction) -> Option<State> {
        match action {
            SetAction::Add(element) => Some(self.shelf.set(state, element, 1)),
            SetAction::Remove(element) => Some(self.shelf.set(state, element, 0)),
            SetAction::Insert(element) => (!self.has(state, element)).then(|| self.shelf.set(state, element, 1)),
            SetAction::Delete(element) => self.has(state, element).then(|| self.shelf.set(state, element, 0)),
            SetAction::Contains(element, there) => (self.has(state, element) == there).then_some(state),
            SetAction::ReadAll(read) => (self.reads[read as usize] == state).then_some(state),
        }
    }

    fn anything(&mut self) -> Option<State> {
        Some((0..self.elements as u32).fold(shelf::EMPTY, |map, element| self.shelf.set(map, element, PERHAPS)))
    }

    fn step_loosely(&mut self, state: State, action: SetAction) -> Option<State> {
        if let SetAction::ReadAll(read) = action {
            let seen = self.reads[read as usize];
            let differences = self.shelf.differences(state, seen, usize::MAX);
            return differences.iter().all(|&(_, held, _)| held == PERHAPS).then_some(seen);
        }
        let (element, action) = (element_of(action)?, action.as_register()?);
        let held = self.shelf.get(state, element);
        if action.consumes().is_some_and(|value| held != PERHAPS && held != value) {
            return None;
        }
        let after = action.produces().or(action.consumes())?;
        Some(self.shelf.set(state, element, after))
    }

    fn nature(&self, action: SetAction) -> Nature {
        match action {
            SetAction::Contains(..) | SetAction::ReadAll(_) => Nature::Observation,
            _ => Nature::Update,
        }
    }

    /// An unknown add or remove is of use just before somebody sees its element: an add that nobody looks at before the element is
    /// added or removed again might as well not have happened.
    fn aids(&self) -> usize {
        2 * self.elements
    }

    fn aid(&self, action: SetAction) -> Aid {
        match action {
            SetAction::Add(element) | SetAction::Insert(element) => Self::aid_for(element, true),
            SetAction::Remove(element) | SetAction::Delete(element) => Self::aid_for(element, false),
            // Observations are never pending.
            SetAction::Contains(..) | SetAction::ReadAll(_) => 0,
        }
    }

    fn wants(&mut self, state: State, goal: SetAction, wanted: &mut Vec<Aid>) {
        let mut there = |element: u32, there: bool| {
            if self.has(state, element) != there {
                wanted.push(Self::aid_for(element, there));
            }
        };
        match goal {
            SetAction::Add(_) | SetAction::Remove(_) => {}
            SetAction::Insert(element) => there(element, false),
            SetAction::Delete(element) => there(element, true),
            SetAction::Contains(element, expected) => there(element, expected),
            SetAction::ReadAll(read) => {
                let seen = self.reads[read as usize];
                for (element, has, _) in self.shelf.differences(state, seen, usize::MAX) {
                    wanted.push(Self::aid_for(element, has == 0));
                }
            }
        }
    }

    fn subject(&self, action: SetAction) -> Option<u32> {
        element_of(action)
    }

    fn places(&self) -> usize {
        self.elements
    }

    fn touches(&self, action: SetAction, places: &mut Vec<u32>) {
        places.extend(element_of(action));
    }

    fn concerns(&mut self, state: State, goal: SetAction, places: &mut Vec<u32>) {
        match goal {
            SetAction::ReadAll(read) => {
                let differences = self.shelf.differences(state, self.reads[read as usize], usize::MAX);
                places.extend(differences.into_iter().map(|(element, ..)| element));
            }
            _ => places.extend(element_of(goal)),
        }
    }

    fn forget(&mut self, element: u32) {
        for seen in &mut self.reads {
            *seen = self.shelf.set(*seen, element, 0);
        }
    }

    fn describe(&self, state: State, names: &[Option<i64>]) -> String {
        let entries = self.shelf.entries(state);
        let held = entries.iter().filter(|&&(_, held)| held == 1).map(|&(element, _)| element);
        let perhaps = if entries.iter().any(|&(_, held)| held == PERHAPS) { ", and perhaps others" } else { "" };
        format!("{}{perhaps}", bracketed(held, names))
    }

    fn bytes(&self) -> u64 {
        self.shelf.bytes()
    }
}

fn element_of(action: SetAction) -> Option<u32> {
    match action {
        SetAction::Add(element)
        | SetAction::Remove(element)
        | SetAction::Insert(element)
        | SetAction::Delete(element)
        | SetAction::Contains(element, _) => Some(element),
        SetAction::ReadAll(_) => None,
    }
}

/// Reads the operations of a set.
#[derive(Debug, Default)]
pub struct SetDecoder {
    elements: Interner<Option<i64>>,
    reads: Vec<Vec<u32>>,
}

impl SetDecoder {
    /// What an operation on one element told: whether it changed the set, or found the element. It may tell nothing.
    fn told(call: &Call, element: i64) -> Result<Option<bool>, Complaint> {
        match call.result {
            None => Ok(None),
            Some([told]) if call.function != "contains" && *told == element => Ok(None),
            Some([told, flag @ (0 | 1)]) if *told == element => Ok(Some(*flag == 1)),
            Some([flag @ (0 | 1)]) if call.function == "contains" => Ok(Some(*flag == 1)),
            Some(told) => {
                let what = format!("a {} returns the element and 0 or 1, not {told:?}", call.function);
                Err((call.end(), what))
            }
        }
    }
}

impl Decoder for SetDecoder {
    type Model = Set;

    fn functions(&self) -> Vec<&str> {
        vec!["add", "remove", "contains", "read-all", "read"]
    }

    fn decode(&mut self, call: &Call) -> Result<Option<SetAction>, Complaint> {
        if matches!(call.function, "read-all" | "read") {
            if !call.is_ok() {
                return Ok(None);
            }
            let Some(seen) = call.result else {
                return Err((call.end(), "a read of a set returns its elements, not nil".to_owned()));
            };
            self.reads.push(seen.iter().map(|&element| self.elements.number(Some(element))).collect());
            return Ok(Some(SetAction::ReadAll(self.reads.len() as u32 - 1)));
        }
        let needs = format!("a {} needs one element", call.function);
        let Some([element]) = call.argument else { return Err((call.row(), needs)) };
        let (told, number) = (Self::told(call, *element)?, self.elements.number(Some(*element)));
        Ok(match (call.function, told) {
            ("add", Some(true)) => Some(SetAction::Insert(number)),
            ("add", Some(false)) => Some(SetAction::Contains(number, true)),
            ("add", None) => Some(SetAction::Add(number)),
            ("remove", Some(true)) => Some(SetAction::Delete(number)),
            ("remove", Some(false)) => Some(SetAction::Contains(number, false)),
            ("remove", None) => Some(SetAction::Remove(number)),
            (_, Some(there)) => Some(SetAction::Contains(number, there)),
            (_, None) if call.is_ok() => return Err((call.end(), "a contains returns 0 or 1, not nil".to_owned())),
            (_, None) => None,
        })
    }

    fn observes(&self, action: SetAction) -> bool {
        !matches!(action, SetAction::Add(_) | SetAction::Remove(_))
    }

    fn parts(self, key: Option<i64>, operations: Vec<Operation<SetAction>>) -> Vec<Box<dyn Part>> {
        let names = self.elements.things().to_vec();
        if !self.reads.is_empty() {
            return vec![Object::whole(key, Set::new(names.len(), &self.reads), names, operations)];
        }
        let of_element = by_subject(names.len(), operations, element_of);
        let parts = names.into_iter().zip(of_element).map(|(name, operations)| {
            let as_register = |operation: Operation<SetAction>| {
                let Operation { invocation, completion, action } = operation;
                action.as_register().map(|action| Operation { invocation, completion, action })
            };
            let alone = operations.into_iter().filter_map(as_register).collect();
            Object::element(key, name, Register { values: 2 }, vec![Some(0), Some(1)], alone)
        });
        parts.collect()
    }
}
