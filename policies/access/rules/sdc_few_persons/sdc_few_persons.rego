# Nothing is counted over so few persons that every count would be a small cell.
package access.rules

import data.lib.finding

sdc_few_persons_findings := data.access.rules.sdc_few_persons.table.findings

# The threshold is the one below which counts are suppressed on their way out: there is one number, not two.
verdict["sdc_few_persons"] := "ok" if {
	input.request.action in data.access.rules.sdc_few_persons.table.rows
} else := "ok" if {
	is_number(input.dataset.persons)
	input.dataset.persons > data.access.obligations.suppress_small_cells.table.threshold
} else := {finding.filled(sdc_few_persons_findings.few, [data.access.obligations.suppress_small_cells.table.threshold])}
