# Opening information on human genetic resources to a foreign party is reported first, with a backup lodged.
package access.rules

import data.lib.approval
import data.lib.finding
import data.lib.genetic

genetic_report_findings := data.access.rules.genetic_report.table.findings

verdict["genetic_report"] := "ok" if {
	genetic.free(input)
} else := "ok" if {
	some report in approval.genetic(input, data.access.rules.genetic_report.table.reports)
	report.backup_submitted == true
} else := "ok" if {
	genetic_report_counts(input)
	approval.decided(input, genetic_report_findings.counted)
} else := genetic_report_causes(input)

# Whether a perturbed count is opening the information is a question to counsel.
genetic_report_causes(document) := {finding.made(genetic_report_findings.counted)} if {
	genetic_report_counts(document)
} else := {finding.made(genetic_report_findings.unreported)}

genetic_report_counts(document) if document.request.mode in data.access.rules.genetic_report.table.counts
