//! Puts what needs one another in order, or finds the circle. It knows nothing of what it orders.

use alloc::vec;
use alloc::vec::Vec;

/// Each after all that it needs, or a circle.
pub(super) fn in_order(count: usize, needs: impl Fn(usize) -> Vec<usize>) -> Result<Vec<usize>, Vec<usize>> {
    let needs: Vec<Vec<usize>> = (0..count).map(needs).collect();
    let mut done = vec![false; count];
    let mut order = Vec::with_capacity(count);
    while order.len() < count {
        let next = (0..count).find(|&i| !done[i] && needs[i].iter().all(|&n| done[n]));
        let Some(next) = next else {
            // Whoever is left needs somebody who is left: following them comes round.
            let mut at = (0..count).find(|&i| !done[i]).unwrap_or(0);
            let mut path = Vec::new();
            while !path.contains(&at) {
                path.push(at);
                at = needs[at].iter().copied().find(|&n| !done[n]).unwrap_or(at);
            }
            let start = path.iter().position(|&p| p == at).unwrap_or(0);
            let mut circle = path.split_off(start);
            circle.push(at);
            return Err(circle);
        };
        done[next] = true;
        order.push(next);
    }
    Ok(order)
}
