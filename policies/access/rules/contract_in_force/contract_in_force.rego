# The contract is active, in term, untouched, and signed by exactly its parties.
package access.rules

import data.lib.finding

contract_in_force_findings := data.access.rules.contract_in_force.table.findings

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

contract_in_force_causes(document) := first | second if {
	first := contract_in_force_status(document) | contract_in_force_digest(document)
	second := contract_in_force_term(document) | contract_in_force_signatures(document)
}

contract_in_force_status(document) := {finding.made(contract_in_force_findings.status) |
	not document.contract.status == "active"
}

contract_in_force_digest(document) := {finding.made(contract_in_force_findings.digest) |
	not document.contract.digest_ok == true
}

contract_in_force_term(document) := {finding.made(contract_in_force_findings.term) |
	not contract_in_force_in_term(document)
}

contract_in_force_in_term(document) if {
	document.contract.valid_from <= document.context.now
	document.context.now < document.contract.valid_to
}

contract_in_force_signatures(document) := {finding.made(contract_in_force_findings.signatures) |
	not contract_in_force_signed(document)
}
