# What a purpose is for limits how it is pursued: counts, public bodies, anonymised data, a named disease.
package access.rules

import data.lib.approval
import data.lib.finding

purpose_conditions_findings := data.access.rules.purpose_conditions.table.findings

verdict["purpose_conditions"] := "ok" if {
	is_string(input.request.purpose.id)
	rows := object.get(data.access.rules.purpose_conditions.table.conditions, input.request.purpose.id, [])
	every row in rows { purpose_conditions_met(input, row) }
} else := purpose_conditions_causes(input)

purpose_conditions_met(document, row) if {
	object.get(document, row.path, null) in row.allowed
} else if {
	row.filled == true
	stated := object.get(document, row.path, null)
	is_array(stated)
	count(stated) > 0
} else if {
	approval.decided(document, purpose_conditions_findings[row.finding])
}

purpose_conditions_causes(document) := {finding.made(purpose_conditions_findings[row.finding]) |
	some row in data.access.rules.purpose_conditions.table.conditions[document.request.purpose.id]
	not purpose_conditions_met(document, row)
} if {
	is_string(document.request.purpose.id)
} else := {finding.made(purpose_conditions_findings.unstated)}
