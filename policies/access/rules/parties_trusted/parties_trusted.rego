# Both sides are identified, neither is blocked, and the data's origin is stated.
package access.rules

import data.lib.finding

verdict["parties_trusted"] := "ok" if {
	input.participant.identity_verified == true
	input.provider.identity_verified == true
	input.participant.blocked == false
	input.provider.blocked == false
	is_string(input.dataset.provenance_statement)
} else := parties_trusted_causes(input)

parties_trusted_causes(document) := (parties_trusted_unverified(document) | parties_trusted_unstated(document)) | parties_trusted_blocked(document)

parties_trusted_unverified(document) := {finding.deny(
	"GEN-05",
	"The identity of one of the two organisations has not been verified.",
	["participant.identity_verified", "provider.identity_verified"],
	"DSL 33",
	"Complete identity verification with the operator.",
) |
	not parties_trusted_both(document, "identity_verified", true)
}

parties_trusted_unstated(document) := {finding.deny(
	"GEN-05",
	"The provider has not stated where the data comes from.",
	["dataset.provenance_statement"],
	"DSL 33",
	"The provider files a source statement.",
) |
	not is_string(object.get(document, ["dataset", "provenance_statement"], null))
}

parties_trusted_blocked(document) := {finding.deny(
	"GEN-08",
	"One of the two organisations is blocked.",
	["participant.blocked", "provider.blocked"],
	"Ours: blocked parties get nothing",
	"Only the operator can lift a block.",
) |
	not parties_trusted_both(document, "blocked", false)
}

parties_trusted_both(document, fact, value) if {
	document.participant[fact] == value
	document.provider[fact] == value
}
