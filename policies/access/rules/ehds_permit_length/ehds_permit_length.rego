# A data permit is not longer than the law allows at once.
package access.rules

import data.lib.approval
import data.lib.finding

ehds_permit_length_findings := data.access.rules.ehds_permit_length.table.findings

verdict["ehds_permit_length"] := "ok" if {
	data.lib.europe.elsewhere
} else := "ok" if {
	ehds_permit_length_within(input)
} else := {finding.made(ehds_permit_length_findings.longer)}

# Ten years, counted in days: with three leap days in them, at most.
ehds_permit_length_within(document) if {
	some given in approval.covering("permit", document)
	given.valid_to - given.valid_from <= data.access.rules.ehds_permit_length.table.permit_length_s
}
