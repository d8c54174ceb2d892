# METADATA
# description: |
#   What people and authorities have decided, as far as it holds now and covers this request. What is not stated is not
#   covered. A committee's decision stands in for nothing but the codes it names, and rules ask for it only where they
#   would refer: it never lifts a denial.
package lib.approval

# From its first second to the one before its end. A null is less than any number: both times must be numbers first.
in_term(given, document) if {
	is_number(given.valid_from)
	is_number(given.valid_to)
	given.valid_from <= document.context.now
	document.context.now < given.valid_to
}

decided(document, entry) if {
	entry.effect == "refer"
	entry.code in document.approvals.committee.rules
	in_term(document.approvals.committee, document)
}

# An exemption is no approval.
ethics(document) if {
	given := document.approvals.ethics
	is_string(given.ref)
	given.ref != ""
	given.exempt == false
	document.dataset.id in given.datasets
	document.request.purpose.id in given.purposes
	in_term(given, document)
}

# Approvals of these kinds that name this party and this dataset.
genetic(document, kinds) := [given |
	some given in document.approvals.hgr
	given.kind in kinds
	is_string(given.ref)
	given.ref != ""
	given.party == document.participant.id
	given.dataset == document.dataset.id
]
