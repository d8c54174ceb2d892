# A foreign party uses human genetic resources only together with a Chinese body.
package access.rules

import data.lib.finding
import data.lib.foreign
import data.lib.genetic

genetic_partner_findings := data.access.rules.genetic_partner.table.findings

verdict["genetic_partner"] := "ok" if {
	genetic.free(input)
} else := "ok" if {
	genetic_partner_together(input)
} else := {finding.made(genetic_partner_findings.alone)}

# The provider is a party of the contract: it is the one that is worked with.
genetic_partner_together(document) if {
	foreign.provider_at_home(document)
	document.provider.kind in data.access.rules.genetic_partner.table.bodies
	some party in document.contract.parties
	party.id == document.provider.id
}
