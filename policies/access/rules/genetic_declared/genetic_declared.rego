# Genetic data of Chinese origin is declared as information on human genetic resources.
package access.rules

import data.lib.finding

genetic_declared_findings := data.access.rules.genetic_declared.table.findings

verdict["genetic_declared"] := "ok" if {
	input.dataset.hgr.information == true
} else := "ok" if {
	genetic_declared_absent(input)
	genetic_declared_unsequenced(input)
} else := "ok" if {
	genetic_declared_elsewhere(input)
} else := {finding.made(genetic_declared_findings.undeclared)}

genetic_declared_absent(document) if {
	count(document.dataset.contains) > 0
	every kind in document.dataset.contains { kind != data.access.rules.genetic_declared.table.content }
}

genetic_declared_unsequenced(document) if {
	document.dataset.hgr == null
} else if {
	document.dataset.hgr.seq in data.access.rules.genetic_declared.table.unsequenced
}

genetic_declared_elsewhere(document) if {
	count(document.dataset.origin) > 0
	every country in document.dataset.origin { country != data.access.rules.genetic_declared.table.country }
}
