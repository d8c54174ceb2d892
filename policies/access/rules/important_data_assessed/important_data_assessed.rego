# Important data is supplied after a risk assessment of the last year, and is computed on in place.
package access.rules

import data.lib.approval
import data.lib.finding

important_data_assessed_findings := data.access.rules.important_data_assessed.table.findings

cap["important_data_assessed"] := data.access.rules.important_data_assessed.table.cap if {
	not input.dataset.important_data == false
}

verdict["important_data_assessed"] := "ok" if {
	input.dataset.important_data == false
} else := "ok" if {
	important_data_assessed_lately(input)
	important_data_assessed_within(input)
} else := important_data_assessed_missing(input) | important_data_assessed_above(input)

# An assessment begins with the day it is dated.
important_data_assessed_lately(document) if {
	some given in approval.covering("risk_assessment", document)
	document.context.now <= given.valid_from + data.access.rules.important_data_assessed.table.assessment_age_s
}

important_data_assessed_within(document) if {
	is_string(document.request.mode)
	document.request.mode <= data.access.rules.important_data_assessed.table.cap
}

important_data_assessed_missing(document) := {finding.made(important_data_assessed_findings.unassessed) |
	not important_data_assessed_lately(document)
}

important_data_assessed_above(document) := {found |
	not important_data_assessed_within(document)
	cap := data.access.rules.important_data_assessed.table.cap
	found := finding.filled(important_data_assessed_findings.above, [cap])
}
