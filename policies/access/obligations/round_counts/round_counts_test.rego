package access.obligations_test.round_counts_test

import data.access.obligations
import data.lib.valid_test as valid

on := {"digest": "sha256:00", "rules": ["contract_action", "sdc_few_persons"], "obligations": ["round_counts"]}

off := object.union(on, {"rules": ["contract_action"]})

owed(action, bundle) := demands if demands := obligations.owed.round_counts
	with input as valid.changed("/request/action", action)
	with data.bundle as bundle

test_a_count_is_told_in_round_numbers if owed("aggregate", on) == {{"kind": "round_counts", "base": 5}}

test_rows_are_not_counts if owed("read", on) == set()

test_nothing_is_owed_while_disclosure_control_is_off if owed("aggregate", off) == set()
