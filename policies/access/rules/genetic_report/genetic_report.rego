# Opening information on human genetic resources to a foreign party is reported first, with a backup lodged.
package access.rules

import data.lib.approval
import data.lib.finding
import data.lib.genetic

genetic_report_findings := data.access.rules.genetic_report.table.findings

# Whether a perturbed count is opening the information is a question to counsel.
verdict["genetic_report"] := "ok" if {
	genetic.free(input)
} else := "ok" if {
	some report in approval.genetic(input, data.access.rules.genetic_report.table.reports)
	report.backup_submitted == true
} else := {finding.made(genetic_report_findings.counted)} if {
	input.request.mode in data.access.rules.genetic_report.table.counts
} else := {finding.made(genetic_report_findings.unreported)}
