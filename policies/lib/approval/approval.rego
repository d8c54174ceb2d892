# METADATA
# description: |
#   What has been decided by people, as far as it holds now. A committee's decision stands in for nothing but the codes
#   it names, and rules ask for it only where they would refer: it never lifts a denial.
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
