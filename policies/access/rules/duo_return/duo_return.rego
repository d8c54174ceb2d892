# Who uses the data promises to give derived data back, where the dataset asks for it.
package access.rules

import data.lib.finding

duo_return_findings := data.access.rules.duo_return.table.findings

verdict["duo_return"] := "ok" if {
	codes := data.lib.duo.codes
	term := data.access.rules.duo_return.table.term
	not term in codes
} else := "ok" if {
	data.lib.duo.codes
	input.request.accepts.return_derived == true
} else := {finding.made(duo_return_findings.unpromised)}
