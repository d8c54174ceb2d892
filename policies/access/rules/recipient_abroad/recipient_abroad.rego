# Personal data of Chinese origin leaves China only on a mechanism that covers this request.
package access.rules

import data.lib.approval
import data.lib.finding

recipient_abroad_findings := data.access.rules.recipient_abroad.table.findings

verdict["recipient_abroad"] := "ok" if {
	data.lib.abroad.at_home
} else := "ok" if {
	data.lib.abroad.unbound
} else := "ok" if {
	recipient_abroad_few(input)
} else := "ok" if {
	recipient_abroad_covered(input)
} else := recipient_abroad_causes(input)

recipient_abroad_covered(document) if {
	mechanisms := data.access.rules.recipient_abroad.table.mechanisms[recipient_abroad_strictness(document)]
	some given in approval.covering("export", document)
	given.mechanism in mechanisms
}

# Critical infrastructure and important data: nothing but the assessment will do, however few they are (XB-02, XB-03).
recipient_abroad_ordinary(document) if {
	document.provider.ciio == false
	document.dataset.important_data == false
}

recipient_abroad_strictness(document) := "general" if {
	recipient_abroad_ordinary(document)
	recipient_abroad_below(data.access.rules.recipient_abroad.table.assessed_from)
} else := "assessed"

recipient_abroad_below(limits) if {
	data.lib.abroad.counted
	data.lib.abroad.sensitive < limits.sensitive
	data.lib.abroad.other < limits.other
}

# Below every threshold no mechanism is asked for. Sensitive data has none to be below: its first person counts.
recipient_abroad_few(document) if {
	recipient_abroad_ordinary(document)
	data.lib.personal.plain
	recipient_abroad_below(data.access.rules.recipient_abroad.table.mechanism_from)
}

recipient_abroad_causes(document) := recipient_abroad_uncovered(document) | recipient_abroad_stored_abroad(document)

# In some cases nothing is asked for, critical infrastructure included, and never for important data (XB-02, XB-08).
recipient_abroad_exempt(document) if {
	document.dataset.important_data == false
	some given in approval.covering("export", document)
	given.mechanism in data.access.rules.recipient_abroad.table.exemptions
}

# Of ordinary data it is the number of persons that asks for the assessment. The numbers are the provider's business.
recipient_abroad_uncovered(document) := {finding.made(recipient_abroad_findings.exempt)} if {
	recipient_abroad_exempt(document)
} else := {finding.made(recipient_abroad_findings.volume)} if {
	recipient_abroad_ordinary(document)
	data.lib.abroad.counted
	recipient_abroad_strictness(document) == "assessed"
} else := {finding.made(recipient_abroad_findings.export)}

recipient_abroad_stored_abroad(document) := {finding.made(recipient_abroad_findings.stored_abroad) |
	document.request.mode in data.access.rules.recipient_abroad.table.kept_modes
	not recipient_abroad_stored_at_home(document)
}

recipient_abroad_stored_at_home(document) if {
	is_string(document.request.processing_location)
	stored := split(document.request.processing_location, "-")
	stored[0] == data.lib.abroad.table.country
}
