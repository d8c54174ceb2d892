# What a purpose is for limits how it is pursued: counts, public bodies, anonymised data, a named disease.
package access.rules

import data.lib.finding

purpose_conditions_findings := data.access.rules.purpose_conditions.table.findings

verdict["purpose_conditions"] := "ok" if {
	is_string(input.request.purpose.id)
	not data.access.rules.purpose_conditions.table.conditions[input.request.purpose.id]
} else := "ok" if {
	purpose_conditions_met(input, data.access.rules.purpose_conditions.table.conditions[input.request.purpose.id])
} else := {finding.made(purpose_conditions_findings[row.finding])} if {
	row := data.access.rules.purpose_conditions.table.conditions[input.request.purpose.id]
} else := {finding.made(purpose_conditions_findings.unstated)}

purpose_conditions_met(document, row) if {
	object.get(document, row.path, null) in row.allowed
} else if {
	row.filled == true
	stated := object.get(document, row.path, null)
	is_array(stated)
	count(stated) > 0
}
