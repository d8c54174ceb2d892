# METADATA
# description: |
#   What people and authorities have decided, as far as it holds now and covers this request. What is not stated is not
#   covered. A committee's decision stands in for nothing but the codes it names. Rules say what they find without
#   looking at it; `access.decision` does, where a rule refers: it never lifts a denial.
package lib.approval

# From its first second to the one before its end. A null is less than any number: both times must be numbers first.
in_term(given, document) if {
	is_number(given.valid_from)
	is_number(given.valid_to)
	given.valid_from <= document.context.now
	document.context.now < given.valid_to
}

# It names this dataset, this recipient and this purpose. Ids are texts first: a list of nulls covers nothing.
covers(given, document) if {
	is_string(given.ref)
	given.ref != ""
	is_string(document.dataset.id)
	document.dataset.id in given.datasets
	is_string(document.participant.id)
	document.participant.id in given.recipients
	is_string(document.request.purpose.id)
	document.request.purpose.id in given.purposes
	in_term(given, document)
}

# Approvals of a kind that cover this request.
covering(kind, document) := [given |
	is_array(document.approvals[kind])
	some given in document.approvals[kind]
	covers(given, document)
]

# An exemption is no approval.
ethics(document) if {
	some given in covering("ethics", document)
	given.exempt == false
}

# Approvals of human genetic resources, of these kinds.
genetic(document, kinds) := [given |
	some given in covering("hgr", document)
	given.kind in kinds
]

decided(document, entry) if {
	entry.effect == "refer"
	some given in covering("committee", document)
	entry.code in given.rules
	as_asked(given, document)
}

# A committee decides on what it was asked: this contract, this way of using the data, no further columns.
as_asked(given, document) if {
	is_string(document.contract.id)
	given.contract == document.contract.id
	document.request.action in given.actions
	document.request.mode in given.modes
	as_used(given.use, document.request)
	columns := given.columns
	every place in ["columns", "group_by", "filter_columns"] {
		every name in document.request[place] { name in columns }
	}
}

# What the request says of itself is what the committee was shown, all of it. Without a filter it saw every row, and a
# filter shows fewer; with one, it decided on that one.
as_used(use, request) if {
	use.purpose == request.purpose
	use.months == request.months
	use.accepts == request.accepts
	use.collaboration_ref == request.collaboration_ref
	use.project == request.project
	use.research_types == request.research_types
	as_filtered(use, request)
}

as_filtered(use, request) if {
	use.filter_digest in {null, request.filter_digest}
}
