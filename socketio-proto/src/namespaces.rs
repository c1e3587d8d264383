//! The namespaces of one connection and the acknowledgements awaited in each: bookkeeping common to
//! both roles. What a packet may do to them is decided by the connections.

use std::{
    borrow::Cow,
    collections::{BTreeMap, btree_map::Entry},
    mem,
};

use crate::decode::owned_name;

/// One membership of a connection in a namespace, from its CONNECT until it is left.
///
/// Its [`index`](Self::index) is small and dense and is used again for a later membership; the id
/// itself is not, so a late command for a namespace that was left meanwhile does nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NamespaceId {
    index: u32,
    /// Which of all CONNECTs on this connection it was.
    join: u32,
}

impl NamespaceId {
    /// A number below the most namespaces the connection has had at once, for tables of the caller.
    pub fn index(self) -> usize {
        self.index as usize
    }

    /// As a record has it.
    pub(crate) const fn to_pair(self) -> [u32; 2] {
        [self.index, self.join]
    }

    pub(crate) const fn from_pair([index, join]: [u32; 2]) -> Self {
        Self { index, join }
    }
}

/// A slot per membership; an empty table owns no heap memory.
#[derive(Debug)]
pub(crate) struct Namespaces<A> {
    slots: Vec<Option<Namespace<A>>>,
    joins: u32,
}

#[derive(Debug)]
pub(crate) struct Namespace<A> {
    pub(crate) name: Cow<'static, str>,
    /// Whether the CONNECT has been granted.
    pub(crate) joined: bool,
    join: u32,
    /// Awaited acknowledgements; a tree, because it needs neither keys for hashing nor memory while
    /// it is empty.
    acks: BTreeMap<u64, A>,
}

impl<A> Namespaces<A> {
    pub(crate) fn new() -> Self {
        Self {
            slots: Vec::new(),
            joins: 0,
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.slots.iter().flatten().count()
    }

    /// There are few, so looking at each is the fastest way.
    pub(crate) fn find(&self, name: &str) -> Option<NamespaceId> {
        let mut slots = self.slots.iter().enumerate();
        slots.find_map(|(index, slot)| match slot {
            Some(namespace) if namespace.name == name => Some(NamespaceId {
                index: index as u32,
                join: namespace.join,
            }),
            _ => None,
        })
    }

    pub(crate) fn get(&self, id: NamespaceId) -> Option<&Namespace<A>> {
        let namespace = self.slots.get(id.index())?.as_ref()?;
        (namespace.join == id.join).then_some(namespace)
    }

    pub(crate) fn get_mut(&mut self, id: NamespaceId) -> Option<&mut Namespace<A>> {
        let namespace = self.slots.get_mut(id.index())?.as_mut()?;
        (namespace.join == id.join).then_some(namespace)
    }

    /// Those whose CONNECT is not answered yet.
    pub(crate) fn joining(&self) -> Vec<NamespaceId> {
        let slots = self.slots.iter().enumerate();
        slots
            .filter_map(|(index, slot)| match slot {
                Some(namespace) if !namespace.joined => Some(NamespaceId {
                    index: index as u32,
                    join: namespace.join,
                }),
                _ => None,
            })
            .collect()
    }

    pub(crate) fn insert(&mut self, name: &str) -> NamespaceId {
        let join = self.joins;
        self.joins = self.joins.wrapping_add(1);
        let namespace = Some(Namespace {
            name: owned_name(name),
            joined: false,
            join,
            acks: BTreeMap::new(),
        });
        let index = match self.slots.iter().position(Option::is_none) {
            Some(index) => {
                self.slots[index] = namespace;
                index
            }
            None => {
                // Most connections stay with one.
                self.slots.reserve_exact(1);
                self.slots.push(namespace);
                self.slots.len() - 1
            }
        };
        NamespaceId {
            index: index as u32,
            join,
        }
    }

    pub(crate) fn remove(&mut self, id: NamespaceId) -> Option<Namespace<A>> {
        self.get(id)?;
        let removed = self.slots[id.index()].take();
        if self.slots.iter().all(Option::is_none) {
            self.slots = Vec::new();
        }
        removed
    }

    /// Ids of awaited acknowledgements, in order.
    pub(crate) fn awaited(&self, id: NamespaceId) -> impl Iterator<Item = u64> {
        let acks = self.get(id).map(|namespace| namespace.acks.keys());
        acks.into_iter().flatten().copied()
    }

    /// Takes all awaited acknowledgements of all namespaces.
    pub(crate) fn drain_acks(&mut self) -> impl Iterator<Item = A> {
        self.slots
            .iter_mut()
            .flatten()
            .flat_map(|namespace| mem::take(&mut namespace.acks).into_values())
    }
}

impl<A> Namespace<A> {
    pub(crate) fn into_acks(self) -> Vec<A> {
        self.acks.into_values().collect()
    }

    /// Hands the ack back if the id is awaited already.
    pub(crate) fn register_ack(&mut self, id: u64, ack: A) -> Result<(), A> {
        match self.acks.entry(id) {
            Entry::Vacant(entry) => {
                entry.insert(ack);
                Ok(())
            }
            Entry::Occupied(_) => Err(ack),
        }
    }

    pub(crate) fn take_ack(&mut self, id: u64) -> Option<A> {
        let ack = self.acks.remove(&id);
        if self.acks.is_empty() {
            // An emptied tree would keep its last node.
            self.acks = BTreeMap::new();
        }
        ack
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_grows_with_use_and_goes_with_it() {
        let mut namespaces = Namespaces::<u8>::new();
        let root = namespaces.insert("/");
        assert_eq!(namespaces.slots.capacity(), 1);
        let chat = namespaces.insert("/chat");
        namespaces.remove(root).map(drop).expect("present");
        assert_eq!(namespaces.find("/chat"), Some(chat));
        namespaces.remove(chat).map(drop).expect("present");
        assert_eq!(namespaces.slots.capacity(), 0);
    }
}
