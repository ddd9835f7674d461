//! Runs every script in this folder: what an SRE would tell of a night, and what Watchkeeper must make of it.
//!
//! A script (`*.txt`) declares a policy, lets things happen in virtual time, and says what is expected; the whole
//! story with every event and explanation is a snapshot beside it. The words are those of DESIGN and CONFIG. A script
//! that is not listed here fails, and so does a word that nobody understands.

mod acting;
mod acting_statement;
mod coordinator;
mod drive;
mod expect;
mod expect_acting;
mod observer;
mod orders;
mod plans;
mod policy;
mod providers;
mod record;
mod script;
mod service;
mod statement;
mod told;
mod told_acting;
mod words;
mod world;

use std::collections::BTreeSet;
use std::sync::OnceLock;

use drive::Delivery;
use script::{Story, play};
use watchkeeper_core::decide::Gate;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/scenarios");

macro_rules! scripts {
    ($($name:ident)*) => {
        const SCRIPTS: &[(&str, &str)] = &[$((stringify!($name), include_str!(concat!(stringify!($name), ".txt")))),*];
        mod each {
            $(#[test] fn $name() {
                super::tell(stringify!($name), include_str!(concat!(stringify!($name), ".txt")));
            })*
        }
    };
}

scripts! {
    a_journal_that_is_gone
    a_journal_written_by_hand
    a_liar_cannot_prevent
    a_liar_cannot_start
    a_note_is_durable
    a_parent_fails
    a_pause_of_a_person_stays
    a_pause_that_ends
    a_probe_that_is_gone
    a_vote_from_a_stranger
    a_wedged_prober
    abort_after_the_commit_point
    abort_at_the_last_moment
    abort_before_the_commit_point
    abort_of_an_exposure
    abort_while_the_holder_dies
    abort_while_unknown
    acknowledged_elsewhere
    acts_answer_after_the_watch
    acts_coordinator_lost
    acts_dead_region
    acts_frozen_holder
    acts_late_promotion
    acts_lease_runs_out
    acts_lost_answers
    acts_takeover_during_a_call
    acts_takeover_during_a_commit
    again
    all_services_at_once
    another_config
    another_config_in_mid_request
    answers_in_vain
    approval_names_what_was_shown
    approval_told_again
    approval_too_late
    blind_active_region
    clear_in_mid_run
    components_mask_their_dependents
    config_without_a_service
    cooldown_and_acknowledge
    coordinator_lost_in_mid_run
    data_loss_shown_and_approved
    dead_region_fails_over
    debt_that_cannot_be_paid
    degraded_or_down
    dependency_not_seen_well_yet
    disk_full
    disk_full_and_nobody_else
    drift_and_adopt
    drift_unseen
    drill_ended_by_live
    drills
    effect_is_not_there
    errors_that_come_and_go
    evacuation
    evacuation_in_the_way
    evacuation_over_a_request
    everything_down
    exposure_in_mid_run
    exposure_shown_and_approved
    failback_approved
    failback_automatic
    failback_vetoed
    first_record_by_sight
    no_first_record_of_the_unseen
    first_record_not_by_sight
    flapping_is_damped
    foreign_world
    freeze_and_thaw
    gate_approval_and_veto
    gate_at_most
    gate_candidate
    gate_claim
    gate_claim_witness
    gate_cooldown
    gate_data_loss
    gate_dependency
    gate_drift
    gate_fence_and_dead_region
    gate_mode
    gate_paused_and_maintenance
    gate_quarantine
    gate_quorum
    gate_quorum_narrow
    gate_record
    gate_requires_and_inputs
    gate_run_and_parallel
    gate_self_trust
    gate_velocity
    holder_is_cut_off
    holder_reaches_no_provider
    inputs_given
    ladder_category_climbs
    ladder_level_climbs
    ladder_priority_climbs
    lone_observer
    maintenance_and_a_start
    not_gone_while_a_local_probe_is_up
    objectives
    obligation
    on_failure_continue
    on_failure_stop_and_retry
    on_failure_undo
    once_and_armed_again
    one_run_at_a_time
    order_after_a_death
    order_and_its_gates
    order_and_more_gates
    order_at_the_wrong_observer
    order_failover_planned
    order_in_doubt
    order_is_not_what_was_shown
    order_lost_with_its_holder
    order_over_a_drill
    order_too_many
    order_while_shutting_down
    order_without_a_record
    orders_that_wait_too_long
    own_rungs
    own_uplink_dead
    own_uplink_heals_in_mid_streak
    partition_of_43_seconds
    pause_against_a_start
    pause_in_mid_run
    people_in_a_run
    phases_missed
    preview_and_inspect
    promotion_that_is_not_there_any_more
    read_in_doubt_at_a_lost_claim
    region_dies_in_mid_failback
    region_gone_local_probes_silent
    region_lost
    rejoin_and_quarantine
    rejoin_fails
    rejoin_only_what_was_left
    reload_in_mid_run
    reload_keeps_history
    reload_refused
    repair_did_not_help
    repair_helped
    restart_in_mid_incident
    restart_in_mid_run
    restored_answers_of_before
    run_of_a_failover_asks
    standby_evidence_is_too_old
    standby_side
    standby_still_hears_the_primary
    standby_was_right_to_take_no_writes
    supersession
    supersession_of_a_held_repair
    take_and_give_up_unknown
    take_over_while_held
    take_over_while_people_are_asked
    take_over_while_undoing
    target_not_writable
    the_clock_jumps
    the_event_loop_stalls
    three_failures
    three_regions
    traffic_gate_and_pause
    tried_and_refused
    trouble_again_after_hand_over
    two_hold_kind
    two_hold_name
    two_hold_over
    two_hold_severity
    undo_fails
    velocity
    veto
    veto_outlasts_an_ask
    vote_of_a_session_let_go
    what_it_depends_on_moves_first
    witness_never_holds
    witness_without_a_lag
    words_to_steps
}

