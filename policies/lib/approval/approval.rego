# METADATA
# description: What a committee or an authority has approved, and whether it covers this request. What is not stated is not covered.
package lib.approval

# An exemption is no approval.
ethics(document) if {
	given := document.approvals.ethics
	is_string(given.ref)
	given.ref != ""
	given.exempt == false
	document.dataset.id in given.datasets
	document.request.purpose.id in given.purposes
	is_number(given.valid_from)
	given.valid_from <= document.context.now
	document.context.now < given.valid_to
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
