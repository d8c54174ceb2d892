# User, project and institution are among those the dataset is given to, where it names some.
package access.rules

import data.lib.finding

duo_recipients_findings := data.access.rules.duo_recipients.table.findings

verdict["duo_recipients"] := "ok" if {
	codes := data.lib.duo.codes
	every term, _ in data.access.rules.duo_recipients.table.lists { not term in codes }
} else := "ok" if {
	data.lib.duo.codes
	every tag in input.dataset.duo { duo_recipients_named(input, tag) }
} else := duo_recipients_causes(input)

# A code of another kind names nobody, and a list that is not there has nobody on it.
duo_recipients_named(document, tag) if {
	row := data.access.rules.duo_recipients.table.lists[tag.id]
	asked := object.get(document, row.asked, null)
	is_string(asked)
	asked in tag[row.parameter]
} else if {
	not data.access.rules.duo_recipients.table.lists[tag.id].finding
}

duo_recipients_causes(document) := {finding.made(duo_recipients_findings[row.finding]) |
	some tag in document.dataset.duo
	row := data.access.rules.duo_recipients.table.lists[tag.id]
	not duo_recipients_named(document, tag)
} if {
	data.lib.duo.codes
} else := {finding.made(entry) | some entry in duo_recipients_findings}
