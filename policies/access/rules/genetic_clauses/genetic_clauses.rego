# Cooperation with a foreign party keeps the Chinese side in all of it: work, records, a backup and patents.
package access.rules

import data.lib.finding
import data.lib.genetic

genetic_clauses_findings := data.access.rules.genetic_clauses.table.findings

verdict["genetic_clauses"] := "ok" if {
	genetic.free(input)
} else := "ok" if {
	genetic_clauses_missing(input) == []
} else := {
	finding.filled(
		genetic_clauses_findings.lacking,
		[concat(data.access.rules.genetic_clauses.table.between, genetic_clauses_missing(input))],
	),
}

# Of no list of clauses, all are missing.
genetic_clauses_missing(document) := [clause |
	some clause in data.access.rules.genetic_clauses.table.clauses
	not clause in stated
] if {
	stated := document.contract.clauses
	is_array(stated)
} else := data.access.rules.genetic_clauses.table.clauses
