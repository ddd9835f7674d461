//! What an order to many services is answered: the one answer that matters most, when the last of them has answered.

use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use super::answer;
use crate::effect::Effect;
use crate::engine::out::Out;
use crate::order::{Order, OrderId, Refused, Reply, Verb};
use crate::state::Many;

/// What is answered when these have come, in this order.
fn answered(replies: &[Reply]) -> Vec<Effect> {
    let order = Order { id: OrderId(1), who: Arc::from("ann"), from: None, service: None, verb: Verb::Pause };
    let mut many = vec![Many { order: order.clone(), left: replies.len(), worst: None }];
    let mut out = Out::new(Vec::new());
    for reply in replies {
        assert_eq!(out.effects, [], "before the last has answered");
        answer(&mut many, &order, reply.clone(), &mut out);
    }
    assert!(many.is_empty());
    out.effects
}

fn said(reply: Reply) -> Vec<Effect> {
    vec![Effect::Reply { order: OrderId(1), reply }]
}

#[test]
fn in_an_order_to_many_a_doubt_outweighs_what_is_done_and_a_refusal_outweighs_both() {
    use Reply::{Done, InDoubt, Queued, SoAlready};
    let no = || Reply::Refused(Refused::NoRecord);
    for done in [Done, Queued, SoAlready] {
        assert_eq!(answered(&[done.clone(), InDoubt]), said(InDoubt));
        assert_eq!(answered(&[InDoubt, done]), said(InDoubt));
    }
    assert_eq!(answered(&[InDoubt, no(), Done]), said(no()));
    assert_eq!(answered(&[no(), InDoubt]), said(no()));
    assert_eq!(answered(&[SoAlready, Done]), said(Done));
}
