# A limited data set of the United States has no direct identifier, an agreement, and a purpose it is for.
package access.rules

import data.lib.finding

us_limited_data_set_findings := data.access.rules.us_limited_data_set.table.findings

verdict["us_limited_data_set"] := "ok" if {
	us_limited_data_set_elsewhere(input)
} else := "ok" if {
	us_limited_data_set_other(input)
} else := "ok" if {
	us_limited_data_set_bare(input)
	us_limited_data_set_agreed(input)
	us_limited_data_set_meant(input)
} else := us_limited_data_set_causes(input)

us_limited_data_set_causes(document) := first | second if {
	first := us_limited_data_set_identifying(document) | us_limited_data_set_unbound(document)
	second := us_limited_data_set_unmeant(document)
}

us_limited_data_set_elsewhere(document) if {
	count(document.dataset.origin) > 0
	every country in document.dataset.origin { country != data.access.rules.us_limited_data_set.table.country }
}

us_limited_data_set_other(document) if {
	document.dataset.identifiability in data.access.rules.us_limited_data_set.table.others
}

# The column that tells persons apart leaves as a pseudonym and may stay in the view.
us_limited_data_set_bare(document) if {
	count(document.dataset.columns) > 0
	every column in document.dataset.columns { us_limited_data_set_harmless(document, column) }
}

us_limited_data_set_harmless(document, column) if {
	column.role in data.access.rules.us_limited_data_set.table.roles
} else if {
	column.name == document.dataset.person_column
}

us_limited_data_set_agreed(document) if {
	count(data.access.rules.us_limited_data_set.table.promised) > 0
	every promise in data.access.rules.us_limited_data_set.table.promised { promise in document.contract.prohibitions }
}

us_limited_data_set_meant(document) if {
	document.request.purpose.research == true
} else if {
	document.request.purpose.id in data.access.rules.us_limited_data_set.table.purposes
}

us_limited_data_set_identifying(document) := {finding.made(us_limited_data_set_findings.identifying) |
	not us_limited_data_set_bare(document)
}

us_limited_data_set_unbound(document) := {finding.made(us_limited_data_set_findings.unbound) |
	not us_limited_data_set_agreed(document)
}

us_limited_data_set_unmeant(document) := {finding.made(us_limited_data_set_findings.unmeant) |
	not us_limited_data_set_meant(document)
}
