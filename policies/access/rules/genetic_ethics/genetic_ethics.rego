# International cooperation on human genetic resources passed ethics review in both countries.
package access.rules

import data.lib.approval
import data.lib.finding
import data.lib.genetic

genetic_ethics_findings := data.access.rules.genetic_ethics.table.findings

verdict["genetic_ethics"] := "ok" if {
	genetic.free(input)
} else := "ok" if {
	approval.ethics(input)
	input.participant.country == data.access.rules.genetic_ethics.table.country
} else := "ok" if {
	approval.ethics(input)
	approval.decided(input, genetic_ethics_findings.other_country)
} else := genetic_ethics_causes(input)

# One approval is all an input can hold: the other country's is for a person to see.
genetic_ethics_causes(document) := {finding.made(genetic_ethics_findings.other_country)} if {
	approval.ethics(document)
} else := {finding.made(genetic_ethics_findings.unapproved)}
