//! What is written reads back as it was; what is not understood as a whole is not understood at all.

use proptest::prelude::*;
use watchkeeper::coord::wire;
use watchkeeper::core::agree::Record;
use watchkeeper::core::ids::PolicyHash;

use super::any;
use crate::toy::{self, name};

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn records_read_back(record in any::record()) {
        let policy = toy::policy(0, 1);
        let text = wire::record_out(&record, &policy.services[0]).expect("written");
        prop_assert_eq!(wire::record_back(&text, &policy.services[0]), Ok(record));
    }

    #[test]
    fn votes_and_counters_read_back(vote in any::vote(), velocity in any::velocity()) {
        let policy = toy::policy(0, 1);
        let text = wire::vote_out(&vote, &policy.services[0]).expect("written");
        prop_assert!(!text.contains("cell"), "{}", text);
        prop_assert_eq!(wire::vote_back(&text, &policy.services[0]), Ok(vote));
        let text = wire::velocity_out(&velocity).expect("written");
        prop_assert_eq!(wire::velocity_back(&text), Ok(velocity));
    }

    #[test]
    fn entries_read_back(entry in any::entry()) {
        let policy = toy::policy(0, 1);
        let text = wire::entry_out(&entry, &policy.services[0]).expect("written");
        prop_assert_eq!(wire::entry_back(&text, &policy.services[0]), Ok(entry));
    }
}

#[test]
fn plans_read_back_and_only_whole_ones() {
    let policy = toy::policy(0, 1);
    let service = &policy.services[0];
    let plans: Vec<_> = service.plans[0].set.plans().collect();
    assert_eq!(plans.len(), 2);
    for plan in plans {
        let text = wire::plan_out(plan, service).expect("written");
        assert_eq!(wire::plan_back(&text, service).as_ref(), Ok(plan));
        assert!(text.contains("\"pg-"), "a secret is a reference");
        let bent = text.replacen("\"needs\":[]", "\"needs\":[7]", 1);
        assert!(bent != text && wire::plan_back(&bent, service).is_err(), "a step before what it needs");
    }
}

#[test]
fn what_is_not_known_is_refused() {
    let policy = toy::policy(0, 1);
    let service = &policy.services[0];
    let record = Record::at_rest(name("east"), watchkeeper::core::agree::Epoch(1));
    let text = wire::record_out(&record, service).expect("written");
    let newer = text.replacen("\"v\":1", "\"v\":2", 1);
    let why = wire::record_back(&newer, service).expect_err("newer").to_string();
    assert!(why.contains("version 2"), "{why}");
    let more = text.replacen("\"active\"", "\"colour\":1,\"active\"", 1);
    assert!(wire::record_back(&more, service).is_err(), "half understood is half lost");
    assert!(wire::record_back("{", service).is_err());
    let vote = format!(
        "{{\"v\":1,\"it\":{{\"hash\":\"{:032x}\",\"answers\":0,\"says\":[{{\"probe\":\"gone\",\"region\":null,\"say\":\"up\",\
         \"held\":1,\"reading\":null,\"fresh\":false}}]}}}}",
        7
    );
    let vote = wire::vote_back(&vote, service).expect("a vote of another policy");
    assert_eq!((vote.hash, vote.says.len()), (PolicyHash(7), 0), "what is not there is not spoken of");
}
