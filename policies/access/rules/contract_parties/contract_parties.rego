# The caller acts for the contract's consumer, and the data is of its provider.
package access.rules

import data.lib.finding

verdict["contract_parties"] := "ok" if {
	input.user.org_id == input.participant.id
	input.participant.id != input.provider.id

	# Exactly one party in each role: with two, it could not be told whose contract it is.
	[party.id | some party in input.contract.parties; party.role == "consumer"] == [input.participant.id]
	[party.id | some party in input.contract.parties; party.role == "provider"] == [input.provider.id]
} else := {finding.made(data.access.rules.contract_parties.table.findings.parties)}
