# The purpose is one of the vocabulary, and none that nobody may have.
package access.rules

import data.lib.finding

purpose_prohibited_findings := data.access.rules.purpose_prohibited.table.findings

verdict["purpose_prohibited"] := "ok" if {
	input.request.purpose.id in data.access.rules.purpose_prohibited.table.open
} else := {
	finding.made(object.union(
		purpose_prohibited_findings.prohibited,
		{"code": entry.code, "text": entry.text, "source": entry.source},
	)),
} if {
	entry := data.access.rules.purpose_prohibited.table.prohibited[input.request.purpose.id]
} else := {finding.made(purpose_prohibited_findings.unknown)}
