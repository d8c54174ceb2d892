# Personal data of European origin stays in a secure processing environment.
package access.rules

import data.lib.finding

ehds_environment_findings := data.access.rules.ehds_environment.table.findings

cap["ehds_environment"] := data.access.rules.ehds_environment.table.cap if {
	not data.lib.europe.impersonal
}

# That work in the environment is done from inside it is said by `action_fits_mode`.
verdict["ehds_environment"] := "ok" if {
	data.lib.europe.impersonal
} else := "ok" if {
	is_string(input.request.mode)
	input.request.mode <= data.access.rules.ehds_environment.table.cap
} else := {finding.filled(ehds_environment_findings.above, [data.access.rules.ehds_environment.table.cap])}
