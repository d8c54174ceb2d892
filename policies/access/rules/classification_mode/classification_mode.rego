# The dataset's classification caps the delivery mode.
package access.rules

import data.lib.finding

# Numbers of one scheme say nothing in another: every scheme has its own table. The row is looked up twice here,
# which is cheaper than to share it.
cap["classification_mode"] := object.get(row.caps, input.dataset.identifiability, row.caps.otherwise) if {
	class := input.dataset.classification
	row := object.get(data.lib.classification.table.schemes, [class.scheme, class.level], null)
}

# A limited data set may travel further, under the contract that every access has.
verdict["classification_mode"] := "ok" if {
	class := input.dataset.classification
	row := object.get(data.lib.classification.table.schemes, [class.scheme, class.level], null)
	input.request.mode <= object.get(row.caps, input.dataset.identifiability, row.caps.otherwise)
	row.refer == false
	classification_mode_explained(input)
} else := classification_mode_causes(input)

classification_mode_row(document) := object.get(
	data.lib.classification.table.schemes,
	[document.dataset.classification.scheme, document.dataset.classification.level],
	null,
)

classification_mode_explained(document) if {
	document.dataset.classification.level >= document.dataset.source_level
} else if {
	is_string(document.dataset.deidentification_report)
}

classification_mode_within(document) if document.request.mode <= cap.classification_mode

classification_mode_causes(document) := (classification_mode_unclassified(document) | classification_mode_above(document)) | (classification_mode_unexplained(document) | classification_mode_grave(document))

classification_mode_unclassified(document) := {finding.deny(
	"GB-01",
	"The dataset has no classification that this gateway knows.",
	["dataset.classification"],
	"GB/T 39725-2020 6.2",
	"The provider registers the dataset with a known scheme and its level.",
) |
	not classification_mode_classified(document)
}

classification_mode_classified(document) if is_object(classification_mode_row(document))

classification_mode_above(document) := {finding.deny(
	"GB-03",
	sprintf("The dataset's classification allows delivery up to mode %s only.", [cap.classification_mode]),
	["request.mode", "dataset.classification", "dataset.identifiability"],
	"GB/T 39725-2020 6.5",
	sprintf("Ask in mode %s or lower, under a contract that permits it.", [cap.classification_mode]),
) |
	classification_mode_classified(document)
	not classification_mode_within(document)
}

classification_mode_unexplained(document) := {finding.deny(
	"GB-05",
	"The dataset is classified below its source without a de-identification report.",
	["dataset.classification", "dataset.source_level", "dataset.deidentification_report"],
	"GB/T 39725-2020 10",
	"The provider files the de-identification report, or registers the dataset at its source's level.",
) |
	not classification_mode_explained(document)
}

classification_mode_grave(document) := {finding.refer(
	"GB-04",
	"At this level a person decides on every access.",
	["dataset.classification"],
	"GB/T 39725-2020 6.2",
	"A committee decision that covers this request.",
) |
	classification_mode_row(document).refer == true
}
