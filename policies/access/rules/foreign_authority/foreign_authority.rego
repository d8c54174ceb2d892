# What a foreign court or authority asks for is not answered by the gateway.
package access.rules

import data.lib.finding

foreign_authority_findings := data.access.rules.foreign_authority.table.findings

verdict["foreign_authority"] := "ok" if {
	is_string(input.participant.kind)
	not input.participant.kind in data.access.rules.foreign_authority.table.authorities
} else := "ok" if {
	input.participant.country == data.access.rules.foreign_authority.table.country
	input.participant.overseas_entity == false
} else := {finding.made(foreign_authority_findings.foreign)}
