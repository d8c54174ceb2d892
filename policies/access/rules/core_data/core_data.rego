# Core data of the state is out of reach.
package access.rules

import data.lib.finding

verdict["core_data"] := "ok" if {
	input.dataset.core_data == false
} else := {finding.made(data.access.rules.core_data.table.findings.core)}
