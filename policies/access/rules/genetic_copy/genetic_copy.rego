# A foreign party keeps no copy of information on human genetic resources and takes none abroad.
package access.rules

import data.lib.finding
import data.lib.genetic

genetic_copy_findings := data.access.rules.genetic_copy.table.findings

verdict["genetic_copy"] := "ok" if {
	genetic.free(input)
} else := "ok" if {
	genetic_copy_in_place(input)
	genetic_copy_in_china(input)
} else := genetic_copy_copied(input) | genetic_copy_abroad(input)

genetic_copy_in_place(document) if document.request.mode in data.access.rules.genetic_copy.table.in_place

genetic_copy_in_china(document) if {
	country := data.access.rules.genetic_copy.table.country
	stored := split(document.request.processing_location, "-")
	stored[0] == country
	seen := split(document.user.accessing_from, "-")
	seen[0] == country
}

genetic_copy_copied(document) := {finding.made(genetic_copy_findings.copied) |
	not genetic_copy_in_place(document)
}

genetic_copy_abroad(document) := {finding.made(genetic_copy_findings.abroad) |
	not genetic_copy_in_china(document)
}
