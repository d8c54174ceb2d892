# International cooperation on human genetic resources passed ethics review in both countries.
package access.rules

import data.lib.approval
import data.lib.finding
import data.lib.genetic

genetic_ethics_findings := data.access.rules.genetic_ethics.table.findings

verdict["genetic_ethics"] := "ok" if {
	genetic.free(input)
} else := "ok" if {
	countries := genetic_ethics_countries(input)
	data.access.rules.genetic_ethics.table.country in countries
	input.participant.country in countries
} else := genetic_ethics_causes(input)

# Where those who gave the ethics approvals sit.
genetic_ethics_countries(document) := {given.country |
	some given in approval.covering("ethics", document)
	given.exempt == false
}

genetic_ethics_causes(document) := {finding.made(genetic_ethics_findings.other_country)} if {
	approval.ethics(document)
} else := {finding.made(genetic_ethics_findings.unapproved)}
