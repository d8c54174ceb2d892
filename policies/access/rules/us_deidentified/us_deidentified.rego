# De-identified data of the United States has no identifiers left, or an expert says that nobody can be known from it.
package access.rules

import data.lib.finding

us_deidentified_findings := data.access.rules.us_deidentified.table.findings

verdict["us_deidentified"] := "ok" if {
	us_deidentified_elsewhere(input)
} else := "ok" if {
	us_deidentified_unclaimed(input)
} else := "ok" if {
	us_deidentified_bare(input)
	us_deidentified_proven(input)
} else := us_deidentified_identifying(input) | us_deidentified_unproven(input)

us_deidentified_elsewhere(document) if {
	count(document.dataset.origin) > 0
	every country in document.dataset.origin { country != data.access.rules.us_deidentified.table.country }
}

us_deidentified_unclaimed(document) if {
	document.dataset.identifiability in data.access.rules.us_deidentified.table.unclaimed
}

# The column that tells persons apart leaves as a pseudonym and may stay in the view.
us_deidentified_bare(document) if {
	count(document.dataset.columns) > 0
	every column in document.dataset.columns { us_deidentified_harmless(document, column) }
}

us_deidentified_harmless(document, column) if {
	is_string(column.role)
	not column.role in data.access.rules.us_deidentified.table.identifiers
} else if {
	column.name == document.dataset.person_column
}

# By an expert, or by the safe harbor: dates and places are among what it removes, and a role does not tell them apart.
us_deidentified_proven(document) if {
	is_string(document.dataset.deidentification_report)
	document.dataset.deidentification_report != ""
} else if {
	count(document.dataset.columns) > 0
	every column in document.dataset.columns { us_deidentified_safe(document, column) }
}

us_deidentified_safe(document, column) if {
	column.role in data.access.rules.us_deidentified.table.safe_roles
	column.type in data.access.rules.us_deidentified.table.safe_types
} else if {
	column.name == document.dataset.person_column
}

us_deidentified_identifying(document) := {finding.made(us_deidentified_findings.identifying) |
	not us_deidentified_bare(document)
}

us_deidentified_unproven(document) := {finding.made(us_deidentified_findings.unproven) |
	not us_deidentified_proven(document)
}
