# The dataset's data use permission and every modifier of it allow the purpose.
package access.rules

import data.lib.finding
import data.lib.mondo

duo_permission_findings := data.access.rules.duo_permission.table.findings

verdict["duo_permission"] := "ok" if {
	codes := data.access.rules.duo_permission.table.codes
	[true | some tag in input.dataset.duo; codes[tag.id].permission == true] == [true]
	every tag in input.dataset.duo { duo_permission_holds(codes[tag.id]) }
	duo_permission_unflagged(input)
} else := duo_permission_causes(input)

duo_permission_unflagged(document) if document.request.purpose.flags == []

# The rows of the codes the dataset carries.
duo_permission_known(document) := [row |
	codes := data.access.rules.duo_permission.table.codes
	some tag in document.dataset.duo
	row := codes[tag.id]
]

duo_permission_one_permission(rows) if count([row | some row in rows; row.permission == true]) == 1

# A row holds when the facts are as it wants them: all of them, and proven.
duo_permission_holds(row) if {
	object.subset(input.request.purpose, row.purpose)
	object.subset(input.participant, row.participant)
	duo_permission_diseases(row.diseases)
} else if {
	# Methods work on the very disease the data was given for is work on that disease.
	row.diseases_excuse == true
	duo_permission_diseases("fit")
} else if {
	# Care is not research: where the clinical care modifier is there, it stands in for the permission.
	row.permission == true
	input.request.purpose.clinical_care == true
	data.access.rules.duo_permission.table.clinical_care in duo_permission_carried
}

duo_permission_carried contains tag.id if some tag in input.dataset.duo

# Matched upwards: work on lung cancer fits data given for cancer, not the other way. Of no disease, all would fit.
duo_permission_diseases(wanted) if {
	wanted == "any"
} else if {
	wanted == "none"
	count(input.request.purpose.disease_terms) == 0
} else if {
	wanted == "fit"
	count(input.request.purpose.disease_terms) > 0
	given := {term |
		some tag in input.dataset.duo
		tag.id == data.access.rules.duo_permission.table.disease_specific
		some term in tag.disease_terms
	}
	every term in input.request.purpose.disease_terms { mondo.within(term, given) }
}

duo_permission_causes(document) := first | second if {
	first := duo_permission_ambiguous(document) | duo_permission_sensitive(document)
	second := duo_permission_unmet(document) | duo_permission_unknown(document)
}

duo_permission_ambiguous(document) := {finding.made(duo_permission_findings.ambiguous) |
	rows := duo_permission_known(document)
	not duo_permission_one_permission(rows)
}

duo_permission_sensitive(document) := {finding.made(duo_permission_findings.flagged) |
	not duo_permission_unflagged(document)
}

duo_permission_unmet(document) := {finding.filled(
	object.union(duo_permission_findings.unmet, {
		"code": duo_permission_code_shown(document, row),
		"facts": row.facts,
		"remedy": row.remedy,
	}),
	[row.short, row.allows],
) |
	some row in duo_permission_known(document)
	not duo_permission_holds(row)
}

duo_permission_code_shown(document, row) := data.access.rules.duo_permission.table.clinical_care_code if {
	row.permission == true
	document.request.purpose.clinical_care == true
} else := row.code

duo_permission_unknown(document) := {finding.filled(duo_permission_findings.unknown, [code]) |
	some tag in document.dataset.duo
	code := object.get(tag, "id", data.access.rules.duo_permission.table.unnamed)
	codes := data.access.rules.duo_permission.table.codes
	not codes[code]
}
