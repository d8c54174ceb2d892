# Consents to supply personal information say so where it is seen or kept abroad, where consent is the basis.
package access.rules

import data.lib.finding

consent_for_abroad_findings := data.access.rules.consent_for_abroad.table.findings

verdict["consent_for_abroad"] := "ok" if {
	consent_for_abroad_stays(input)
} else := "ok" if {
	input.dataset.consent.overseas == true
} else := "ok" if {
	data.lib.personal.without_consent
} else := "ok" if {
	data.lib.personal.absent
} else := "ok" if {
	consent_for_abroad_elsewhere(input)
} else := {finding.made(consent_for_abroad_findings.overseas)}

# Kept, seen and received at home. A place is a country or one of its regions.
consent_for_abroad_stays(document) if {
	document.request.recipient_overseas == false
	home := data.access.rules.consent_for_abroad.table.country
	every place in [document.request.processing_location, document.user.accessing_from] {
		is_string(place)
		split(place, "-")[0] == home
	}
}

# Collected abroad, all of it.
consent_for_abroad_elsewhere(document) if {
	count(document.dataset.origin) > 0
	every country in document.dataset.origin { country != data.access.rules.consent_for_abroad.table.country }
}
