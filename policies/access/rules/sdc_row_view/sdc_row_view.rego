# Rows are looked at where enough persons share each combination of what could tell who they are.
package access.rules

import data.lib.finding

sdc_row_view_findings := data.access.rules.sdc_row_view.table.findings

verdict["sdc_row_view"] := "ok" if {
	is_string(input.request.mode)
	not input.request.mode in data.access.rules.sdc_row_view.table.modes
} else := "ok" if {
	sdc_row_view_enough(input)
	sdc_row_view_shared
} else := {finding.filled(sdc_row_view_findings.unproven, [data.access.rules.sdc_row_view.table.persons])} if {
	sdc_row_view_enough(input)
} else := {finding.filled(sdc_row_view_findings.few, [data.access.rules.sdc_row_view.table.persons])}

sdc_row_view_enough(document) if {
	is_number(document.dataset.persons)
	document.dataset.persons >= data.access.rules.sdc_row_view.table.persons
}

# Without a quasi-identifier there is one combination, of everybody. Direct identifiers leave as pseudonyms, or not.
sdc_row_view_shared if {
	count(data.lib.request.touched) > 0
	every column in data.lib.request.touched { column.role in data.access.rules.sdc_row_view.table.roles }
}
