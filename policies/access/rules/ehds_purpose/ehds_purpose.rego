# European health data is used for a purpose of Article 53, and by public bodies where it is theirs alone.
package access.rules

import data.lib.finding

ehds_purpose_findings := data.access.rules.ehds_purpose.table.findings

verdict["ehds_purpose"] := "ok" if {
	data.lib.europe.elsewhere
} else := "ok" if {
	ehds_purpose_listed(input, data.access.rules.ehds_purpose.table.open_letters)
} else := "ok" if {
	input.participant.public_body == true
	ehds_purpose_listed(input, data.access.rules.ehds_purpose.table.public_letters)
} else := {finding.made(ehds_purpose_findings.doubtful)} if {
	input.request.purpose.id in data.access.rules.ehds_purpose.table.doubtful
} else := {finding.made(ehds_purpose_findings.public)} if {
	ehds_purpose_listed(input, data.access.rules.ehds_purpose.table.public_letters)
} else := {finding.made(ehds_purpose_findings.unlisted)}

ehds_purpose_listed(document, letters) if {
	some letter in data.access.rules.ehds_purpose.table.letters[document.request.purpose.id]
	letter in letters
}
