# Who holds the data of ten million persons or more has somebody in charge of data security.
package access.rules

import data.lib.finding

data_security_officer_findings := data.access.rules.data_security_officer.table.findings

verdict["data_security_officer"] := "ok" if {
	input.provider.security_officer == true
} else := "ok" if {
	data_security_officer_fewer(input)
} else := {finding.filled(data_security_officer_findings.none, [data.access.rules.data_security_officer.table.held_from])}

# What one dataset holds, its provider holds. What is no number is no few: it comes behind all numbers, and null before.
data_security_officer_fewer(document) if {
	is_number(document.provider.persons_held)
	document.provider.persons_held < data.access.rules.data_security_officer.table.held_from
	not data_security_officer_in_one(document)
}

data_security_officer_in_one(document) if {
	document.dataset.persons >= data.access.rules.data_security_officer.table.held_from
}
