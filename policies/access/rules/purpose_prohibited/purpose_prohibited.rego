# The purpose is one of the vocabulary, and none that nobody may have.
package access.rules

import data.lib.finding

verdict["purpose_prohibited"] := "ok" if {
	input.request.purpose.id in data.access.rules.purpose_prohibited.table.open
} else := {finding.deny(
	entry.code,
	entry.text,
	["request.purpose.id"],
	entry.source,
	"There is no remedy for this purpose.",
)} if {
	entry := data.access.rules.purpose_prohibited.table.prohibited[input.request.purpose.id]
} else := {finding.deny(
	"GEN-01",
	"The purpose is not one of the vocabulary.",
	["request.purpose.id"],
	"Ours: input is complete and well typed",
	"State one of the purposes P01 to P23.",
)}
