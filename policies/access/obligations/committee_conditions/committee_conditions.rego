# What a data access committee asked for when it approved is owed wherever its decision covers a request.
package access.obligations

import data.lib.approval

# Mostly there is none: the first way is the same, and cheaper.
owed["committee_conditions"] := set() if {
	input.approvals.committee == []
} else := {demand |
	some given in approval.covering("committee", input)
	approval.as_asked(given, input)
	some demand in given.obligations
}
