# The delivery mode is one in which this action can be done.
package access.rules

import data.lib.finding

verdict["action_fits_mode"] := "ok" if {
	modes := data.access.rules.action_fits_mode.table.secured[input.request.action]
	input.user.secure_environment in modes[input.request.mode]
} else := {finding.deny(
	"GEN-11",
	"The action cannot be done in this delivery mode, or the mode needs a secure environment.",
	["request.action", "request.mode", "user.secure_environment"],
	"Ours: rows leave in M4 or M5, counts in M2 or M3, all other work stays in place",
	"Ask in a mode that fits the action; for M4, work inside a secure environment.",
)}
