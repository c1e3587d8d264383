//! Runs every model, each as a test of its own.

/// One test for each model, by module.
macro_rules! models {
    ($($module:ident { $($model:ident)* })*) => {
        $(mod $module {
            $(#[test]
            fn $model() {
                loom_models::models::$module::$model();
            })*
        })*
    };
}

models! {
    acks {
        a_call_meets_a_client_that_leaves
        a_caller_that_gives_up_leaves_nothing_behind
        a_caller_that_gives_up_meets_the_answer
        a_caller_that_gives_up_meets_the_end
        a_caller_that_waits_is_told_of_the_end
    }
    baton {
        a_turn_that_comes_back_is_done_behind_those_before_it
        what_is_decided_is_done_once_and_in_that_order
        who_has_waited_for_nothing_wakes_the_next
        who_waits_for_room_comes_in_its_turn
    }
    forms {
        sessions_that_poll_at_once_share_one_form
        sessions_of_an_older_revision_share_one_form
        sessions_without_bytes_share_one_form
    }
    gate {
        a_call_meets_the_end_of_a_client_that_was_not_let_in
        a_call_meets_the_end_of_the_session
        a_call_meets_the_farewell
        a_client_is_sent_away_twice_while_it_is_let_in
        a_client_is_sent_away_while_it_is_let_in
        a_room_that_is_left_meanwhile_is_not_entered
        nothing_is_sent_behind_the_farewell
        nothing_of_others_runs_under_the_lock_of_the_gate
        nothing_volatile_is_sent_before_the_welcome
        nothing_volatile_is_sent_behind_the_farewell
        of_two_farewells_one_is_sent
        what_meets_a_client_that_leaves_goes_nowhere
        what_was_kept_leaves_behind_the_welcome_and_before_what_passes
    }
    outbox {
        a_delivery_reaches_a_task_whose_queue_overflows
        a_producer_that_waits_for_room_is_told_of_it_or_of_the_end
        a_task_that_runs_is_not_woken
        an_overflow_wakes_the_task_and_drops_what_was_queued
        closing_does_not_undo_the_end
        deliveries_wake_the_task_as_entries_do
        entries_of_two_producers_reach_a_task_that_sleeps
        nothing_of_others_runs_under_the_lock
        one_volatile_entry_leaves_between_two_looks
        the_end_takes_drops_or_refuses_and_keeps_nothing
        what_is_not_taken_is_dropped_and_counted
        what_was_accepted_before_close_is_taken_before_the_task_is_told
    }
}
