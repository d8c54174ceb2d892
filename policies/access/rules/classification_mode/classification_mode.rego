# The dataset's classification caps the delivery mode.
package access.rules

import data.lib.classification
import data.lib.finding

cap["classification_mode"] := object.get(row.caps, input.dataset.identifiability, row.caps.otherwise) if {
	row := classification.row
}

# A limited data set may travel further, under the contract that every access has.
verdict["classification_mode"] := "ok" if {
	input.request.mode <= cap.classification_mode
	classification.row.refer == false
	classification_mode_explained(input)
} else := classification_mode_causes(input)

classification_mode_explained(document) if {
	document.dataset.classification.level >= document.dataset.source_level
} else if {
	is_string(document.dataset.deidentification_report)
}

classification_mode_within(document) if document.request.mode <= cap.classification_mode

classification_mode_causes(document) := (classification_mode_unclassified | classification_mode_above(document)) | (classification_mode_unexplained(document) | classification_mode_grave)

classification_mode_unclassified := {finding.deny(
	"GB-01",
	"The dataset has no classification that this gateway knows.",
	["dataset.classification"],
	"GB/T 39725-2020 6.2",
	"The provider registers the dataset with a known scheme and its level.",
) |
	not classification_mode_classified
}

classification_mode_classified if is_object(classification.row)

classification_mode_above(document) := {finding.deny(
	"GB-03",
	sprintf("The dataset's classification allows delivery up to mode %s only.", [cap.classification_mode]),
	["request.mode", "dataset.classification", "dataset.identifiability"],
	"GB/T 39725-2020 6.5",
	sprintf("Ask in mode %s or lower, under a contract that permits it.", [cap.classification_mode]),
) |
	classification_mode_classified
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

classification_mode_grave := {finding.refer(
	"GB-04",
	"At this level a person decides on every access.",
	["dataset.classification"],
	"GB/T 39725-2020 6.2",
	"A committee decision that covers this request.",
) |
	classification.row.refer == true
}
