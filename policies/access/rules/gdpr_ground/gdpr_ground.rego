# Personal data of European origin has a basis, and special categories of it a ground as well.
package access.rules

import data.lib.finding

gdpr_ground_findings := data.access.rules.gdpr_ground.table.findings

verdict["gdpr_ground"] := "ok" if {
	data.lib.europe.impersonal
} else := "ok" if {
	gdpr_ground_basis(input)
	gdpr_ground_special(input)
} else := gdpr_ground_baseless(input) | gdpr_ground_groundless(input)

gdpr_ground_basis(document) if document.dataset.consent.basis in data.access.rules.gdpr_ground.table.basis

# Consent to special categories is explicit: recorded as separate. Of no kinds at all, every one would be plain.
gdpr_ground_special(document) if {
	document.dataset.consent.basis in data.access.rules.gdpr_ground.table.special
} else if {
	document.dataset.consent.basis in data.access.rules.gdpr_ground.table.explicit
	document.dataset.consent.separate == true
} else if {
	count(document.dataset.contains) > 0
	every kind in document.dataset.contains { kind in data.access.rules.gdpr_ground.table.plain_kinds }
}

gdpr_ground_baseless(document) := {finding.made(gdpr_ground_findings.basis) |
	not gdpr_ground_basis(document)
}

gdpr_ground_groundless(document) := {finding.made(gdpr_ground_findings.special) |
	not gdpr_ground_special(document)
}
