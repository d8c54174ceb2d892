# Personal data of European origin leaves the European Economic Area on safeguards that a person has decided on.
package access.rules

import data.lib.europe
import data.lib.finding

gdpr_transfer_findings := data.access.rules.gdpr_transfer.table.findings

# A look from outside is a transfer as much as sending is.
verdict["gdpr_transfer"] := "ok" if {
	data.lib.europe.impersonal
} else := "ok" if {
	europe.inside(input.request.processing_location)
	europe.inside(input.user.accessing_from)
} else := {finding.made(gdpr_transfer_findings.transfer)}
