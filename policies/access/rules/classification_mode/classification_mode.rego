# The dataset's classification caps the delivery mode.
package access.rules

import data.lib.finding

classification_mode_findings := data.access.rules.classification_mode.table.findings

cap["classification_mode"] := object.get(row.caps, input.dataset.identifiability, row.caps.otherwise) if {
	row := data.lib.classification.row
}

# A limited data set may travel further, under the contract that every access has.
verdict["classification_mode"] := "ok" if {
	input.request.mode <= cap.classification_mode
	data.lib.classification.row.refer == false
	classification_mode_explained(input)
} else := classification_mode_causes(input)

classification_mode_explained(document) if {
	document.dataset.classification.level >= document.dataset.source_level
} else if {
	is_string(document.dataset.deidentification_report)
	document.dataset.deidentification_report != ""
}

classification_mode_within(document) if document.request.mode <= cap.classification_mode

classification_mode_causes(document) := first | second if {
	first := classification_mode_unclassified | classification_mode_above(document)
	second := classification_mode_unexplained(document) | classification_mode_grave
}

classification_mode_unclassified contains finding.made(classification_mode_findings.unclassified) if {
	not classification_mode_classified
}

classification_mode_classified if is_object(data.lib.classification.row)

classification_mode_above(document) := {finding.filled(classification_mode_findings.above, [cap.classification_mode]) |
	not classification_mode_within(document)
}

classification_mode_unexplained(document) := {finding.made(classification_mode_findings.unexplained) |
	not classification_mode_explained(document)
}

classification_mode_grave contains finding.made(classification_mode_findings.grave) if {
	data.lib.classification.row.refer == true
}
