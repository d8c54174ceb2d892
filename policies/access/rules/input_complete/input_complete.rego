# Everything the other rules compare is there, and of the kind they compare.
package access.rules

import data.lib.finding

# Two nulls are equal in Rego and a text is greater than any number: the other rules may only compare
# what has been found here to be of its kind. Written out, because a loop over the table takes five times as long.
verdict["input_complete"] := "ok" if {
	is_number(input.context.now)
	is_string(input.participant.id)
	is_string(input.provider.id)
	is_string(input.dataset.id)
	is_string(input.dataset.version)
	is_string(input.dataset.identifiability)
	is_number(input.dataset.source_level)
	is_array(input.dataset.columns)
	is_number(input.contract.valid_from)
	is_number(input.contract.valid_to)
	is_string(input.request.mode)
	is_array(input.request.columns)
	is_array(input.request.group_by)
	is_array(input.request.filter_columns)
	is_array(input.request.purpose.flags)
	is_array(input.request.purpose.disease_terms)
} else := {found |
	some place in data.access.rules.input_complete.table.places
	type_name(object.get(input, place.path, null)) != place.type
	found := finding.filled(data.access.rules.input_complete.table.findings.missing, [place.type, concat(".", place.path)])
}
