# Personal data of Chinese origin leaves China only on a mechanism that covers this request.
package access.rules

import data.lib.finding

recipient_abroad_findings := data.access.rules.recipient_abroad.table.findings

# Remote access from abroad is an export as much as sending is. A place is a country or one of its regions.
verdict["recipient_abroad"] := "ok" if {
	home := data.access.rules.recipient_abroad.table.country
	stored := split(input.request.processing_location, "-")
	stored[0] == home
	seen := split(input.user.accessing_from, "-")
	seen[0] == home
	input.request.recipient_overseas == false
} else := "ok" if {
	recipient_abroad_unbound(input)
} else := "ok" if {
	recipient_abroad_covered(input)
} else := recipient_abroad_causes(input)

# Where data was collected and whether it is still personal information decide, not who owns the recipient.
recipient_abroad_unbound(document) if {
	document.dataset.identifiability in data.access.rules.recipient_abroad.table.not_personal
} else if {
	count(document.dataset.origin) > 0
	every country in document.dataset.origin { country != data.access.rules.recipient_abroad.table.country }
}

recipient_abroad_stored_at_home(document) if {
	stored := split(document.request.processing_location, "-")
	stored[0] == data.access.rules.recipient_abroad.table.country
}

recipient_abroad_covered(document) if {
	export := document.approvals.export
	export.mechanism in data.access.rules.recipient_abroad.table.mechanisms[recipient_abroad_strictness(document)]
	export.dataset == document.dataset.id
	export.recipient == document.participant.id
	document.request.purpose.id in export.purposes
	export.valid_from <= document.context.now
	document.context.now < export.valid_to
}

# Critical infrastructure and important data: nothing but the assessment will do (XB-02, XB-03).
recipient_abroad_strictness(document) := "general" if {
	document.provider.ciio == false
	document.dataset.important_data == false
} else := "assessed"

recipient_abroad_causes(document) := {finding.made(recipient_abroad_findings.export)} | recipient_abroad_stored_abroad(document)

recipient_abroad_stored_abroad(document) := {finding.made(recipient_abroad_findings.stored_abroad) |
	document.request.mode in data.access.rules.recipient_abroad.table.kept_modes
	not recipient_abroad_stored_at_home(document)
}
