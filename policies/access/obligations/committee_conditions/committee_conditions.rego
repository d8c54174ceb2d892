# What a data access committee asked for when it approved is owed wherever its decision covers a request.
package access.obligations

import data.lib.approval

owed["committee_conditions"] := {demand |
	some given in approval.covering("committee", input)
	approval.as_asked(given, input)
	some demand in given.obligations
}
