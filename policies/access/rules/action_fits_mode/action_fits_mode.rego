# The delivery mode is one in which this action can be done.
package access.rules

import data.lib.finding

verdict["action_fits_mode"] := "ok" if {
	modes := data.access.rules.action_fits_mode.table.secured[input.request.action]
	input.user.secure_environment in modes[input.request.mode]
} else := {finding.made(data.access.rules.action_fits_mode.table.findings.mode)}
