# Entrusted work names its principal's purpose and is not passed on.
package access.rules

import data.lib.finding

entrusted_work_findings := data.access.rules.entrusted_work.table.findings

verdict["entrusted_work"] := "ok" if {
	is_string(input.request.purpose.id)
	not input.request.purpose.id in data.access.rules.entrusted_work.table.entrusted
} else := "ok" if {
	data.lib.personal.absent
} else := "ok" if {
	entrusted_work_named(input)
	entrusted_work_kept(input)
} else := entrusted_work_unnamed(input) | entrusted_work_passed_on(input)

# What it is done for: a purpose of the contract that is no entrusted work itself.
entrusted_work_named(document) if {
	is_array(document.contract.purposes)
	some purpose in document.contract.purposes
	is_string(purpose)
	not purpose in data.access.rules.entrusted_work.table.entrusted
}

entrusted_work_kept(document) if data.access.rules.entrusted_work.table.promise in document.contract.prohibitions

entrusted_work_unnamed(document) := {finding.made(entrusted_work_findings.unnamed) |
	not entrusted_work_named(document)
}

entrusted_work_passed_on(document) := {finding.made(entrusted_work_findings.passed_on) |
	not entrusted_work_kept(document)
}
