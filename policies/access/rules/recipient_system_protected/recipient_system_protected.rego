# A system of the recipient that holds the data is protected at the level demanded.
package access.rules

import data.lib.finding

recipient_system_protected_findings := data.access.rules.recipient_system_protected.table.findings

verdict["recipient_system_protected"] := "ok" if {
	is_number(input.participant.mlps_level)
	input.participant.mlps_level >= data.access.rules.recipient_system_protected.table.mlps_level
} else := "ok" if {
	input.request.mode in data.access.rules.recipient_system_protected.table.not_held_modes
} else := {finding.made(recipient_system_protected_findings.level)}
