# The caller acts for the contract's consumer, and the data is of its provider.
package access.rules

import data.lib.finding

verdict["contract_parties"] := "ok" if {
	input.user.org_id == input.participant.id
	input.participant.id != input.provider.id
	contract_parties_hold("consumer", input.participant.id)
	contract_parties_hold("provider", input.provider.id)
} else := {finding.deny(
	"GEN-03",
	"The caller is not the contract's consumer, or the dataset's provider is not its provider.",
	["participant.id", "user.org_id", "provider.id", "contract.parties"],
	"NDSR 12",
	"Ask under a contract to which your own organisation is the consumer.",
)}

# Exactly one party in each role: with two, it could not be told whose contract it is.
contract_parties_hold(role, id) if {
	[party.id | some party in input.contract.parties; party.role == role] == [id]
}
