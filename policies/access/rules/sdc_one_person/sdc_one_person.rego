# Results are not shown person by person.
package access.rules

import data.lib.disclosure
import data.lib.finding

sdc_one_person_findings := data.access.rules.sdc_one_person.table.findings

verdict["sdc_one_person"] := "ok" if {
	every name in input.request.group_by { disclosure.shared(input, name) }
} else := {finding.made(sdc_one_person_findings.single)}