#[track_caller]
fn tell(name: &str, text: &str) {
    let story = play(text, Delivery::Once).unwrap_or_else(|why| panic!("{name}.txt: {why}"));
    let mut settings = insta::Settings::new();
    settings.set_snapshot_path(format!("{FOLDER}/snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, story.text));
}

#[test]
fn every_script_in_the_folder_is_run() {
    let files = std::fs::read_dir(FOLDER).expect("the folder is readable");
    let names = files.map(|file| file.expect("readable").file_name().to_string_lossy().into_owned());
    let there: BTreeSet<String> =
        names.filter_map(|name| name.strip_suffix(".txt").map(str::to_owned)).collect();
    let run: BTreeSet<String> = SCRIPTS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(there, run, "name each script in `scripts!`");
    assert!(run.len() >= 150, "{} scripts", run.len());
}

/// Every story, told once for all tests that ask about all of them.
fn told_once() -> &'static [Story] {
    static STORIES: OnceLock<Vec<Story>> = OnceLock::new();
    let told = |(name, text): &(&str, &str)| {
        play(text, Delivery::Once).unwrap_or_else(|why| panic!("{name}.txt: {why}"))
    };
    STORIES.get_or_init(|| SCRIPTS.iter().map(told).collect())
}

#[test]
fn every_gate_blocks_somewhere() {
    let mut blocked = BTreeSet::new();
    told_once().iter().for_each(|story| blocked.extend(story.blocked.iter().copied()));
    let never: Vec<&str> =
        Gate::ALL.iter().map(|gate| gate.word()).filter(|gate| !blocked.contains(gate)).collect();
    assert!(never.is_empty(), "no script shows these gates refusing: {}", never.join(", "));
}

/// Each reason for which an order is refused, as it is told, is told in some story.
#[test]
fn every_refusal_is_told_somewhere() {
    const REFUSALS: &[&str] = &[
        "no coordinator is in reach",
        "holds the claim",
        "nobody holds the claim",
        "too many orders wait",
        "the daemon is shutting down",
        "there is no such service",
        "which service?",
        "there is no region",
        "there is no such plan",
        "which plan?",
        "there is no trigger",
        "there is no such run",
        "nothing is asked",
        "there is no record",
        "is under way",
        "it is there already",
        "there is no way home",
        "it is not quarantined",
        "blocked by",
        "not what was shown",
        "overtaken",
        "settling",
        "final",
        "only what is held",
        "it is being stopped",
        "it has not begun",
        "there is no such step",
        "it asks nobody now",
        "what was approved is not what would be done",
    ];
    let mut left: BTreeSet<&str> = REFUSALS.iter().copied().collect();
    for story in told_once() {
        for line in story.text.lines().filter(|line| line.contains("is told: no: ")) {
            left.retain(|why| !line.contains(why));
        }
    }
    assert!(left.is_empty(), "no script shows an order refused since: {left:?}");
}

/// The coordinator, the network and whoever is called may tell everything twice, and again when it is old.
#[test]
fn what_comes_again_or_late_changes_nothing() {
    let lasting = |text: &str| {
        let lines = text.lines().filter(|line| !line.contains("* refused: "));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    for ((name, text), once) in SCRIPTS.iter().zip(told_once()) {
        let again = play(text, Delivery::AgainAndLate).unwrap_or_else(|why| panic!("{name}.txt: {why}"));
        assert_eq!(lasting(&once.text), lasting(&again.text), "{name}.txt");
    }
}

mod refuses {
    //! What a script must not get away with.

    use super::{Delivery, play};

    const HEAD: &str = "# A shop in two regions that nothing ever happens to; it only shows what is refused.\n\
        me here\nobserver here in office\nservice shop in us-east-1, us-west-2\nprobe api\n";

    fn refused(script: &str, why: &str) {
        let said = play(&format!("{HEAD}{script}"), Delivery::Once).err().unwrap_or_default();
        assert!(said.contains(why), "{script}\nshould say: {why}\nsaid: {said}");
    }

    #[test]
    fn a_script_that_proves_nothing() {
        refused("at 1m record active us-east-1\n", "without `expect`");
        refused("", "nothing ever happens");
        let untold = play("me here\nobserver here in office\nat 1m expect trusted\n", Delivery::Once);
        assert!(untold.is_err_and(|why| why.contains("tell its story")));
    }

    #[test]
    fn a_word_that_nobody_understands() {
        refused("at 1m api in us-east-1 explodes\n", "`explodes` is nothing that a target does");
        refused("at 1m api in us-east-1 fails twice\n", "`twice` is not understood here");
        refused("at 1m api in mars fails\n", "neither a statement nor a probe in `mars`");
        refused("at 1m expect luck\n", "`luck` cannot be expected");
        refused("at 1m expect stands tall in us-east-1\n", "`tall` is no standing");
        refused("at 1m expect probe api in us-east-1 dead\n", "`dead` is no health");
        refused("probe web shape round\nat 1m expect trusted\n", "`shape` is no key of a probe");
        refused("at 1m expect trusted\nat 30s expect trusted\n", "it is 1:00 already");
    }

    #[test]
    fn an_expectation_that_does_not_come_true() {
        refused("at 1m expect isolated\n", "it trusts itself");
        refused("at 1m expect incident open l2\n", "none");
        refused("at 1m expect would start move from us-east-1 to us-west-2\n", "nothing");
    }
}
