# A person decides on statistics of which single persons are left out or picked.
package access.rules

import data.lib.disclosure
import data.lib.finding

sdc_differencing_findings := data.access.rules.sdc_differencing.table.findings

# Two such questions differ by as few persons as the filter names. Rows show them anyway.
verdict["sdc_differencing"] := "ok" if {
	input.request.action in data.access.rules.sdc_differencing.table.rows
} else := "ok" if {
	every name in input.request.filter_columns { disclosure.shared(input, name) }
} else := {finding.made(sdc_differencing_findings.picked)}
