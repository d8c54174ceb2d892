# The contract is active, in term, untouched, and signed by exactly its parties.
package access.rules

import data.lib.finding

verdict["contract_in_force"] := "ok" if {
	input.contract.status == "active"
	input.contract.digest_ok == true
	input.contract.valid_from <= input.context.now
	input.context.now < input.contract.valid_to
	contract_in_force_signed(input)
} else := contract_in_force_causes(input)

# At least two, all of them, nobody else, and no signature that failed.
contract_in_force_signed(document) if {
	parties := {party.id | some party in document.contract.parties}
	count(parties) > 1
	every signature in document.contract.signatures {
		signature.valid == true
		signature.party in parties
	}
	count({signature.party | some signature in document.contract.signatures}) == count(parties)
}

contract_in_force_causes(document) := ((contract_in_force_status(document) | contract_in_force_digest(document)) | contract_in_force_term(document)) | contract_in_force_signatures(document)

contract_in_force_status(document) := {contract_in_force_gen_02(
	"The contract is not active.",
	["contract.status"],
	"Sign a new contract with the provider, or have the suspension lifted.",
) |
	not document.contract.status == "active"
}

contract_in_force_digest(document) := {contract_in_force_gen_02(
	"The stored contract is not the one that was signed.",
	["contract.digest_ok"],
	"Tell the operator: the contract must be restored from the bytes that were signed.",
) |
	not document.contract.digest_ok == true
}

contract_in_force_term(document) := {contract_in_force_gen_02(
	"The contract's term has not begun or is over.",
	["context.now", "contract.valid_from", "contract.valid_to"],
	"Wait for the first day of the term, or renew the contract.",
) |
	not contract_in_force_in_term(document)
}

contract_in_force_in_term(document) if {
	document.contract.valid_from <= document.context.now
	document.context.now < document.contract.valid_to
}

contract_in_force_signatures(document) := {contract_in_force_gen_02(
	"The contract does not carry one valid signature of each party and of nobody else.",
	["contract.parties", "contract.signatures"],
	"Have every party sign the contract with a key that is in good standing.",
) |
	not contract_in_force_signed(document)
}

contract_in_force_gen_02(text, paths, remedy) := finding.deny("GEN-02", text, paths, "Ours: a contract is live and authentic", remedy)
