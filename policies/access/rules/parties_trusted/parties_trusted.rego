# Both sides are identified, neither is blocked, and the data's origin is stated.
package access.rules

import data.lib.finding

parties_trusted_findings := data.access.rules.parties_trusted.table.findings

verdict["parties_trusted"] := "ok" if {
	input.participant.identity_verified == true
	input.provider.identity_verified == true
	input.participant.blocked == false
	input.provider.blocked == false
	parties_trusted_stated(input)
} else := parties_trusted_causes(input)

parties_trusted_causes(document) := first | second if {
	first := parties_trusted_unverified(document) | parties_trusted_unstated(document)
	second := parties_trusted_blocked(document)
}

parties_trusted_unverified(document) := {finding.made(parties_trusted_findings.unverified) |
	not parties_trusted_both(document, "identity_verified", true)
}

parties_trusted_unstated(document) := {finding.made(parties_trusted_findings.unstated) |
	not parties_trusted_stated(document)
}

parties_trusted_stated(document) if {
	is_string(document.dataset.provenance_statement)
	document.dataset.provenance_statement != ""
}

parties_trusted_blocked(document) := {finding.made(parties_trusted_findings.blocked) |
	not parties_trusted_both(document, "blocked", false)
}

parties_trusted_both(document, fact, value) if {
	document.participant[fact] == value
	document.provider[fact] == value
}
