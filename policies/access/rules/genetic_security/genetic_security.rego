# What could touch public health or security is reviewed before a foreign party uses it.
package access.rules

import data.lib.approval
import data.lib.finding
import data.lib.genetic

genetic_security_findings := data.access.rules.genetic_security.table.findings

verdict["genetic_security"] := "ok" if {
	genetic.free(input)
} else := "ok" if {
	genetic_security_untouched(input)
} else := "ok" if {
	count(approval.genetic(input, data.access.rules.genetic_security.table.reviews)) > 0
} else := {finding.made(genetic_security_findings.unreviewed)}

genetic_security_untouched(document) if {
	document.dataset.hgr.important_pedigree == false
	document.dataset.hgr.specific_region == false
	document.dataset.hgr.other_trigger == false
	genetic_security_few(document)
}

# Below the sequencing that counts, the number does not matter.
genetic_security_few(document) if {
	document.dataset.hgr.seq in data.access.rules.genetic_security.table.uncounted
} else if {
	document.dataset.hgr.seq in data.access.rules.genetic_security.table.counted

	# Of nobody nothing was sequenced: the number was not stated.
	document.dataset.hgr.persons > 0
	document.dataset.hgr.persons <= data.access.rules.genetic_security.table.persons
}
