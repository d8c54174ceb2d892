# The data is kept no longer than the dataset's time limit.
package access.rules

import data.lib.duo
import data.lib.finding

duo_time_limit_findings := data.access.rules.duo_time_limit.table.findings

verdict["duo_time_limit"] := "ok" if {
	codes := data.lib.duo.codes
	term := data.access.rules.duo_time_limit.table.term
	not term in codes
} else := "ok" if {
	duo_time_limit_within(input)
} else := {finding.made(duo_time_limit_findings.longer)}

duo_time_limit_within(document) if {
	is_number(document.request.months)
	tags := duo.tags(document, data.access.rules.duo_time_limit.table.term)
	count(tags) > 0
	every tag in tags {
		is_number(tag.months)
		document.request.months <= tag.months
	}
}
