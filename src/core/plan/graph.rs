//! Which step waits for which: a small graph over places in a list, with ancestors as sets of bits.
//!
//! It knows no step, only numbers below [`MOST_STEPS`]; whatever it is given, each of its functions ends.

use super::MOST_STEPS;
use alloc::vec;
use alloc::vec::Vec;

/// Needs of each node.
#[derive(Clone, Debug)]
pub(super) struct Graph(Vec<Nodes>);

const WORDS: usize = MOST_STEPS.div_ceil(64);

/// A set of nodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Nodes([u64; WORDS]);

impl Nodes {
    pub(super) fn has(self, node: usize) -> bool {
        self.0.get(node / 64).is_some_and(|word| word >> (node % 64) & 1 == 1)
    }

    /// From the lowest up.
    pub(super) fn iter(self) -> impl Iterator<Item = usize> {
        self.0.into_iter().enumerate().flat_map(|(i, mut word)| {
            core::iter::from_fn(move || {
                let bit = word.trailing_zeros() as usize;
                word &= word.wrapping_sub(1);
                (bit < 64).then_some(i * 64 + bit)
            })
        })
    }

    fn all(nodes: usize) -> Nodes {
        let mut all = Nodes::default();
        (0..nodes).for_each(|node| all.add(node));
        all
    }

    fn add(&mut self, node: usize) {
        if let Some(word) = self.0.get_mut(node / 64) {
            *word |= 1 << (node % 64);
        }
    }

    fn remove(&mut self, node: usize) {
        if let Some(word) = self.0.get_mut(node / 64) {
            *word &= !(1 << (node % 64));
        }
    }

    fn join(&mut self, other: Nodes) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine |= theirs;
        }
    }

    fn common(mut self, other: Nodes) -> Nodes {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine &= theirs;
        }
        self
    }

    fn is_empty(self) -> bool {
        self == Nodes::default()
    }
}

impl Graph {
    /// So many nodes that need nothing; any above the limit do not exist.
    pub(super) fn new(nodes: usize) -> Graph {
        Graph(vec![Nodes::default(); nodes.min(MOST_STEPS)])
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// `node` needs `need`; a node or need that does not exist changes nothing.
    pub(super) fn add(&mut self, node: usize, need: usize) {
        if need < self.len()
            && let Some(needs) = self.0.get_mut(node)
        {
            needs.add(need);
        }
    }

    /// What a node needs itself.
    pub(super) fn needs(&self, node: usize) -> Nodes {
        self.0.get(node).copied().unwrap_or_default()
    }

    /// All that each node needs, itself or through others; with a cycle, a node on it is among its own.
    pub(super) fn ancestors(&self) -> Vec<Nodes> {
        let mut above = vec![Nodes::default(); self.len()];
        let order: Vec<usize> = match self.depths() {
            Ok(depths) => {
                let mut order: Vec<usize> = (0..self.len()).collect();
                order.sort_by_key(|&node| depths.get(node).copied());
                order
            }
            Err(_) => (0..self.len()).collect(),
        };
        // In topological order the second round finds nothing new; on a cycle it takes at most a round a node.
        loop {
            let mut grown = false;
            for &node in &order {
                let mut all = above.get(node).copied().unwrap_or_default();
                let before = all;
                for need in self.needs(node).iter() {
                    all.add(need);
                    all.join(above.get(need).copied().unwrap_or_default());
                }
                if all != before
                    && let Some(mine) = above.get_mut(node)
                {
                    *mine = all;
                    grown = true;
                }
            }
            if !grown {
                return above;
            }
        }
    }

    /// How many steps lie on the longest way to each node; or the nodes that wait, at the last, for themselves.
    pub(super) fn depths(&self) -> Result<Vec<usize>, Nodes> {
        let mut depths = vec![0; self.len()];
        let mut left = Nodes::all(self.len());
        for depth in 0.. {
            let before = left;
            for node in before.iter().filter(|&node| self.needs(node).common(before).is_empty()) {
                // What became ready in this round needs something of the round before.
                if let Some(mine) = depths.get_mut(node) {
                    *mine = depth;
                }
                left.remove(node);
            }
            if left == before {
                break;
            }
        }
        if left.is_empty() { Ok(depths) } else { Err(left) }
    }

    /// Cycles, none of which shares a node with another, until none is left; each as a way of needs.
    pub(super) fn cycles(&self) -> Vec<Vec<usize>> {
        let mut rest = self.clone();
        let mut cycles = Vec::new();
        while let Err(stuck) = rest.depths() {
            let Some(start) = stuck.iter().next() else { break };
            let mut way = vec![start];
            // Each stuck node needs another stuck one, so the way comes back to itself within as many paces.
            let cycle = loop {
                let next = way.last().and_then(|&last| rest.needs(last).common(stuck).iter().next());
                let Some(next) = next else { break Vec::new() };
                match way.iter().position(|&node| node == next) {
                    Some(at) => break way.split_off(at),
                    None => way.push(next),
                }
            };
            if cycle.is_empty() {
                break;
            }
            for &node in &cycle {
                if let Some(needs) = rest.0.get_mut(node) {
                    *needs = Nodes::default();
                }
            }
            cycles.push(cycle);
        }
        cycles
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;
    use proptest::prelude::*;

    fn graph(nodes: usize, needs: &[(usize, usize)]) -> Graph {
        let mut graph = Graph::new(nodes);
        needs.iter().for_each(|&(node, need)| graph.add(node, need));
        graph
    }

    #[test]
    fn depth_is_the_longest_way() {
        let graph = graph(4, &[(1, 0), (2, 1), (3, 0), (3, 2), (9, 1), (1, 9)]);
        assert_eq!(graph.depths(), Ok(vec![0, 1, 2, 3]));
        assert!(graph.cycles().is_empty());
        assert!(graph.ancestors()[3].has(0));
        assert!(!graph.ancestors()[0].has(3));
    }

    #[test]
    fn each_cycle_is_found_as_a_way() {
        let graph = graph(6, &[(0, 1), (1, 2), (2, 0), (3, 3), (4, 0), (5, 4)]);
        assert_eq!(graph.cycles(), [vec![0, 1, 2], vec![3]]);
        assert_eq!(graph.depths(), Err(Nodes::all(6)));
        assert!(graph.ancestors()[0].has(0));
        assert!(graph.ancestors()[5].has(2));
    }

    proptest! {
        #[test]
        fn ancestors_are_what_a_search_finds(needs in prop::collection::vec((0usize..12, 0usize..12), 0..40)) {
            let graph = graph(12, &needs);
            let above = graph.ancestors();
            for (node, mine) in above.iter().enumerate() {
                let (mut seen, mut open) = (BTreeSet::new(), vec![node]);
                while let Some(at) = open.pop() {
                    open.extend(graph.needs(at).iter().filter(|&need| seen.insert(need)));
                }
                prop_assert!((0..12).all(|other| mine.has(other) == seen.contains(&other)));
            }
            let cyclic = above.iter().enumerate().any(|(node, mine)| mine.has(node));
            prop_assert_eq!(cyclic, graph.depths().is_err());
            prop_assert_eq!(cyclic, !graph.cycles().is_empty());
            for cycle in graph.cycles() {
                for (i, &node) in cycle.iter().enumerate() {
                    prop_assert!(graph.needs(node).has(cycle[(i + 1) % cycle.len()]));
                }
            }
        }
    }
}
